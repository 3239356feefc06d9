"""A very small model that knows chats, for the tests of alignment."""

from functools import cache

import torch

from tiny_llama3.align.chat_files import Pair, Prompt
from tiny_llama3.align.encoded import encode_chats, encode_pairs, encode_questions
from tiny_llama3.chat_template import Message
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.tasks.exercise import exercises
from tiny_llama3.tokenizer import Tokenizer


@cache
def tokenizer():
    made = exercises("arithmetic", "en", 200)
    return Tokenizer.train([text for each in made for text in (each.prompt, each.answer)], 300)


def base(seed=0, **changes):
    """Random weights, large enough that their outputs differ."""
    torch.manual_seed(seed)
    t = tokenizer()
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "max_position_embeddings": 256, "tie_word_embeddings": True,
             "bos_token_id": t.bos_id, "eos_token_id": (t.eos_id, t.eot_id), "pad_token_id": t.pad_id}  # fmt: skip
    model = Llama(LlamaConfig(len(t), **(shape | changes)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(4)
    return model


def chats(count=24, seed=0):
    made = exercises("arithmetic", "en", count, seed)
    messages = [(Message("user", each.prompt), Message("assistant", each.answer)) for each in made]
    return encode_chats(tokenizer(), messages, 200)[0]


def pairs(count=24, seed=0):
    made = exercises("arithmetic", "en", count, seed)
    return encode_pairs(tokenizer(), [Pair((Message("user", e.prompt),), e.answer, e.mistake) for e in made], 200)[0]


def questions(count=24, seed=0):
    made = exercises("arithmetic", "en", count, seed)
    return encode_questions(tokenizer(), [Prompt((Message("user", e.prompt),), e.answer) for e in made], 200)[0]
