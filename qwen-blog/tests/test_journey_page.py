"""The page, opened in a real browser: it loads nothing, complains of nothing, recomputes itself, obeys the keyboard."""

import html
import json
import re

import pytest
import torch

import qwen_folder
from browser import attribute, needs_browser, opened
from qwen_blog.page import page
from qwen_blog.problem import Problem
from qwen_blog.tokenizer import Tokenizer
from qwen_blog.trace import trace
from reference import pair

KINDS = ["qwen2", "qwen2, sliding window", "qwen2, YaRN", "qwen3", "qwen2-moe", "qwen3-moe"]
EVIL = "</script><script>document.title = 'taken'</script><!-- <b>&amp;</b> \u2028 今天天气"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    qwen_folder.make(folder)
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="module")
def made(tokenizer, tmp_path_factory):
    def journey(kind, text, layers=None, **changes):
        _, ours = pair(
            kind,
            tmp_path_factory.mktemp("model"),
            vocab_size=len(tokenizer),
            **({"max_position_embeddings": 512} | changes),
        )
        return trace(ours, tokenizer, text, layers=layers)

    return journey


def title(document):
    (found,) = re.findall("<title>(.*?)</title>", document)
    return found


def data_of(text):
    (found,) = re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


@needs_browser
@pytest.mark.parametrize("kind", KINDS)
def test_it_recomputes_the_model(made, kind, tmp_path):
    text = page(made(kind, "The fox doesn't jump; 今天天气很好。"))
    script = "document.title = JSON.stringify([problems, performance.getEntriesByType('resource').length])"
    document, console = opened(tmp_path, text, script=script)
    assert attribute(document, "data-ready") == "true" and not console
    assert 0 < float(attribute(document, "data-self-check")) < 1e-5
    assert "<title>[[],0]</title>" in document


@needs_browser
def test_a_wrong_number_is_noticed(made, tmp_path):
    journey = made("qwen2", "The fox")
    journey.step("L1.mixed").tensor[2, 1, 3] += 0.01
    document, _ = opened(tmp_path, page(journey))
    assert float(attribute(document, "data-self-check")) > 1e-3


@needs_browser
def test_a_prompt_that_would_end_the_script(made, tmp_path):
    text = page(made("qwen2", EVIL), model="</script><img src=x onerror=alert(1)>")
    document, console = opened(tmp_path, text, script="document.title += JSON.stringify(problems)")
    assert attribute(document, "data-ready") == "true" and not console
    assert "taken" not in title(document) and "[]</title>" in document
    assert float(attribute(document, "data-self-check")) < 1e-5


KEYS = """
const pressed = (key) => dispatchEvent(new KeyboardEvent("keydown", { key }));
const seen = [document.documentElement.dataset.step];
pressed("Home");
for (let i = 0; i < steps.length + 3; i++) { seen.push(document.documentElement.dataset.step); pressed("ArrowRight"); }
const tokens = [token]; pressed("ArrowUp"); tokens.push(token);
pressed("ArrowDown"); pressed("ArrowDown"); tokens.push(token);
go(steps.findIndex(step => step.station === "weights"), 0, 0); pressed("]"); pressed("]");
const heads = [head]; for (let i = 0; i < 9; i++) pressed("]"); heads.push(head); pressed("["); heads.push(head);
document.getElementById("language").click();
document.title = JSON.stringify([[...new Set(seen)].length, steps.length, tokens, heads, document.documentElement.lang,
                                 location.hash, problems]);
"""


@needs_browser
def test_every_step_by_keyboard_and_the_rest_of_the_controls(made, tmp_path):
    journey = made("qwen3-moe", "天气 好 The fox")
    last = len(journey.tokens) - 1
    document, console = opened(tmp_path, page(journey), "#step=L1.weights&token=1", KEYS)
    reached, count, tokens, heads, language, address, problems = json.loads(html.unescape(title(document)))
    assert reached == count == len(journey.steps) and not problems and not console
    assert tokens == [1, 0, 2] and last > 2
    assert heads == [2, 3, 2] and language == "zh-CN"
    assert address == "#step=L0.weights&token=0&head=2&lang=zh"
    assert "第 0 层" in document


DRAWN = """
const found = [];
steps.forEach((step, i) => {
  go(i, 1, 0);
  const place = document.getElementById("place"), text = place.textContent;
  if (!place.querySelector("canvas, table, .pretoken, .big") ||
      /undefined|NaN|Infinity/.test(text)) found.push(step.key);
});
document.title = JSON.stringify([found, problems]);
"""


@needs_browser
def test_every_step_draws_itself_without_a_complaint(made, tmp_path):
    script = DRAWN
    for number, kind in enumerate(("qwen2, sliding window", "qwen3-moe")):
        (tmp_path / str(number)).mkdir()
        document, console = opened(tmp_path / str(number), page(made(kind, "The fox doesn't")), script=script)
        assert "<title>[[],[]]</title>" in document, title(document)
        assert not console


@needs_browser
def test_a_large_model_is_cut_and_says_so(made, tmp_path):
    large = {
        "hidden_size": 896,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "intermediate_size": 1200,
        "num_hidden_layers": 5,
    }
    journey = made("qwen2", "The quick brown fox doesn't jump. " * 6, layers=[1, 4], **large)
    text = page(journey)
    assert len(text.encode()) <= 1 << 20
    document, console = opened(tmp_path, text, "#step=L1.norm")
    assert float(attribute(document, "data-self-check")) < 1e-5 and not console
    assert re.search(r"D hidden size 896 · \d+ of 896 shown", document)


def test_the_size_is_kept_or_refused(made):
    journey = made("qwen2", "The quick brown fox")
    whole = page(journey)
    smaller = page(journey, largest=len(whole.encode()) - 20_000)
    assert len(smaller.encode()) <= len(whole.encode()) - 20_000
    with pytest.raises(Problem, match="fewer layers"):
        page(journey, largest=30_000)


def test_numbers_are_carried_exactly(made):
    import base64

    journey = made("qwen2", "The fox")
    data = data_of(page(journey))
    row = next(row for row in data["steps"] if row["key"] == "L0.query")
    carried = torch.frombuffer(bytearray(base64.b64decode(row["data"])), dtype=torch.float32).view(row["shown"])
    assert torch.equal(carried, journey.step("L0.query").tensor)
    assert "default-src 'none'" in page(journey)
