"""From text to text: stop strings across tokens, ends, pieces that add up to the whole."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.writing import StopStrings, write_on

TOKENIZER = Tokenizer.train(["the cat sat on the mat and the rat ran"], 262)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = Llama(LlamaConfig(len(TOKENIZER), 16, 24, 1, 2, max_position_embeddings=128))
    torch.nn.init.normal_(made.lm_head.weight, std=0.5)
    with torch.no_grad():
        made.lm_head.weight[262:] = 0
        made.lm_head.weight[:262] += 0.2
    return made.eval()


@given(st.lists(st.text("ab", max_size=4), max_size=12), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_stop_strings_equal_a_search_in_the_whole(pieces, stops):
    watch = StopStrings(stops)
    given_out = ""
    for piece in pieces:
        given_out += watch.push(piece)
        if watch.found:
            break
    else:
        given_out += watch.flush()
    # the first to be complete decides; of several complete at once the one that begins first
    whole, text = "", None
    for piece in pieces:
        whole += piece
        places = [whole.find(stop) for stop in stops if stop in whole]
        if places:
            text = whole[: min(places)]
            break
    assert watch.found == (text is not None)
    assert given_out == (whole if text is None else text)


def test_pieces_add_up_and_prompts_do_not_mix(model):
    pieces = {0: "", 1: ""}
    texts = write_on(model, TOKENIZER, ["the cat", ""], 40, Sampling(temperature=1.0), seed=3,
                     on_text=lambda row, piece: pieces.__setitem__(row, pieces[row] + piece))  # fmt: skip
    for row, text in enumerate(texts):
        assert text.text == pieces[row] == TOKENIZER.decode(text.ids, skip_special=True)
        assert text.finish in ("end", "length")
    assert texts[0] == write_on(model, TOKENIZER, ["the cat"], 40, Sampling(temperature=1.0), seed=3)[0]


def test_a_stop_string_ends_the_text_before_it(model):
    (free,) = write_on(model, TOKENIZER, ["the"], 40, Sampling(temperature=1.0), seed=3)
    stop = free.text[10:13]
    (text,) = write_on(model, TOKENIZER, ["the"], 40, Sampling(temperature=1.0), seed=3, stops=[stop])
    assert text.finish == "stop" and text.text == free.text[: free.text.index(stop)]


def test_an_end_token_ends_the_text(model):
    made = Llama(model.config)
    made.load_state_dict(model.state_dict())
    with torch.no_grad():
        made.lm_head.weight[TOKENIZER.eos_id] = made.lm_head.weight[:262].abs().sum(0)
    texts = write_on(made, TOKENIZER, ["a", "b", "c", "d"], 30, Sampling(temperature=1.0), seed=0)
    assert {text.finish for text in texts} == {"end"}
    assert all(len(text.ids) < 30 for text in texts)


def test_empty_stop_string(model):
    with pytest.raises(Problem, match="stop string is empty"):
        write_on(model, TOKENIZER, ["a"], stops=[""])
