"""Data from documents: every kept pair's span is in its source, nothing is twice or leaks, garbage is rejected."""

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_shared import cli
from tiny_shared.testing import FakeServer

import main
from tiny_llama3.align.chat_files import read_chats, read_pairs
from tiny_llama3.make import by_model, formats, items, offline
from tiny_llama3.make.items import Item, Reject, for_eval, kept, plain, wrong_with
from tiny_llama3.make.passages import Passage, passages, read_sources, sentences
from tiny_llama3.problem import Problem

TOWN = """# Riverton

The mill is a museum since 1931. It has 14 rooms, and in the garden stands a clock by Ada Brandt.
The bridge was opened in 1904; it is 212.5 metres long.

- The library has 30,000 books.
- Every Tuesday, Tom Ferris reads to children.

灯塔建于一九三一年，高四十二米。值班簿《海风》有三百一十七册。灯塔是镇上最高的建筑。
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "town.md").write_text(TOWN, encoding="utf-8")
    chance = random.Random(0)
    words = "stone river harbour winter market school window garden letter engine summer island".split()
    for number in range(30):
        text = "".join(
            f"The {chance.choice(words)} of {chance.choice('ABCDEF')}{chance.choice(words)} is "
            f"{chance.randint(10, 999)} years old and stands beside a {chance.choice(words)} {number}. "
            for _ in range(4)
        )  # fmt: skip
        (tmp_path / "docs" / f"{number:02}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "docs" / "again.txt").write_text((tmp_path / "docs" / "03.txt").read_text(), encoding="utf-8")
    return tmp_path / "docs"


def call(*words):
    return cli.run(main.parser(), [str(word) for word in words], main.user_errors())


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@given(st.text(alphabet="ab .!?。\n#-1，'\"", max_size=300), st.integers(20, 90))
def test_passages_and_sentences_are_where_they_say(text, longest):
    for passage in passages({"f": text}, longest, 5):
        assert text[passage.start : passage.end] == passage.text == passage.text.strip()
        for start, sentence in sentences(passage):
            assert text[start : start + len(sentence)] == sentence and sentence


def test_lines_that_were_wrapped_are_sentences_again():
    text = (
        "In summer the observatory opens at two in the afternoon and closes at half past\nNine, on main.py's clock. "
        "The last visitors are admitted before that.\n2. An item of a list stays one, however long it is, and what "
        "it says\n- too."
    )
    (passage,) = passages({"f": text})
    found = [sentence for _, sentence in sentences(passage)]
    assert found[0].endswith("half past\nNine, on main.py's clock.") and len(found) == 4
    items = list(offline.made([passage], 9, forms=["finish"]))
    assert any("half past Nine" in item.answer for item in items)
    assert all("\n" not in item.answer and wrong_with(item, {"f": text}) is None for item in items)
    assert "half past Nine" in formats.asked(items[0], True)


def test_unfinished_sentences():
    texts = {"town.md": TOWN}
    found = list(offline.made(list(passages(texts)), 9, forms=["finish"]))
    assert len(found) >= 5 and {item.how for item in found} == {"finish"}
    for item in found:
        asked = re.fullmatch(r"(?:Finish the sentence: (.+) …|把句子写完：(.+)……)", item.question)
        assert asked is not None
        beginning = asked[1] or asked[2]
        assert item.answer.startswith(beginning) and item.answer == item.quote and wrong_with(item, texts) is None
        assert item.passage.text.count(beginning) == 1  # only one sentence goes on from there
    gaps = list(offline.made(list(passages(texts)), 9, forms=["gap"]))
    assert {item.how for item in gaps} == {"cloze"}
    mixed = [item.how for item in offline.made(list(passages(texts)), 9)]
    assert set(mixed) == {"template", "finish", "cloze"}


def test_gaps_and_turned_sentences():
    texts = {"town.md": TOWN}
    found = list(offline.made(list(passages(texts)), 9))
    asked = {item.question: item.answer for item in found}
    assert asked["What is the mill?"] == "The mill is a museum since 1931."
    assert asked["灯塔是什么？"] == "灯塔是镇上最高的建筑。" and asked["灯塔建于何时？"].startswith(
        "灯塔建于一九三一年"
    )
    gaps = {item.answer for item in found if item.how == "cloze"}
    assert gaps & {"1904", "212.5"} and gaps & {"14", "Ada Brandt", "a museum"} and gaps & {"30,000", "Tom Ferris"}
    for item in found:
        assert wrong_with(item, texts) is None
        assert item.how != "cloze" or offline.GAP in item.question


@pytest.mark.parametrize("kind", ["sft", "preference", "eval"])
def test_what_is_made_holds(folder, tmp_path, kind, capsys):
    out = tmp_path / f"{kind}.jsonl"
    assert call("data", "make", folder, "--kind", kind, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    rows, (texts, unread) = rows_of(out), read_sources(folder)
    assert (
        told["made"] == len(rows) > 5 and told["rejected"] == len(rows_of(tmp_path / f"{kind}.jsonl.rejects.jsonl")) > 0
    )
    assert not unread
    for row in rows:
        source = row["source"]
        assert texts[source["file"]][source["start"] : source["end"]] == source["quote"]
    if kind == "sft":
        assert len(read_chats(out)) == len(rows)
        answers = [row["messages"][1]["content"] for row in rows]
        assert all(answer in row["source"]["quote"] for row, answer in zip(rows, answers, strict=True))
    elif kind == "preference":
        assert all(pair.chosen != pair.rejected for pair in read_pairs(out))
    else:
        assert all({"id", "input", "answers", "context"} <= row.keys() for row in rows)
        assert len({row["id"] for row in rows}) == len(rows)
        assert all(row["answers"][0] in row["context"] for row in rows)


def test_nothing_is_twice_and_nothing_leaks(folder, tmp_path):
    for kind in ("sft", "eval"):
        assert call("data", "make", folder, "--kind", kind, "--out", tmp_path / kind, "--no-text") == 0
    train = [(plain(row["messages"][0]["content"]), plain(row["source"]["quote"])) for row in rows_of(tmp_path / "sft")]
    held = [(plain(row["input"]), plain(row["source"]["quote"])) for row in rows_of(tmp_path / "eval")]
    questions = [question for question, _ in train + held]
    assert len(set(questions)) == len(questions)
    assert not {quote for _, quote in train} & {quote for _, quote in held}
    assert any("nearly the same" in row["reason"] for row in rows_of(tmp_path / "sft.rejects.jsonl"))


def test_retrieval_data_is_beirs(folder, tmp_path):
    assert call("data", "make", folder, "--kind", "rag", "--out", tmp_path / "rag") == 0
    corpus, queries = (rows_of(tmp_path / "rag" / name) for name in ("corpus.jsonl", "queries.jsonl"))
    head, *pairs = (tmp_path / "rag" / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()
    assert head == "query-id\tcorpus-id\tscore" and len(pairs) == len(queries) > 0
    known = {row["_id"] for row in corpus}
    assert all(pair.split("\t")[1] in known and pair.endswith("\t1") for pair in pairs)


REPLIES = ["", "no", "[", "[{]", '[{"question": 1}]', "[[1, 2]]", '{"question": "What?"}', "null", "[" * 5000,
           '[{"question": "What is it?", "answer": "gold", "quote": "It is gold."}]', '["a", {"b": "c"}]']  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES, ids=range(len(REPLIES)))
def test_garbage_yields_rejects_with_reasons(reply):
    (passage, *_) = passages({"town.md": TOWN})
    found = list(by_model.read_reply(reply, passage, 2))
    assert all(isinstance(each, Reject) and each.reason and each.passage for each in found)
    assert found or reply in ("[]",)


KEYS = st.sampled_from(["question", "answer", "quote"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


@given(st.text(max_size=200), VALUES)
def test_whatever_a_model_says_no_bad_row_is_kept(words, value):
    texts = {"town.md": TOWN}
    for passage in passages(texts):
        for reply in (words, json.dumps(value), f"Sure!\n```json\n{json.dumps([value])}\n```"):
            found = [each for each in by_model.read_reply(reply, passage, 2) if isinstance(each, Item)]
            train, held, _ = kept(found, texts, 0.5)
            for item in (*train, *held):
                assert texts["town.md"][item.start : item.end] == item.quote


def test_what_a_model_may_get_wrong():
    texts = {"town.md": TOWN}
    passage = next(iter(passages(texts)))
    good = {"question": "How many rooms has the mill?", "answer": "14 rooms",
            "quote": "It has 14   rooms, and in the garden\nstands a clock by Ada Brandt."}  # fmt: skip
    (item,) = by_model.read_reply(json.dumps([good]), passage, 2)
    assert (
        isinstance(item, Item)
        and wrong_with(item, texts) is None
        and texts["town.md"][item.start : item.end] == item.quote
    )
    for changes, reason in (
        ({"answer": "15 rooms"}, "doesn't support"), ({"answer": "a zoo with elephants"}, "doesn't support"),
        ({"answer": "?"}, "empty"), ({"question": "Has it 14 rooms?"}, "gives the answer away"),
        ({"question": "x" * 500}, "more than 400"), ({"answer": "rooms " * 200}, "more than 600"),
    ):  # fmt: skip
        (item,) = by_model.read_reply(json.dumps([good | changes]), passage, 2)
        assert isinstance(item, Item) and reason in str(wrong_with(item, texts))


def test_by_a_model_and_on_after_a_break(folder, tmp_path, monkeypatch, capsys):
    def reply(request):
        text = request["messages"][-1]["content"].split("Passage (", 1)[1].split("\n", 1)[1]
        sentence = text.split(". ")[0] + "."
        answer = sentence.split()[-1].strip(".")
        asked = f"What number stands at the end of {' '.join(sentence.split()[:5])}?"
        return json.dumps([{"question": asked, "answer": answer, "quote": sentence}]) if "is" in text else "I can't."

    out = tmp_path / "made.jsonl"
    with FakeServer() as server:
        server.replies = reply
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_MODEL", "tiny-chat")
        monkeypatch.setenv("OPENAI_API_KEY", "x")
        assert call("data", "make", folder, "--kind", "sft", "--out", out, "--by-model") == 0
        asked, first = len(server.requests), rows_of(out)
        assert asked > 20 and first and all(row["source"]["how"] == "model" for row in first)
        replies = tmp_path / "made.jsonl.replies.jsonl"
        data = replies.read_bytes()
        replies.write_bytes(data[: len(data) // 2])  # cut off in the middle of a line
        assert call("data", "make", folder, "--kind", "sft", "--out", out, "--by-model") == 0
        assert 0 < len(server.requests) - asked < asked and rows_of(out) == first
    capsys.readouterr()


def test_what_cannot_be_made(tmp_path, capsys):
    for words, said in ((["nowhere"], "no such file"), ([tmp_path], "no text")):
        assert call("data", "make", *words, "--kind", "sft", "--out", tmp_path / "x") == 2
        assert said in capsys.readouterr().err
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Problem, match="isn't UTF-8"):
        read_sources(tmp_path)
    (tmp_path / "b.pdf").write_bytes(b"%PDF")
    (tmp_path / "c.txt").write_text(TOWN, encoding="utf-8")
    texts, unread = read_sources(tmp_path)
    assert list(texts) == ["c.txt"] and list(unread) == ["a.txt", "b.pdf"]
    assert call("data", "make", tmp_path, "--kind", "sft", "--out", tmp_path / "x", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["unread"] == unread and "note: b.pdf isn't read" in told.err
    rejected = {row["passage"]: row["reason"] for row in rows_of(tmp_path / "x.rejects.jsonl")}
    assert unread.items() <= rejected.items()
    for name in ("b.pdf", "c.txt", "x", "x.rejects.jsonl"):
        (tmp_path / name).unlink()
    (tmp_path / "a.txt").write_text("Too short.")
    assert call("data", "make", tmp_path, "--kind", "sft", "--out", tmp_path / "x") == 2
    assert "no paragraph" in capsys.readouterr().err and not (tmp_path / "x").exists()


def test_the_side_of_a_passage_is_that_of_its_text():
    one, other = (Passage(file, 3, 9, text) for file, text in (("a", "Some  text."), ("b", "some text")))
    assert for_eval(one, 0.5) == for_eval(other, 0.5)
    share = sum(for_eval(Passage("a", 0, 1, f"text {number}"), 0.2) for number in range(3000)) / 3000
    assert 0.17 < share < 0.23
    assert formats.lines([]) == "" and items.NEAR < 1


def test_alpaca_sharegpt_and_arrays_are_read(tmp_path):
    alpaca = [
        {"instruction": "Add.", "input": "2 + 3", "output": "5"},
        {"instruction": "Say hi.", "input": "", "output": "hi"},
    ]
    share = {
        "system": "Be brief.",
        "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
    }
    file = tmp_path / "x.json"
    file.write_text(json.dumps([*alpaca, share], indent=1), encoding="utf-8")
    chats = read_chats(file)
    assert [[(each.role, each.content) for each in chat] for chat in chats] == [
        [("user", "Add.\n\n2 + 3"), ("assistant", "5")], [("user", "Say hi."), ("assistant", "hi")],
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello")],
    ]  # fmt: skip
    file.write_text(formats.lines([*alpaca, share]), encoding="utf-8")
    assert read_chats(file) == chats
    file.write_text(json.dumps([{"conversations": [{"from": "robot", "value": "x"}]}]))
    with pytest.raises(Problem, match="role must be"):
        read_chats(file)
