"""The journey holds what the model computed: against `transformers`, and against recomputation from its own steps."""

import sys
import textwrap
from pathlib import Path

import pytest
import torch

import qwen_folder
from qwen_blog import hub
from qwen_blog.problem import Problem
from qwen_blog.recorder import recording
from qwen_blog.rope import rotate, rotation
from qwen_blog.sampling import Sampling
from qwen_blog.stations import STATIONS
from qwen_blog.tokenizer import Tokenizer
from qwen_blog.trace import trace
from qwen_blog.trace_text import trace_lines
from reference import KINDS, pair

PACKAGE = Path(__file__).resolve().parents[1] / "qwen_blog"
TEXT = "The fox 今天 12 it's"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    qwen_folder.make(folder)
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="module", params=KINDS)
def travelled(request, tokenizer, tmp_path_factory):
    reference, ours = pair(request.param, tmp_path_factory.mktemp("model"), vocab_size=len(tokenizer))
    return reference, ours, trace(ours, tokenizer, TEXT)


@torch.inference_mode()
def test_the_stream_and_the_attention_are_theirs(travelled, tokenizer):
    reference, _, journey = travelled
    ids = torch.tensor([tokenizer.encode(TEXT)])
    assert [token.id for token in journey.tokens] == ids[0].tolist()
    expected = reference(ids, output_hidden_states=True, output_attentions=True)
    torch.testing.assert_close(journey.step("logits").tensor, expected.logits[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(journey.step("embed").tensor, expected.hidden_states[0][0])
    for layer in journey.layers[:-1]:
        torch.testing.assert_close(
            journey.step(f"L{layer}.out").tensor, expected.hidden_states[layer + 1][0], atol=1e-4, rtol=0
        )
    torch.testing.assert_close(journey.step("final").tensor, expected.hidden_states[-1][0], atol=1e-4, rtol=0)
    for layer in journey.layers:
        torch.testing.assert_close(
            journey.step(f"L{layer}.weights").tensor, expected.attentions[layer][0], atol=1e-5, rtol=0
        )


@torch.no_grad()
def test_every_step_follows_from_the_one_before(travelled):
    _, model, journey = travelled
    config = journey.config
    for layer in journey.layers:

        def of(station, layer=layer):
            return journey.step(f"L{layer}.{station}").tensor

        stream = journey.step(journey.step(f"L{layer}.norm").before).tensor
        body = model.model.layers[layer]
        torch.testing.assert_close(of("norm"), body.input_layernorm(stream), atol=1e-5, rtol=1e-5)
        last = "_norm" if config.qk_norm else ""
        cos, sin = rotation(0, len(stream), journey.frequency_P, journey.rope_length)
        for name in ("query", "key"):
            torch.testing.assert_close(
                of(f"turned_{name}"), rotate(of(name + last)[None], cos, sin)[0], atol=1e-5, rtol=1e-5
            )
        keys = of("turned_key").repeat_interleave(config.num_attention_heads // config.groups, 0)
        torch.testing.assert_close(
            of("scores"), of("turned_query") @ keys.mT / config.head_size**0.5, atol=1e-5, rtol=1e-5
        )
        places = torch.arange(len(stream))
        window = config.window(layer) or len(stream)
        hidden = (places > places[:, None]) | (places[:, None] - places >= window)
        torch.testing.assert_close(of("masked"), of("scores").masked_fill(hidden, -torch.inf), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(of("weights"), of("masked").softmax(-1), atol=1e-5, rtol=1e-5)
        values = of("value").repeat_interleave(config.num_attention_heads // config.groups, 0)
        torch.testing.assert_close(of("mixed"), of("weights") @ values, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(of("joined"), of("mixed").transpose(0, 1).flatten(1), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(of("attended"), body.self_attn.o_proj(of("joined")), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(of("middle"), stream + of("attended"), atol=1e-5, rtol=1e-5)
        if config.sparse(layer):
            assert (of("chosen") > 0).sum(-1).eq(config.num_experts_per_tok).all()
            if config.norm_topk_prob:
                torch.testing.assert_close(of("chosen").sum(-1), torch.ones(len(stream)))
            thought = of("experts_out")
            torch.testing.assert_close(thought, body.mlp(of("norm_again")[None])[0], atol=1e-5, rtol=1e-5)
        else:
            torch.testing.assert_close(of("gated"), of("gate") * of("up"), atol=1e-5, rtol=1e-5)
            thought = of("thought")
        torch.testing.assert_close(of("out"), of("middle") + thought, atol=1e-5, rtol=1e-5)


def test_the_lines_that_are_shown_ran(travelled):
    *_, journey = travelled
    for step in journey.steps:
        assert step.station in STATIONS
        assert (step.tensor is None) == (step.source is None) == (not step.dims)
        if step.source is None:
            continue
        source = step.source
        lines = (PACKAGE / source.file).read_text(encoding="utf-8").splitlines()[source.first - 1 :]
        assert list(source.lines) == textwrap.dedent("\n".join(lines[: len(source.lines)])).split("\n")
        assert source.focus and set(source.focus) & set(source.ran), step.key
        assert all(source.first <= line < source.first + len(source.lines) for line in (*source.ran, *source.focus))
    scores = journey.step("L0.scores")
    focus = "\n".join(scores.source.lines[line - scores.source.first] for line in scores.source.focus)
    assert focus.strip().startswith("scores_BHTS = ")


@torch.inference_mode()
def test_the_lens_ends_where_the_model_does(travelled):
    *_, journey = travelled
    best, sure = journey.lens.best_LT[-1], journey.lens.best_probability_LT[-1]
    logits = journey.step("logits").tensor
    assert best.tolist() == logits.argmax(-1).tolist()
    torch.testing.assert_close(sure, logits.softmax(-1).amax(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(journey.lens.final_probability_LT[-1], sure, atol=1e-6, rtol=0)
    assert journey.next.id == int(best[-1]) == journey.top[0][0]
    assert [round(row[3], 6) for row in journey.top] == [
        round(x, 6) for x in logits[-1].softmax(-1).topk(20).values.tolist()
    ]


def test_lines_for_the_terminal(travelled):
    *_, journey = travelled
    lines = trace_lines(journey)
    assert len(lines) == len(journey.steps)
    assert any("H 4 × T" in line and "q · k / √K" in line for line in lines)


def test_a_model_in_bf16_a_chosen_layer_and_sampling(tokenizer, tmp_path):
    _, ours = pair("qwen2", tmp_path, vocab_size=len(tokenizer), num_hidden_layers=6)
    whole = trace(ours, tokenizer, TEXT, layers=range(6))
    some = trace(ours, tokenizer, TEXT, layers=[1, 4])
    assert trace(ours, tokenizer, TEXT).layers == (0, 3, 5)
    for step in some.steps:
        if step.tensor is not None and step.station != "stream":
            torch.testing.assert_close(step.tensor, whole.step(step.key).tensor, atol=1e-5, rtol=0)
    streams = [step.tensor for step in some.steps if step.station == "stream"]
    assert len(streams) == 3
    for stream, layer in zip(streams, (0, 3, 5), strict=True):
        torch.testing.assert_close(stream, whole.step(f"L{layer}.out").tensor, atol=1e-5, rtol=0)
    half = ours.bfloat16()
    embedded = trace(half, tokenizer, TEXT).step("embed").tensor
    assert embedded is not None and embedded.dtype == torch.float32
    assert half.lm_head.weight.dtype == torch.bfloat16
    drawn = {trace(half, tokenizer, TEXT, layers=[0], sampling=Sampling(5.0), seed=seed).next.id for seed in range(6)}
    assert len(drawn) > 1


def test_a_model_that_stays_on_the_disk(tokenizer, tmp_path):
    _, ours = pair("qwen3-moe", tmp_path, vocab_size=len(tokenizer))
    whole, opened = trace(ours, tokenizer, TEXT), trace(hub.load(tmp_path, low_memory=True)[0], tokenizer, TEXT)
    for one, other in zip(whole.steps, opened.steps, strict=True):
        assert one.key == other.key
        if one.tensor is not None:
            torch.testing.assert_close(other.tensor, one.tensor, atol=1e-5, rtol=0)
    assert {key: weight.tolist() for key, weight in whole.norms.items()} == {
        key: weight.tolist() for key, weight in opened.norms.items()
    }


def test_what_cannot_be_traced(tokenizer, tmp_path):
    _, ours = pair("qwen2", tmp_path, vocab_size=len(tokenizer))
    for text, layers, said in (
        ("", None, "no token"),
        ("a", [7], "no layer 7"),
        ("a" * 80 + "b c" * 80, None, "positions"),
    ):
        with pytest.raises(Problem, match=said):
            trace(ours, tokenizer, text, layers=layers)
    with pytest.raises(Problem, match="no tokenizer"):
        trace(ours, None, "x")


def test_recording_leaves_no_trace():
    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError), recording():
        1 / 0  # noqa: B018
    assert sys.gettrace() is before
