"""What a file is by its first bytes, whatever its name says."""

import codecs
import re

from .document import ReadError

# A mark, what it means, and the suffix that would be right (none: no reader here knows the format).
MAGIC = (
    (b"%PDF-", "a PDF", ".pdf"),
    (b"PK\x03\x04", "a zip archive", ".docx"),
    (b"PK\x05\x06", "an empty zip archive", ""),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.doc, .xls)", ""),
    (b"{\\rtf", "an RTF file", ""),
    (b"\x89PNG", "a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"GIF8", "a GIF image", ""),
    (b"\x1f\x8b", "a gzip archive", ""),
    (b"7z\xbc\xaf", "a 7z archive", ""),
    (b"Rar!\x1a", "a RAR archive", ""),
    (b"\x7fELF", "a program", ""),
    (b"MZ\x90\x00", "a program", ""),
    (b"SQLite format 3", "an SQLite database", ""),
)
# Of these, the two that may consist of nothing but printable characters, as their files really begin.
PRINTABLE = re.compile(rb"%PDF-\d\.\d\s*[\r\n]|\{\\rtf\d")
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
PDF_HEADER_WITHIN = 1024  # the specification lets a PDF begin with rubbish, and some mail gateways add it


def looks_like(head: bytes) -> tuple[str, str]:
    """What the first bytes look like, and the suffix that would be right ("" if none of ours)."""
    for mark, name, suffix in MAGIC:
        if head.startswith(mark) and (PRINTABLE.match(head) or not _only_text(head)):
            return name, suffix
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "HTML", ".html"
    if b"\0" in head or sum(byte < 9 or 14 <= byte < 27 for byte in head) > len(head) // 20:
        return "binary data", ""
    return "plain text", ".txt"


def _only_text(head: bytes) -> bool:
    """Sentences may begin with the letters of a mark ("GIF89a is an image format"), but no such file is all text."""
    if CONTROLS.search(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return False
    return True


def check_suffix(suffix: str, head: bytes) -> None:
    """Refuse a PDF that is no PDF, a Word file that is no zip archive, and a text file that is either of them.

    Text under any text suffix passes: an HTML page called .txt is read as the text that it is.
    """
    if not head:
        raise ReadError("an empty file; nothing to read")
    name, right = looks_like(head)
    if suffix == ".pdf":
        wrong = b"%PDF-" not in head[:PDF_HEADER_WITHIN]
    elif suffix == ".docx":
        wrong = not head.startswith(b"PK\x03\x04")
    else:
        wrong = right in (".pdf", ".docx") or (not right and name != "binary data")  # UTF-16 looks binary: decode first
    if wrong:
        advice = f"rename it to {right}" if right else "convert it, or remove it"
        raise ReadError(f"the name says {suffix} but the content looks like {name}; {advice}")
