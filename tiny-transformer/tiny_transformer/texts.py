"""Files of sentences: one a line, UTF-8, `.gz` or not; two files side by side, or one with a tab between the two."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from tiny_transformer.problem import Problem

Pair = tuple[str, str]


class BadText(Problem):
    """A file that can't be used as it is; the message names file, line and what to do."""


def lines_of(path: Path, ends: str | None = None) -> list[str]:
    """The lines, without spaces, or the signs in `ends`, at their ends.

    Raises BadText if there is none, or one is not UTF-8.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadText(f"{path.as_posix()}: not a complete gzip file ({error}); fetch it again") from None
    lines: list[str] = []
    # at "\n" alone: str.splitlines would also cut at U+2028 and other signs that occur inside sentences
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            lines.append(line.decode("utf-8").strip(ends))
        except UnicodeDecodeError as error:
            raise BadText(
                f"{path.as_posix()}:{number}: not UTF-8 (byte 0x{line[error.start]:02x}); save the file as UTF-8"
            ) from None
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise BadText(f"{path.as_posix()}: empty; it should hold one sentence a line")
    return lines


def side_by_side(source: Path, target: Path) -> list[Pair]:
    """Line n of one file with line n of the other; pairs with an empty side are left out."""
    sources, targets = lines_of(source), lines_of(target)
    if len(sources) != len(targets):
        raise BadText(
            f"{source.as_posix()} has {len(sources):,} lines and {target.as_posix()} {len(targets):,}; "
            "line n of one must translate line n of the other"
        )
    return _filled(zip(sources, targets, strict=True), source)


def tab_separated(path: Path) -> list[Pair]:
    """Source, tab, target; pairs with an empty side are left out."""
    pairs: list[Pair] = []
    for number, line in enumerate(lines_of(path, " \r"), start=1):
        source, tab, target = line.partition("\t")
        if (line and not tab) or "\t" in target:
            raise BadText(f"{path.as_posix()}:{number}: needs one tab between source and target (got {line[:40]!r})")
        pairs.append((source.strip(), target.strip()))
    return _filled(pairs, path)


def _filled(pairs: Iterable[Pair], path: Path) -> list[Pair]:
    kept = [pair for pair in pairs if pair[0] and pair[1]]
    if not kept:
        raise BadText(f"{path.as_posix()}: no line has both a source and a target")
    return kept


def refuse_long(pairs: list[Pair], tokens_in: Callable[[Pair], int], limit: int, where: str) -> None:
    """Raise BadText for the first pair that has more than `limit` tokens on its longer side."""
    for pair in pairs:
        if tokens_in(pair) > limit:
            raise BadText(
                f"{where}: a pair of {tokens_in(pair):,} tokens ({max(pair, key=len)[:30]!r}...); the model takes at "
                f"most {limit}: leave such pairs out with --drop-long, or raise --max-len"
            )


def drop_long(pairs: list[Pair], tokens_in: Callable[[Pair], int], limit: int) -> int:
    """Remove those pairs from the list, and return how many."""
    before = len(pairs)
    pairs[:] = [pair for pair in pairs if tokens_in(pair) <= limit]
    return before - len(pairs)
