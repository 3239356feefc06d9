"""The shipped models: they copy, they have induction heads, their experts specialise, and their log is their own."""

import json
import random

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from main import SHIPPED
from qwen_blog import hub
from qwen_blog.chat_template import chat_ids
from qwen_blog.compare import look
from qwen_blog.generate import generate
from qwen_blog.induction import induction_scores
from qwen_blog.trace import trace
from training import corpus
from training.specialists import shares, shares_by_kind
from training.train import SHAPES

FOLDERS = [SHIPPED.parent / name for name in SHAPES]


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def shipped(request):
    return request.param, *hub.load(request.param)


def test_they_are_small_and_whole(shipped):
    folder, model, tokenizer = shipped
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    assert len(tokenizer) == model.config.vocab_size and model.config.model_type in ("qwen2", "qwen3_moe")


@torch.inference_mode()
def test_transformers_reads_them_alike(shipped):
    folder, model, tokenizer = shipped
    reference = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "绿帽子是小雨的。Who owns the green hat?"}]
    ids = chat_ids(tokenizer, messages)
    assert theirs.apply_chat_template(messages, add_generation_prompt=True, return_dict=False) == ids
    torch.testing.assert_close(model(torch.tensor([ids])), reference(torch.tensor([ids])).logits, atol=1e-4, rtol=0)
    written = reference.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=30)
    assert written[0, len(ids) :].tolist() == generate(model, ids, 30)


def test_they_answer_what_they_have_not_seen(shipped):
    """Texts of another seed; most of them with names and things that are in no list."""
    _, model, tokenizer = shipped
    chance, right, asked = random.Random(4242), 0, 0
    while asked < 60:
        made = corpus.text(chance)
        if not made.question:
            continue
        ids = chat_ids(tokenizer, [{"role": "user", "content": made.question}])
        right += tokenizer.decode(generate(model, ids, 50), skip_special=True) == made.answer
        asked += 1
    assert right >= 54


def test_a_head_looks_back_to_what_came_next(shipped):
    """Over 0.8 on random tokens that come twice; nowhere near it in a model of that shape that learnt nothing."""
    _, model, _ = shipped
    scores = [float(induction_scores(model, seed=seed).max()) for seed in range(3)]
    assert min(scores) > 0.8, scores
    torch.manual_seed(0)
    assert float(induction_scores(type(model)(model.config).eval()).max()) < 0.3


@pytest.mark.parametrize(("text", "name"), [
    ("The blue lamp belongs to Mara. The red cup belongs to Tom. The blue lamp belongs to", " Mara"),
    ("The green kite belongs to Omar. The pink hat belongs to Nora. The pink hat belongs to", " Nora"),
    ("红台灯是小梅的。蓝杯子是阿明的。红台灯是", "小梅"),
])  # fmt: skip
def test_the_lens_shows_the_copied_token_rising(shipped, text, name):
    _, model, tokenizer = shipped
    journey = trace(model, tokenizer, text)
    rising = journey.lens.final_probability_LT[:, -1]
    assert journey.next.text == name
    assert rising[0] < 0.05 and rising[-1] > 0.9
    assert rising[-1] > rising[1] and rising.argmax() >= len(rising) - 2
    scores = induction_scores(model)
    layer, head = divmod(int(scores.argmax()), scores.shape[1])
    ids = [token.id for token in journey.tokens]
    place = ids.index(ids[-1]) + 1 if ids.count(ids[-1]) == 2 else None
    if place is not None:  # the last token stood there before exactly once: the head looks at what came after it
        weights = journey.step(f"L{layer}.weights").tensor
        assert weights is not None and weights[head, -1].argmax() == place


def test_experts_specialise():
    """One expert has most tokens of a kind, where a router that doesn't care would give it a quarter (2 of 8)."""
    model, tokenizer = hub.load(FOLDERS[1])
    assert tokenizer is not None
    by_kind = shares_by_kind(model, tokenizer)
    assert min(by_kind.values()) > 0.5, by_kind
    found = shares(model, tokenizer, texts=100)
    favourites = {kind: int(share[0].argmax()) for kind, share in found.items()}
    assert favourites["English"] != favourites["Chinese"] and len(set(favourites.values())) >= 3, favourites
    together = torch.stack([share[0] for share in found.values()]).mean(0)
    assert float(together.max()) < 0.5, "one expert does it all"


def test_the_log_is_that_of_the_model(shipped):
    folder, model, _ = shipped
    about, *lines = map(json.loads, (folder / "training.jsonl").read_text(encoding="utf-8").splitlines())
    assert about["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert (
        about["command"] == f"python -m training.train {folder.name} --steps {lines[-1]['step']} --seed {about['seed']}"
    )
    assert lines[0]["loss"] > 2 and lines[-1]["loss"] < 0.2
    assert ("balance" in lines[-1]) == model.config.has_experts


def test_what_can_be_foretold_is_marked(shipped):
    """The corpus: every counted token of a random text stands `half` tokens before."""
    _, _, tokenizer = shipped
    stream = corpus.documents(7, tokenizer.encode, [1, 2, 3, 4, 5], 0, 256)
    for _ in range(300):
        ids, counts = next(stream)
        assert len(ids) == len(counts) <= 256 and any(counts) and not counts[0]
        if set(ids) <= {1, 2, 3, 4, 5}:
            half = len(ids) // 2
            assert ids[:half] == ids[half:] and counts == [False] * (half + 1) + [True] * (half - 1)


@given(st.integers(0, 10_000))
def test_answers_stand_in_their_texts(seed):
    made = corpus.text(random.Random(seed))
    if made.question and not made.question.startswith(("Count", "从", "Hello", "你好", "Repeat", "请重复")):
        assert made.answer in made.question
    if not made.question:
        assert made.answer.endswith(made.tail)


@torch.inference_mode()
def test_looking_changes_nothing(shipped):
    _, model, tokenizer = shipped
    ids = tokenizer.encode("The red cup belongs to Tom. The red cup belongs to")
    torch.testing.assert_close(look(model, ids).logits_V, model(torch.tensor([ids]))[0, -1], atol=1e-4, rtol=0)
