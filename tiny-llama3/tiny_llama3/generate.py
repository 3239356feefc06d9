"""Write on: read the prompt at once, then one token after the other, each chosen from the logits of the last.

Shapes: B rows, T positions of the longest prompt, V vocabulary.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_llama3.cache import KVCache
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.one_row import OneRow
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling, choose

Prompts = Tensor | Sequence[int] | Sequence[Sequence[int]]


def generate(
    model: Llama,
    ids: Prompts,
    max_new_tokens: int = 100,
    *,
    temperature: float = 0.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    repetition_penalty: float = 1.0,
    seed: int = 0,
    eos: int | Sequence[int] | None = None,
    use_cache: bool = True,
) -> Any:
    """Prompts and what the model writes after them.

    `ids`: a tensor (B, T), answered by one (B, T + new) in which what comes after a row's end is padding; or one
    prompt as a list, or a list of prompts of any lengths, answered alike and without padding. A row ends with a token
    in `eos` (None: the configuration's), which is kept, after `max_new_tokens`, or where the model's positions end.
    The defaults are greedy; the same seed gives the same text. Raises Problem for an empty prompt or a wrong id.
    """
    sampling = Sampling(temperature, top_k, top_p, min_p, repetition_penalty)
    prompts = rows_of(ids)
    ends = end_ids(model) if eos is None else frozenset([eos] if isinstance(eos, int) else eos)
    written: list[list[int]] = [[] for _ in prompts]
    finished = [False] * len(prompts)
    for chosen in steps(model, prompts, max_new_tokens, sampling, seed, use_cache=use_cache):
        for row, id in enumerate(chosen):
            if not finished[row]:
                written[row].append(id)
                finished[row] = id in ends
        if all(finished):
            break
    texts = [prompt + new for prompt, new in zip(prompts, written, strict=True)]
    if isinstance(ids, Tensor):
        pad = next((id for id in (model.config.pad_token_id, *sorted(ends)) if id is not None), 0)
        longest = max(map(len, texts))
        padded = torch.tensor([text + [pad] * (longest - len(text)) for text in texts], device=ids.device)
        return padded if ids.ndim == 2 else padded[0]
    return texts[0] if ids and isinstance(ids[0], int) else texts


def rows_of(ids: Prompts) -> list[list[int]]:
    """One prompt or several, as lists."""
    listed: Any = ids.tolist() if isinstance(ids, Tensor) else list(ids)
    rows = [listed] if listed and not isinstance(listed[0], list | tuple | Tensor) else listed
    return [[int(id) for id in row] for row in rows]


def end_ids(model: Llama) -> frozenset[int]:
    """The tokens that end a text, by the model's configuration."""
    eos = model.config.eos_token_id
    return frozenset() if eos is None else frozenset([eos] if isinstance(eos, int) else eos)


@torch.inference_mode()
def steps(
    model: Llama,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    sampling: Sampling,
    seed: int = 0,
    *,
    use_cache: bool = True,
) -> Iterator[list[int]]:
    """The next token of every row, again and again; the caller stops when the rows have ended.

    Shorter prompts are padded on the left; padding counts as a document of its own, so nobody attends to it.
    """
    device, config = model.model.embed_tokens.weight.device, model.config
    _check(prompts, config, max_new_tokens)
    longest = max(map(len, prompts))
    padding = [longest - len(prompt) for prompt in prompts]
    text_BT = torch.tensor([[0] * pad + list(prompt) for pad, prompt in zip(padding, prompts, strict=True)],
                           device=device)  # fmt: skip
    documents_BT = torch.tensor([[1] * pad + [0] * (longest - pad) for pad in padding], device=device)
    seen_BV = torch.zeros(len(prompts), config.vocab_size, dtype=torch.bool, device=device)
    for row, prompt in enumerate(prompts):
        seen_BV[row, list(prompt)] = True
    chances = [random.Random(f"{seed} {row}") for row in range(len(prompts))]
    room = min(max_new_tokens, config.max_position_embeddings - longest + 1)  # the last token is not read any more
    model.eval()

    dtype = model.model.embed_tokens.weight.dtype
    cache = KVCache(config.num_hidden_layers, len(prompts), config.key_value_heads, longest + max(room, 1) - 1,
                    config.head_size, dtype=dtype, device=device) if use_cache else None  # fmt: skip
    alone = cache is not None and len(prompts) == 1 and device.type == "cpu" and dtype == torch.float32
    one_row = None
    next_B = torch.empty(0)
    for number in range(room):
        if number == 0 or cache is None:
            padded_BT = torch.cat([documents_BT, documents_BT.new_zeros(len(prompts), number)], 1)
            logits_BV = model.lm_head(model.hidden(text_BT, padded_BT, cache)[:, -1])
            if alone and cache is not None:
                one_row = OneRow(model, cache)
        elif one_row is not None:
            logits_BV = torch.from_numpy(one_row.logits(int(next_B)))[None]
        else:
            logits_BV = model(next_B[:, None], None, cache)[:, -1]
        next_B = choose(logits_BV, seen_BV, sampling, chances)
        seen_BV[torch.arange(len(prompts)), next_B] = True
        if cache is None:
            text_BT = torch.cat([text_BT, next_B[:, None]], 1)
        yield next_B.tolist()


def _check(prompts: Sequence[Sequence[int]], config: LlamaConfig, max_new_tokens: int) -> None:
    if max_new_tokens < 0:
        raise Problem(f"max_new_tokens must be 0 or more (got {max_new_tokens}); change it")
    if not prompts or not all(prompts):
        raise Problem("a prompt has no token; begin it with the tokenizer's BOS, at least")
    for prompt in prompts:
        if not 0 <= min(prompt) <= max(prompt) < config.vocab_size:
            raise Problem(f"a prompt has an id outside the model's vocabulary of {config.vocab_size}; "
                          "use the tokenizer that belongs to the model")  # fmt: skip
        if len(prompt) > config.max_position_embeddings:
            raise Problem(f"a prompt has {len(prompt)} tokens, the model {config.max_position_embeddings} positions; "
                          "shorten it")  # fmt: skip
