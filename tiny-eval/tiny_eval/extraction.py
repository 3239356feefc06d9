r"""Finding the answer in what a model wrote: named extractors, strict first, each saying where it found what.

Extraction is measured apart from scoring, because it moves scores: the same output "C is wrong, so B. A is not asked."
is B to one reader and A to another. An extractor goes through its candidates from the best to the worst; a chain asks
its extractors in turn and takes the first candidate that reads as an answer of its kind (letters, a number, text):

    extract("So 6 · 7 = 42.\n#### 42", "maths")  →  Extracted(value="42", extractor="hash", start=20, end=22)

Reasoning in <think>…</think> is blanked out first, character for character, so places hold for the text as the model
wrote it. Also blank is what stands before a lone </think>: many chat templates write the opening tag into the prompt.
Reasoning that never ends means that the output was cut off: nothing is extracted, and `is_truncated` says why.

Sources: "hash" GSM8K (arXiv:2110.14168), "boxed" MATH (arXiv:2103.03874), 【答案】 GAOKAO-Bench (arXiv:2305.12474).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]
Candidate = tuple[int, int, str]  # start, end, value


@dataclass(frozen=True, slots=True)
class Extracted:
    """An answer, the extractor that fired, and its place: text[start:end] is `value`, but for what JSON escapes."""

    value: str
    extractor: str
    start: int
    end: int


_TAG = re.compile(r"<(/?)(?:think|thinking)>", re.IGNORECASE)
_JSON_KEY = re.compile(r'"(?:final_answer|answer|choice|最终答案|答案|选项)"\s*:\s*', re.IGNORECASE)
_NUMBER = re.compile(
    r"(?:(?<![\w.)}])[-−])?(?:\\[dt]?frac\s*\{-?\d+\}\s*\{\d+\}|(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
    r"(?:\s*/\s*\d+(?![\d.]))?(?:\s*%|\s*(?:hundred|thousand|million|billion|万|亿)(?![a-z]))?"
)
_MARKERS = re.compile(  # \s{0,3}: two \s* in a row would take quadratic time on long blanks
    r"【\s{0,3}答案\s{0,3}】\s{0,3}[:：]?"
    r"|答案\s{0,3}(?:应该|应|就)?\s{0,3}(?:[是为选][:：]?|[:：])"
    r"|正确(?:的)?选项\s{0,3}(?:[是为][:：]?|[:：])"
    r"|(?<![不没别可未任])选(?:择|答案)?\s{0,3}[:：]?\s{0,3}"
    r"(?=[\s$*({（\[【]{0,6}(?:\\(?:text|math)[a-z]*\s?\{)?[~\s]{0,3}[A-HＡ-Ｈ])"
    r"|\banswer(?:\s(?:to|for)\s[^.\n:]{1,80}?)?[\s*]{0,4}(?:\b(?:is|would be|should be|must be)\b\s{0,3}:?|[:：=])",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"\n|。|[.!?！？](?=\s|$)|<\|?[a-z_]+\|?>")

_L = "[A-HＡ-Ｈ]"
_RUN = rf"{_L}(?:[ \t,，、;；和及与&]*(?:and[ \t]+)?{_L})*"
_WRAP = r"(?:[\s:：*_\"“‘$(（\[【{~]|\\(?:text|math)[a-z]*\s*\{|\\boxed\s*\{|(?:option|choice|选项|选择|选)(?![a-z]))*"
_AFTER = r"(?![A-Za-z0-9_^Ａ-Ｚ'’=]|-[A-Za-z])"
_HEDGE = rf"(?!\s{{0,3}}项?\s{{0,3}}(?:or|或者?|/)\s*[(（]?{_L}{_AFTER})"
_LEADING = re.compile(rf"{_WRAP}({_RUN}){_AFTER}{_HEDGE}")
_LOWER = re.compile(r"[\s*$]*[(（]\s*([a-h])\s*[)）]|[\s*$]*([a-h])[\s*$.]*\Z")
_ONLY = re.compile(rf"{_WRAP}({_RUN})[\s.。*_\"”’$)）\]】}}!]*\Z")
_OPTION = re.compile(rf"\s*[(（*]*({_L})[*]*\s*[).、:：．）][\s*]*\S")
_LONE = re.compile(rf"(?<![A-Za-z0-9\\_^Ａ-Ｚ'’])({_RUN}){_AFTER}")
_DENIED_BEFORE = re.compile(
    r"(?:\bnot|n't|排除|不选|不是|并非|\bor|或者?)\s*(?:be\s+)?(?:option\s+|选项)?[(（$]*\Z", re.IGNORECASE
)
_DENIED_AFTER = re.compile(
    r"[)）}$*\s]*(?:项|选项)?\s*(?:均|都)?\s*(?:(?:is|are|was)\s+)?(?:wrong|incorrect|false|not\b|错|不正确|不对|不成立|or\b|或)",
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """`text` with its reasoning blanked out, as long as before."""
    return _without_thoughts(text)[0]


def is_truncated(text: str) -> bool:
    """Whether the output ends inside its reasoning; such an answer was not measured, it isn't wrong."""
    return _without_thoughts(text)[1]


def _without_thoughts(text: str) -> tuple[str, bool]:
    pieces: list[str] = []
    done = begin = depth = 0
    for tag in _TAG.finditer(text):
        if not tag[1]:
            begin = tag.start() if depth == 0 else begin
            depth += 1
        else:
            if depth <= 1:  # a closing tag without its opening one: everything so far was reasoning
                start = begin if depth else 0
                pieces = [*pieces, text[done:start]] if depth else []
                pieces.append(" " * (tag.end() - start))
                done = tag.end()
            depth = max(0, depth - 1)
    if depth:
        return "".join(pieces) + text[done:begin] + " " * (len(text) - begin), True
    return "".join(pieces) + text[done:], False


def _trimmed(text: str, start: int, end: int) -> Iterator[Candidate]:
    """The span without blanks, quotes, markdown stars and a final full stop; nothing if nothing remains."""
    while start < end and (text[start].isspace() or text[start] in '*"“”`'):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in '*"“”`。.!'):
        end -= 1
    if start < end:
        yield start, end, text[start:end]


def _hash(text: str) -> Iterator[Candidate]:
    """#### 42, the first: a base model goes on with questions of its own, which have such lines too."""
    for match in re.finditer(r"####[ \t]*([^\n]+)", text):
        yield from _trimmed(text, *match.span(1))


def _boxed(text: str) -> Iterator[Candidate]:
    r"""The content of \boxed{…}, braces matched, the last first: models box intermediate results as well."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for match in re.finditer(r"\\[{}\\]|[{}]", text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            closing[opened.pop()] = match.start()
    for match in reversed(list(re.finditer(r"\\(?:boxed|fbox)\s*(?:(\{)|([^\s{$]+))", text))):
        if match[2]:
            yield from _trimmed(text, *match.span(2))
        elif match.end() - 1 in closing:
            yield from _trimmed(text, match.end(), closing[match.end() - 1])


def _answer_is(text: str) -> Iterator[Candidate]:
    """What follows "The answer is", 【答案】, 故选 … in its sentence, the last first: models correct themselves."""
    for marker in reversed(list(_MARKERS.finditer(text))):
        rest = re.compile(r"[\s*]*").match(text, marker.end())
        start = rest.end() if rest else marker.end()
        end = _SENTENCE_END.search(text, start)
        yield from _trimmed(text, start, end.start() if end else len(text))


def _lines(text: str) -> list[Span]:
    """The lines that aren't blank."""
    return [match.span() for match in re.finditer(r"[^\n]+", text) if not match[0].isspace()]


def _letter_line(text: str) -> Iterator[Candidate]:
    """A line that is nothing but option letters, the last first; or the only line, if it starts "B. …" or is (b)."""
    lines = _lines(text)
    for start, end in reversed(lines):
        if match := _ONLY.match(text[start:end]):
            yield start + match.start(1), start + match.end(1), match[1]
    line = text[slice(*lines[0])] if len(lines) == 1 else ""
    if match := _OPTION.match(line) or _LOWER.match(line):
        start, end = match.span(match.lastindex or 0)
        yield lines[0][0] + start, lines[0][0] + end, line[start:end]


def _last_letter(text: str) -> Iterator[Candidate]:
    """Option letters that stand alone, the last first, unless the words next to them deny them."""
    for match in reversed(list(_LONE.finditer(text))):
        before, after = text[max(0, match.start() - 24) : match.start()], text[match.end() : match.end() + 24]
        if not _DENIED_BEFORE.search(before) and not _DENIED_AFTER.match(after):
            yield match.start(1), match.end(1), match[1]


def _last_number(text: str) -> Iterator[Candidate]:
    """Any number, the last first."""
    for match in reversed(list(_NUMBER.finditer(text))):
        yield match.start(), match.end(), match[0]


def _json_field(text: str) -> Iterator[Candidate]:
    """The value of "answer" (or "choice", "答案", …) in JSON, the last first; a list is joined with commas."""
    for match in reversed(list(_JSON_KEY.finditer(text))):
        try:
            value, end = json.JSONDecoder().raw_decode(text, match.end())
        except (ValueError, RecursionError):  # what follows the key is no JSON
            continue
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            yield match.end(), end, ",".join(value)
        elif isinstance(value, str) and value.strip():
            plain = text[match.end() + 1 : end - 1] == value  # no escapes: the place is that between the quotes
            yield match.end() + plain, end - plain, value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield match.end(), end, text[match.end() : end]


def _first_line(text: str) -> Iterator[Candidate]:
    """The first line that isn't blank: a base model often answers there, then goes on."""
    for start, end in _lines(text)[:1]:
        start, end = start + len(text[start:end]) - len(text[start:end].lstrip()), start + len(text[start:end].rstrip())
        yield start, end, text[start:end]


def _whole(text: str) -> Iterator[Candidate]:
    """All of it, without blanks around."""
    if text.strip():
        start = len(text) - len(text.lstrip())
        yield start, start + len(text.strip()), text.strip()


EXTRACTORS: dict[str, Callable[[str], Iterator[Candidate]]] = {
    "json_field": _json_field,
    "hash": _hash,
    "boxed": _boxed,
    "answer_is": _answer_is,
    "letter_line": _letter_line,
    "last_letter": _last_letter,
    "last_number": _last_number,
    "first_line": _first_line,
    "whole": _whole,
}


def _letters(value: str) -> Span | None:
    """Where the option letters are that `value` starts with; "B or C" has none."""
    if match := _LEADING.match(value):
        return match.span(1)
    if match := _LOWER.match(value):
        return match.span(1 if match[1] else 2)
    return None


def _maths(value: str) -> Span | None:
    """`value` itself if it could be a result: it has a digit or LaTeX in it, or is a single name."""
    return (0, len(value)) if re.search(r"[\d\\$]", value) or re.fullmatch(r"\S{1,2}", value) else None


def _anything(value: str) -> Span | None:
    return 0, len(value)


@dataclass(frozen=True, slots=True)
class Chain:
    """Extractors, strict first, and what a candidate must read as."""

    extractors: tuple[str, ...]
    reads: Callable[[str], Span | None]


CHAINS: dict[str, Chain] = {
    "choice": Chain(("json_field", "boxed", "answer_is", "letter_line", "last_letter"), _letters),
    "gaokao": Chain(("answer_is", "boxed", "letter_line", "last_letter"), _letters),
    "maths": Chain(("hash", "boxed", "json_field", "answer_is", "last_number"), _maths),
    "latex": Chain(("hash", "boxed", "json_field", "answer_is", "whole"), _anything),  # the last number of 3x isn't 3x
    "text": Chain(("json_field", "answer_is", "whole"), _anything),
}


def extract(text: str, chain: str) -> Extracted | None:
    """The answer by `chain`, a name in CHAINS or of one extractor; None if there is none, or the output was cut off."""
    if chain in CHAINS:
        extractors, reads = CHAINS[chain].extractors, CHAINS[chain].reads
    elif chain in EXTRACTORS:
        extractors, reads = (chain,), _anything
    else:
        raise ValueError(f"no chain or extractor is called {chain!r}; there are {', '.join([*CHAINS, *EXTRACTORS])}")
    seen, cut_off = _without_thoughts(text)
    for name in () if cut_off else extractors:
        for start, end, value in EXTRACTORS[name](seen):
            if span := reads(value):
                if value == seen[start:end]:
                    start, end = start + span[0], start + span[1]
                return Extracted(value[slice(*span)], name, start, end)
    return None
