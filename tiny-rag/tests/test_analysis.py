"""Search terms in English, Chinese, other languages and mixtures; and where jieba keeps its cache."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_rag.analysis import pairs, private_cache_folder, stem, terms

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no permission bits; its profile folder is private")


@pytest.mark.parametrize(
    "forms",
    [
        ("open", "opens", "opened", "opening", "OPENS"),
        ("observatory", "observatories"),
        ("galaxy", "galaxies", "Galaxy's"),
        ("flow", "flows", "flowing", "ﬂow"),  # a ligature, as PDFs have it
        ("night", "nights", "ｎｉｇｈｔ"),  # full width
    ],
)
def test_forms_of_an_english_word_become_one_term(forms):
    assert len({tuple(terms(form)) for form in forms}) == 1


def test_english_function_words_are_dropped_and_repetitions_kept():
    assert terms("The dome of the observatory, and the DOMES.") == ["dome", "observatori", "dome"]


def test_chinese_is_read_as_words_pairs_and_characters():
    found = terms("南京市长江大桥")
    assert set(jieba.cut_for_search("南京市长江大桥")) <= set(found)
    assert set(pairs("南京市长江大桥")) == {"南京", "京市", "市长", "长江", "江大", "大桥"} <= set(found)
    assert set("南京市长江大桥") <= set(found)


def test_chinese_function_words_make_neither_words_nor_pairs():
    found = terms("天文台的望远镜是什么")
    assert "天文台" in found and "望远镜" in found and "什么" in found  # as a pair of characters, not as a word
    assert found.count("什么") == 1
    assert "台的" not in found and "的望" not in found and "镜是" not in found


def test_traditional_chinese_finds_itself():
    assert {"天文", "文臺", "望遠", "遠鏡"} <= set(terms("天文臺的望遠鏡"))


def test_mixed_text_gives_both_kinds():
    found = terms("2024年的GPU训练runs很快")
    assert {"2024", "gpu", "run", "训练", "训", "年"} <= set(found)


def test_other_languages_are_not_stemmed():
    found = terms("Die Häuser und die Meetings sind nicht für den Verkauf")
    assert {"häuser", "meetings", "verkauf"} <= set(found)
    assert terms("the meetings") == ["meet"]


def test_scripts_without_spaces_are_found_by_pairs():
    assert {"こん", "んに", "ちは"} <= set(terms("こんにちは"))
    assert {"안녕", "하세"} <= set(terms("안녕하세요"))
    assert {"ไท", "ทย"} <= set(terms("ไทย"))
    assert terms("мир שלום") == ["мир", "שלום"]


def test_a_query_word_whose_stem_is_unknown_is_kept_whole():
    assert terms("Hundes", {"hundes", "haus"}) == ["hundes"]
    assert terms("opening", {"open"}) == ["open"]
    assert terms("opening") == ["open"]


def test_only_ascii_words_are_stemmed():
    assert stem("opening") == "open"
    assert stem("naïves") == "naïves"


@given(st.text(max_size=60))
def test_terms_are_lower_case_and_hold_no_white_space(text):
    for term in terms(text):
        assert term and not any(character.isspace() for character in term)
        assert term == term.lower()


# ---- jieba's cache -------------------------------------------------------------------------------------------------


@POSIX
def test_cache_folder_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = private_cache_folder()
    assert folder.is_relative_to(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_cache_folder() == folder


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shared = private_cache_folder()
    shared.chmod(mode)
    folder = private_cache_folder()
    assert folder != shared and folder != tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700


@POSIX
def test_no_home_is_no_reason_to_fail(tmp_path, monkeypatch):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert private_cache_folder().parent == tmp_path


@POSIX
def test_jieba_neither_reads_nor_writes_the_shared_temporary_folder(tmp_path):
    """In a fresh process: its cache goes to the private folder, and a planted one is left untouched."""
    shared, private = tmp_path / "tmp", tmp_path / "cache"
    shared.mkdir()
    (shared / "jieba.cache").write_bytes(b"planted")
    os.utime(shared / "jieba.cache", (2**31, 2**31))  # newer than the dictionary: jieba would trust it
    code = "from tiny_rag.analysis import terms; import sys; sys.exit('天文台' not in terms('天文台的夜'))"
    track = Path(__file__).parent.parent
    environment = {**os.environ, "TMPDIR": str(shared), "XDG_CACHE_HOME": str(private), "PYTHONPATH": str(track)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [file.name for file in shared.iterdir()] == ["jieba.cache"]
    assert (shared / "jieba.cache").read_bytes() == b"planted"
    assert [file.name for file in private.rglob("*") if file.is_file()] == ["jieba.cache"]
