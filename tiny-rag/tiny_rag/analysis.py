"""From text to search terms: what BM25 and LSA count.

English is stemmed ("opens", "opening" → "open") and loses its function words. Chinese has no spaces, so it's read
three ways at once: dictionary words (jieba's search mode), pairs of neighbours (for what the dictionary doesn't
know) and single characters. Other languages are left as they are, so that a German "Hunde" isn't stemmed as English.
"""

import os
import re
import stat
import sys
import tempfile
import unicodedata
import warnings
from collections.abc import Container
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .stopwords import CHINESE, CHINESE_PARTICLES, ENGLISH, OTHER_LANGUAGES, is_english

VERSION = "en-snowball zh-jieba+pairs+characters 1"  # part of an index's passport: change it with the rules below

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\uac00-\ud7a3"  # Thai, Lao, kana; hangul glues particles to its words
_TERM = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<unspaced>[{_UNSPACED}]+)|[^\W_{_HAN}{_UNSPACED}]+")


def terms(text: str, known: Container[str] | None = None) -> list[str]:
    """The search terms of a text, in order, with repetitions.

    For a query, `known` holds the terms of the indexed texts. Two keywords don't tell their language; a word whose
    English stem isn't known is kept whole, because a text in another language may have it.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    matches = list(_TERM.finditer(text))
    english = is_english([match.group() for match in matches])
    found: list[str] = []
    for match in matches:
        word = match.group()
        if match["han"]:
            found += chinese_terms(word)
        elif match["unspaced"]:
            found += [word, *pairs(word)] if len(word) > 2 else [word]
        elif not english:
            found.append(word)
        elif word not in ENGLISH:
            found.append(stem(word) if known is None or stem(word) in known else word)
    return found


def content_words(text: str) -> list[str]:
    """The words that carry a question's meaning, each once and whole; Chinese ones as jieba cuts them."""
    matches = list(_TERM.finditer(unicodedata.normalize("NFKC", text).lower()))
    english = is_english([match.group() for match in matches])
    function_words = ENGLISH if english else frozenset().union(*OTHER_LANGUAGES.values())
    found: dict[str, None] = {}
    for match in matches:
        if match["han"]:
            found |= dict.fromkeys(word for word in _jieba().cut(match.group()) if word not in CHINESE)
        elif match.group() not in function_words:
            found[match.group()] = None
    return list(found)


def chinese_terms(run: str) -> list[str]:
    """Words, pairs and characters of a run of Chinese characters, without the function words."""
    words = [word for word in _jieba().cut_for_search(run) if word not in CHINESE]
    content_pairs = [pair for pair in pairs(run) if not CHINESE_PARTICLES.intersection(pair)]
    return words + content_pairs + list(run)


def pairs(run: str) -> list[str]:
    """Neighbouring characters, two by two: 天文台 → 天文, 文台."""
    return [run[i : i + 2] for i in range(len(run) - 1)]


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The Snowball English stem (Porter 2001) of an ASCII word; other words are returned unchanged."""
    return _stemmer().stemWord(word) if word.isascii() else word


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@cache
def _jieba() -> ModuleType:
    """jieba, quiet, with its cache in a private folder.

    By default it keeps a marshal file in the shared temporary folder under a fixed name, and reads whatever lies
    there: on a shared machine that is somebody else's code.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

    jieba.setLogLevel("ERROR")
    jieba.dt.tmp_dir = str(private_cache_folder())
    return jieba


def private_cache_folder() -> Path:
    """A cache folder that only this user can write to; a fresh temporary one if there is no such place."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir())
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "tiny-universe" / "jieba"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            raise PermissionError(f"{folder} can be written to by others")
    except OSError:
        return Path(tempfile.mkdtemp(prefix="tiny-universe-"))
    return folder
