"""Files of sentences: what is read, and the one line that says what is wrong."""

import gzip

import pytest

from tiny_transformer.texts import BadText, drop_long, lines_of, refuse_long, side_by_side, tab_separated


@pytest.fixture
def file(tmp_path):
    def file(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        return path

    return file


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo", ["one", "two"]),
        ("\ufeffone\n\ntwo\n\n\n", ["one", "", "two"]),  # a byte-order mark, an empty line inside, some at the end
        ("a\u2028b\x0cc\n  d\t\n", ["a\u2028b\x0cc", "d"]),  # what str.splitlines would cut at
        ("eine Straße\n一只猫\n", ["eine Straße", "一只猫"]),
    ],
)
def test_lines(file, data, lines):
    assert lines_of(file("plain", data)) == lines
    assert lines_of(file("packed.gz", gzip.compress(data.encode("utf-8")))) == lines


@pytest.mark.parametrize("data", ["", "\n\n", "  \n\t\n", "\ufeff"])
def test_empty_files(file, data):
    with pytest.raises(BadText, match="plain: empty; it should hold one sentence a line"):
        lines_of(file("plain", data))


def test_not_utf8_is_found_by_line(file):
    with pytest.raises(BadText, match=r"latin:3: not UTF-8 \(byte 0xfc\); save the file as UTF-8"):
        lines_of(file("latin", b"eins\nzwei\nf\xfcnf\n"))


@pytest.mark.parametrize("cut", [5, 15, 30, -3])
def test_damaged_gzip(file, cut):
    data = gzip.compress(b"one sentence after the other\n" * 30)
    with pytest.raises(BadText, match=r"x\.gz: not a complete gzip file .*; fetch it again"):
        lines_of(file("x.gz", data[:cut]))
    with pytest.raises(BadText, match="not a complete gzip file"):
        lines_of(file("y.gz", data[:12] + b"\xff\xff\xff\xff" + data[16:]))
    with pytest.raises(BadText, match="not a complete gzip file"):
        lines_of(file("z.gz", b"plain text"))


def test_side_by_side(file):
    pairs = side_by_side(file("de", "ein\n\nzwei\n"), file("en", "one\nlost\ntwo\n"))
    assert pairs == [("ein", "one"), ("zwei", "two")]
    with pytest.raises(BadText, match=r"a has 3 lines and .*b 2; line n of one"):
        side_by_side(file("a", "1\n2\n3"), file("b", "1\n2"))


def test_tab_separated(file):
    assert tab_separated(file("x.tsv", "ein\tone\n\tlost\nzwei \t two\r\n\n")) == [("ein", "one"), ("zwei", "two")]
    with pytest.raises(BadText, match=r"y\.tsv:2: needs one tab between source and target \(got 'no tab'\)"):
        tab_separated(file("y.tsv", "a\tb\nno tab\n"))
    with pytest.raises(BadText, match=r"z\.tsv:1: needs one tab"):
        tab_separated(file("z.tsv", "a\tb\tc\n"))
    with pytest.raises(BadText, match="no line has both"):
        tab_separated(file("w.tsv", "a\t\n\tb\n"))


def test_long_pairs_are_refused_or_dropped():
    pairs = [("a", "bb"), ("cccc", "d"), ("e", "f")]
    longer = lambda pair: max(map(len, pair))  # noqa: E731
    refuse_long(pairs, longer, 4, "training texts")
    with pytest.raises(BadText, match=r"training texts: a pair of 4 tokens \('cccc'.*at most 3: .* --drop-long"):
        refuse_long(pairs, longer, 3, "training texts")
    assert drop_long(pairs, longer, 2) == 1
    assert pairs == [("a", "bb"), ("e", "f")]
