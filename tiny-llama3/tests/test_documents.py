"""Documents out of files: what is in them, in order, as a stream, and one clear line for what can't be read."""

import gzip
import json
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3 import documents
from tiny_llama3.documents import pieces, read_documents
from tiny_llama3.problem import Problem


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(*paths, **options):
    return list(read_documents(paths, **options))


def as_lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


TEXT = "One\nline.\n\n\nTwo 猫\n \nThree\n"


@pytest.mark.parametrize(
    ("separate", "wanted"),
    [
        ("file", [TEXT]),
        ("line", ["One", "line.", "Two 猫", "Three"]),
        ("blank", ["One\nline.", "Two 猫", "Three"]),
        ("Two", ["One\nline.", " 猫\n \nThree"]),
        ("|", [TEXT.strip("\n")]),
    ],
)
@pytest.mark.parametrize("block", [1, 5, 2**20])
def test_text_files(file, monkeypatch, separate, wanted, block):
    monkeypatch.setattr(documents, "BLOCK", block)
    assert read(file("a.txt", TEXT), separate=separate) == wanted
    assert read(file("a.md.gz", gzip.compress(TEXT.encode())), separate=separate) == wanted
    # the line breaks of every system, and the byte-order mark of one
    assert read(file("b.TXT", "\ufeff" + TEXT.replace("\n", "\r\n")), separate=separate) == wanted
    assert read(file("c.txt", TEXT.replace("\n", "\r")), separate=separate) == wanted


def test_nothing_else_is_changed(file):
    text = "  \ttwo  spaces \u2028\x0b\x0c\x85\u00a0 e\u0301 ﬁ \ufeff \n\n"
    assert read(file("a.txt", text)) == [text]


@given(st.text("ab|", max_size=30), st.text("ab|", min_size=1, max_size=4), st.randoms())
def test_pieces_are_those_of_the_whole(text, marker, rng):
    cuts = sorted(rng.randint(0, len(text)) for _ in range(5))
    blocks = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(pieces(blocks, marker)) == text.split(marker)


def test_json(file):
    rows = [{"text": "one\r\n"}, "two 猫", {"text": ["three", "four"], "n": 1}, {"text": ""}, {"text": []}]
    wanted = ["one\r\n", "two 猫", "three\nfour"]  # in JSON, \r is what its author wrote
    assert read(file("a.jsonl", "\ufeff" + as_lines(*rows) + "\n \n")) == wanted
    assert read(file("b.jsonl", as_lines(*rows).replace("\n", "\r\n").rstrip())) == wanted
    assert read(file("a.json", json.dumps(rows, indent=1))) == wanted
    assert read(file("a.json.gz", gzip.compress(json.dumps(rows).encode()))) == wanted


def test_fields(file):
    path = file("a.jsonl", as_lines({"author": "A", "title": "T", "paragraphs": ["p", "q"]}, "plain"))
    assert read(path, field="title") == ["T", "plain"]
    assert read(path, field="title, paragraphs") == ["T\np\nq", "plain"]
    assert read(path, field="paragraphs,title") == ["p\nq\nT", "plain"]
    assert read(file("b.jsonl", as_lines({"a": "", "b": "x"})), field="a,b") == ["x"]


def test_a_folder_is_what_it_holds_in_order(file, tmp_path):
    for name in ("b.txt", "a/2.md", "a/10.txt", ".git/x.txt", "a/.hidden.txt", "a.txt.sha256", "script.py"):
        file(name, name)
    file("c.jsonl", as_lines({"text": "json"}))
    assert read(tmp_path) == ["a/10.txt", "a/2.md", "b.txt", "json"]
    assert read(tmp_path / "b.txt", tmp_path / "a") == ["b.txt", "a/10.txt", "a/2.md"]


@pytest.mark.parametrize(("name", "separate"), [("a.jsonl", "file"), ("a.txt", "line"), ("a.txt", "<|endoftext|>")])
def test_a_large_file_is_never_in_memory_as_a_whole(file, monkeypatch, name, separate):
    monkeypatch.setattr(documents, "BLOCK", 2**14)
    end = "\n" if separate in ("file", "line") else separate
    path = file(name, ('"' + "x" * 98 + '"' + end) * 50_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_documents([path], separate=separate))
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 10
    finally:
        tracemalloc.stop()
    assert count == 50_000


NOISE = random.Random(0).randbytes(3_000)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", "x", r"a\.pdf: can't tell .* end in \.txt, \.md, \.jsonl or \.json \(and \.gz"),
        ("a.txt", b"fine\nso \xb0\xa1 far", r"a\.txt:2: not UTF-8 \(byte 0xb0\); save the file as UTF-8"),
        ("a.txt", "猫".encode()[:2], r"a\.txt:1: not UTF-8"),
        ("a.txt", b"one\r\ntwo\0", r"a\.txt:2: looks like a binary file, or UTF-16 .*; save"),
        ("a.txt", "猫".encode("utf-16") + b"\n\0", r"a\.txt:\d: looks like a binary file, or UTF-16"),
        ("a.txt", NOISE, r"a\.txt:\d+: looks like a binary file"),
        ("a.txt", NOISE.replace(b"\0", b""), r"a\.txt:\d+: looks like a binary file"),
        ("a.txt.gz", b"plain", r"a\.txt\.gz: not a complete gzip file .*; fetch it again"),
        ("a.txt.gz", gzip.compress(NOISE)[:-9], r"a\.txt\.gz: not a complete gzip file"),
        ("a.txt.gz", gzip.compress(b"text" * 99)[:14] + b"???", r"a\.txt\.gz: not a complete gzip file"),
        ("a.txt", " \n\n", r"a\.txt: there is no text in there; give"),
        ("a.json", "", r"a\.json: there is no text"),
        ("a.json", "[]", r"a\.json: there is no text"),
        ("a.jsonl", '"x"\n\n{"text": "y"\n', r"a\.jsonl:3: not JSON \(.*column 13\); write one object on each line"),
        ("a.json", '["x",\n"y"\n', r"a\.json:3: not JSON .*; correct it"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1: this JSON can't be read"),
        ("a.jsonl", "1" * 5_000, r"a\.jsonl:1: this JSON can't be read"),
        ("a.json", '{"text": "x"}', r"a\.json: is an object \(\{.*\), not an array; write"),
        ("a.jsonl", '{"text": "x"}\n{"a": 1, "b": 2}', r"a\.jsonl:2: there is no field 'text' \(there is 'a', 'b'\)"),
        ("a.jsonl", "{}", r"there is no field 'text' \(there is no field\)"),
        ("a.json", '["x", {"text": 7}]', r"a\.json, item 2: field 'text' is a number \(7\); it should be a string"),
        ("a.jsonl", '{"text": ["x", null]}', r"field 'text' is a list \(\[\"x\", null\]\)"),
        ("a.jsonl", '{"text": null}', r"field 'text' is null"),
        ("a.jsonl", "true", r"a\.jsonl:1: is true or false \(true\); it should be an object"),
        ("a.jsonl", '"x"\n"\\ud83d"', r"a\.jsonl:2: the text has a lone surrogate"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(file, name, content, message):
    with pytest.raises(Problem, match=message) as caught:
        read(file(name, content))
    assert "\n" not in str(caught.value)


def test_the_line_is_right_beyond_the_first_block(file, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK", 4)
    with pytest.raises(Problem, match="a.txt:4: not UTF-8"):
        read(file("a.txt", b"one\r\ntwo\r\nthree\r\nfo\xffur"))
    with pytest.raises(Problem, match="a.txt:4: looks like a binary"):
        read(file("a.txt", b"one\ntwo\nthree\nfo\0ur"))


def test_paths_are_looked_at_before_anything_is_read(file, tmp_path):
    there = file("a.txt", "x")
    with pytest.raises(Problem, match="nowhere.txt: there is no such file or folder"):
        read_documents([there, tmp_path / "nowhere.txt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(Problem, match="empty has no file that ends in .txt"):
        read_documents([tmp_path / "empty"])
    with pytest.raises(Problem, match="nothing to read; name a file"):
        read_documents([])
    with pytest.raises(Problem, match="separate is empty; choose file"):
        read_documents([there], separate="")
    with pytest.raises(Problem, match="field must name a field"):
        read_documents([there], field="a,,b")
    file("half.txt.part", "x")
    with pytest.raises(Problem, match="half.txt.part is a download that isn't complete"):
        read_documents([tmp_path])


def test_a_file_that_may_not_be_read(file, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    path = file("a.txt.gz", "x")
    monkeypatch.setattr(documents.gzip, "open", refuse)  # a superuser's tests could read it whatever its mode
    with pytest.raises(Problem, match=r"a.txt.gz: can't be read \(Permission denied\)"):
        read(path)


def test_only_all_files_together_may_not_be_empty(file):
    assert read(file("a.txt", ""), file("b.txt", "x"), file("c.txt.gz", gzip.compress(b""))) == ["x"]
