"""Which encoding a text file is in: UTF-8, UTF-16, GB18030, Big5, or a Western one as the last resort.

Strict decoding alone can't tell GB18030 from Big5: most byte pairs are a character in both. But the wrong one gives
rare characters. Both standards put their everyday characters first (GB 2312 level 1: 3,755; Big5 level 1: 5,401), and
some 200 characters make up half of any Chinese text: a sentence is enough to see which reading is the plausible one.
"""

import codecs
import re
from dataclasses import dataclass
from functools import cache

from .document import ReadError

SAMPLE = 64 * 1024  # bytes that the guess looks at; strictness is tested on everything
THIN = 20  # characters beyond ASCII from which a guess is no longer worth a note
PLAUSIBLE = 1.0  # the score that real Chinese exceeds (about 2) and misread bytes don't reach (about 0.5)

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHINESE = ("gb18030", "cp950", "big5hkscs")
# A Chinese character alone among small letters: an umlaut and the letter after it, misread (A组 has a capital).
LONE = re.compile(r"(?<=[a-z])[\u4e00-\u9fff](?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u4e00-\u9fff](?=[a-z])")
# What a page may claim to be in (Python also knows codecs such as "zlib"), and what browsers take that to mean.
CHARSET = re.compile(r"(iso-8859-|windows-|cp|koi8-|gb|big5|euc-|shift_jis)\w*")
DECLARED_MEANS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "iso-8859-1": "windows-1252"}
# The characters that fill half of a Chinese page, simplified and traditional.
FREQUENT = frozenset(
    "的一是了不在有人我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么"
    "心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现"
    "分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位"
    "因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师"
    "书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及"
    "今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结"
    "這來國個說們為時會著過學對裡後麼沒於還發當開見經頭動兩長樣現將與進實點種聲話兒問機給業間電門東聽氣關並"
    "產萬體別處總場師書員報馬張難數車應爺號幾從讓認論義術結統請愛記邊風戰許覺題務親計係條單團轉導議資變觀權"
)
CHINESE_PUNCTUATION = frozenset("，。、；：？！“”‘’（）《》〈〉「」『』【】—…·　％")


@dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, declared: str = "") -> Decoded:
    """Decode the bytes of a whole file, with `declared` (an HTML page's own claim) tried first.

    Raises ReadError if they look like binary data. A byte that can't be decoded becomes U+FFFD, with a note.
    """
    encoding = detect(data, declared)
    text = data.decode(encoding, "replace")
    if _unprintable(text[:SAMPLE]) > 0.02:
        raise ReadError("looks like binary data, not text; convert it, or remove it")
    guessed = encoding in CHINESE and encoding != _meant(declared)
    beyond = sum(character > "\x7f" for character in text) if guessed else THIN
    thin = (f"encoding guessed from only {beyond} characters, read as {encoding}",) if beyond < THIN else ()
    return Decoded(text, encoding.removesuffix("-sig"), (*notes(text, encoding), *thin))


def notes(text: str, encoding: str) -> tuple[str, ...]:
    """What to tell about a text that wasn't decoded for certain."""
    lost = text.count("\ufffd")
    found = (f"{lost} characters could not be decoded as {encoding}",) if lost else ()
    return found + (("encoding unknown, read as cp1252",) if encoding == "cp1252" else ())


def detect(data: bytes, declared: str = "") -> str:
    """The name of the codec to decode `data` with. `data` may end in the middle of a character."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding
    sample = data[:SAMPLE]
    if b"\0" in sample:
        return _sixteen_bits(sample) or "utf-8"  # with zeros and no pattern to them it is binary: decode() refuses it
    if _strict(data, "utf-8") is not None or _mostly_utf8(sample):
        return "utf-8"
    if sample.isascii():
        first = re.search(rb"[\x80-\xff]", data)
        sample = data[first.start() : first.start() + SAMPLE] if first else sample
    declared = _meant(declared)
    if CHARSET.fullmatch(declared) and _strict(data, declared) is not None:
        return declared
    # On a tie the first wins: Microsoft's Big5 before Hong Kong's, and UTF-16 without a single newline last.
    names = (*CHINESE, "utf-16-le", "utf-16-be")
    guesses = {name: _chinese(_strict(sample, name)) for name in names}
    best = max(guesses, key=lambda name: guesses[name])
    if guesses[best] >= PLAUSIBLE:
        return best
    return _second_witness(sample)


def _meant(declared: str) -> str:
    return DECLARED_MEANS.get(declared.lower(), declared.lower())


def _sixteen_bits(sample: bytes) -> str:
    """UTF-16 without a mark, in the byte order that gives letters; "" if neither does.

    Counting on which side the zeros lie would be simpler, but U+4E00, one of the commonest Chinese characters, has
    its zero on the wrong side.
    """
    scores = {name: _letters(_strict(sample, name)) for name in ("utf-16-le", "utf-16-be")}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0.5 else ""


def _strict(data: bytes, encoding: str) -> str | None:
    """Decoded without any error, but for a character that the end of the sample cuts; None if it isn't possible."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(data)
    except (UnicodeError, LookupError):
        return None


def _mostly_utf8(sample: bytes) -> bool:
    """UTF-8 with a few damaged bytes: nothing else forms many valid sequences by chance."""
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return sum(character > "\x7f" for character in text) - bad > 10 * bad


def _chinese(text: str | None) -> float:
    """How plausible a text is as Chinese: the mean over its non-ASCII characters of 3, 1, 0 or −2 points each."""
    points = [_points(character) for character in text or "" if character > "\x7f"]
    if 2 * len(LONE.findall(text or "")) > len(points):
        return 0.0
    return sum(points) / len(points) if points else 0.0


def _letters(text: str | None) -> float:
    """How plausible a text is in any script: as `_chinese`, with a point for each character of an alphabet."""
    points = [1 if "\t" <= character < "\u2000" else _points(character) for character in text or ""]
    return sum(points) / len(points) if points else 0.0


@cache
def _points(character: str) -> int:
    if character in FREQUENT:
        return 3
    if character in CHINESE_PUNCTUATION:
        return 1
    if not "\u4e00" <= character <= "\u9fff":
        return -2  # private use, Hangul, symbols: what misread bytes turn into
    gb, big5 = (character.encode(name, "replace") for name in ("gb2312", "cp950"))
    return int(0xB0 <= gb[0] <= 0xD7 or 0xA4 <= big5[0] <= 0xC6)  # level 1, the everyday characters, of either


def _second_witness(sample: bytes) -> str:
    """Not Chinese: ask charset-normalizer, and fall back on Western European, in which nearly every byte means
    something."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=["utf_7", "utf_16", "utf_32"]).best()
    if best is not None and best.encoding not in ("ascii", "latin_1", "cp1252") and len(sample) > 200:
        return best.encoding
    return "cp1252"


def _unprintable(text: str) -> float:
    """Share of control characters, of which text has none but tabs, newlines, form feeds and escapes."""
    return len(re.findall("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", text)) / max(1, len(text))
