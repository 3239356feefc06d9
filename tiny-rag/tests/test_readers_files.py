"""Which files are found, in which order, under which names."""

import os

import pytest

from tiny_rag.readers import Document, ReadError, find_files, read, read_all


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.md", "sub/deep/c.txt", "sub/d.TXT", ".hidden/e.txt", ".f.txt", "z.xyz", "1/x[1].txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}", encoding="utf-8")
    return tmp_path


def names(paths):
    return [path.as_posix() for path in find_files(paths)]


def test_folders_are_read_to_the_bottom_in_a_fixed_order_without_what_is_hidden(tree):
    assert names(".") == ["a.md", "b.txt", "z.xyz", "1/x[1].txt", "sub/d.TXT", "sub/deep/c.txt"]
    assert names(["sub", "b.txt"]) == ["sub/d.TXT", "sub/deep/c.txt", "b.txt"]


def test_what_is_named_outright_is_read_even_if_hidden(tree):
    assert names([".f.txt", ".hidden"]) == [".f.txt", ".hidden/e.txt"]


def test_a_file_given_twice_is_read_once(tree):
    assert names(["b.txt", "./b.txt", tree / "b.txt", "sub/../b.txt"]) == ["b.txt"]
    assert sum(item.text == "text of b.txt" for item in read_all(["b.txt", "*.txt"]) if isinstance(item, Document)) == 1


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.txt", ["b.txt"]),
        ("**/*.txt", ["1/x[1].txt", "b.txt", "sub/deep/c.txt"]),
        ("sub/**", ["sub/d.TXT", "sub/deep/c.txt"]),
        ("s?b/*/*.txt", ["sub/deep/c.txt"]),
        ("[ab].*", ["a.md", "b.txt"]),
        ("1/x[1].txt", ["1/x[1].txt"]),  # a file of that very name goes before the pattern
        ("su*", ["sub/d.TXT", "sub/deep/c.txt"]),
    ],
)
def test_globs(tree, pattern, found):
    assert names(pattern) == found
    assert names(str(tree / pattern)) == [(tree / name).as_posix() for name in found]


def test_globs_end_where_links_go_round(tree):
    try:
        os.symlink(tree, tree / "sub" / "up", target_is_directory=True)
        os.symlink(tree, tree / "1" / "up", target_is_directory=True)
    except OSError:
        pytest.skip("links need a right that this account doesn't have")
    assert len(names("**/*.txt")) == 3
    assert len(names(".")) == 6


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/x.md", "*.nothing", "nowhere/**/*.md"])
def test_what_does_not_exist_is_refused_at_once(tree, missing):
    with pytest.raises(ReadError, match="no such file or folder|no file matches"):
        read_all(["b.txt", missing])


def test_sources_are_stable(tree):
    assert [document.source for document in read("sub")] == ["sub/d.TXT", "sub/deep/c.txt"]
    assert read(tree / "b.txt")[0].source == (tree / "b.txt").as_posix()


def test_a_folder_without_readable_files_is_an_error(tree):
    (tree / "empty").mkdir()
    with pytest.raises(ReadError, match="empty: a folder without files"):
        read("empty")
    assert list(read_all("empty")) == []


@pytest.mark.skipif(os.name != "posix", reason="only there may a file's name be no valid text")
def test_a_name_that_is_no_utf8_gets_a_source_that_can_be_printed(tree):
    with open(b"sub/\xff.txt", "wb") as file:
        file.write(b"text")
    assert any(document.source == "sub/\ufffd.txt" for document in read("sub"))
    assert all(document.source.encode() for document in read("sub"))
