"""Chinese words as LongBench compares them (Bai et al. 2023, arXiv:2308.14508): jieba first, then the clean-up.

jieba sees the text as it is, punctuation included, since a comma helps it to find where words end. Then each word is
lower-cased and loses its punctuation and white space; what is left empty is dropped: 图书馆在北边，真的！ becomes
图书馆 在 北边 真的. English goes the other way round (words_en.py: delete, then split); the order shows in the scores.
"""

import os
import stat
import string
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

# What LongBench deletes, as ranges of code points. It isn't all the Chinese punctuation there is: 《, 〈, 〉 and ．
# are missing, so 《红楼梦》 becomes 《红楼梦. Scores compare with LongBench's only while they stay missing.
_RANGES = (
    "–— ‘’ ‛‟ …‧ 、〃 》】 〔〟 〰〰 〾〿 ﹏﹏ "  # general and CJK punctuation
    "！－ ／／ ：＠ ［｀ ｛､"  # fullwidth and halfwidth forms
)
_PUNCTUATION = [chr(code) for ends in _RANGES.split() for code in range(ord(ends[0]), ord(ends[1]) + 1)]
_DELETE_PUNCTUATION = str.maketrans("", "", string.punctuation + "".join(_PUNCTUATION))


def words(text: str) -> list[str]:
    """The words that remain, in order, with repetitions."""
    cleaned = map(normalized, cut(text))
    return [word for word in cleaned if word]


def normalized(text: str) -> str:
    """Lower case without punctuation and without any white space."""
    return "".join(text.lower().translate(_DELETE_PUNCTUATION).split())


def cut(text: str) -> list[str]:
    """jieba's words (accurate mode), spaces and punctuation among them: joined they are the text again."""
    return list(_jieba().cut(text))


@cache
def _jieba() -> Any:
    """A tokenizer of our own: quiet, untouched by others' user dictionaries, its cache in a private folder.

    By default jieba keeps a marshal file in the shared temporary folder under a fixed name, and reads whatever lies
    there: on a shared machine that is somebody else's code.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

    jieba.setLogLevel("ERROR")
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(private_cache_folder())
    return tokenizer


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
