"""The command line's habits, the same in every track: one error line, exit codes, --debug, --json, progress.

Exit codes: 0 done, 1 unexpected failure, 2 the user can put it right, 130 Ctrl-C, 141 the reader of our output left.
"""

import argparse
import ast
import errno
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from tiny_shared import UserError as UserError

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """argparse that takes --debug before and after the sub-command and complains in one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)  # --re must not come to mean something else when --resume is added
        super().__init__(*args, **kwargs)
        # SUPPRESS: a sub-command's default would overwrite the --debug that stood before it
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see 'python {self.prog} --help'\n")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def add_seed(parser: argparse.ArgumentParser, default: int = 0) -> None:
    parser.add_argument(
        "--seed", type=_seed, default=default, help="the same seed, the same result (default: %(default)s)"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="where to compute (default: auto)"
    )


def _seed(text: str) -> int:
    seed = int(text) if text.strip().isdecimal() else -1
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 4294967295 (got {text!r})")
    return seed


def positive(text: str) -> int:
    """The type of an argument that counts something: a whole number from 1 up."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up (got {text!r})")
    return int(text)


def pick_device(name: str) -> str:
    """Turn `auto` into the best device of this machine; UserError if the named one is not there."""
    if name == "cpu":
        return name
    torch: Any = importlib.import_module("torch")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, usable in there.items() if usable)
    if not there[name]:
        raise UserError(f"this machine has no {name} device that PyTorch can use; choose --device cpu or auto")
    return name


def run(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None = None,
    user_errors: tuple[type[Exception], ...] = (),
) -> int:
    """Parse, call `args.run(args)`, and turn whatever happens into an exit code and at most one line on stderr.

    `user_errors` names the exceptions of the track's own core that mean "the user can put this right". A bare
    ValueError is not among them: it is just as likely to be our bug, and a bug must not look like bad input.
    """
    use_utf8()
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # --help, or an argument that argparse refused
        return int(stop.code or 0)
    try:
        args.run(args)
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        print("\nstopped; run the same command again, long work goes on from where it was saved", file=sys.stderr)
        return 130
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_left():
            return 141
        debug = getattr(args, "debug", False)
        if debug:
            traceback.print_exc()
        line = _user_line(error, user_errors)
        hint = "" if debug else "; run again with --debug for the traceback"
        print(f"error: {line or _unexpected(error) + hint}", file=sys.stderr)
        return 2 if line else 1


def _user_line(error: Exception, user_errors: tuple[type[Exception], ...]) -> str | None:
    """What the user should read, or None if the user has nothing to do with it."""
    if isinstance(error, (UserError, *user_errors)):
        return _one_line(error)
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk; free some and run the same command again"
    if not isinstance(error.filename, (str, os.PathLike)):  # not about a path: a socket, a child process
        return None
    path = repr(os.fspath(error.filename))
    match error.errno:
        case errno.ENOENT:
            return f"no such file or folder: {path}; check the path"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"not allowed to open {path}; check its permissions or choose another path"
        case errno.EISDIR:
            return f"{path} is a folder; name a file"
        case errno.ENOTDIR:
            return f"a part of {path} is a file, not a folder; check the path"
        case errno.EEXIST:
            return f"{path} exists already; remove it or choose another path"
        case _:
            return None


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {_one_line(error)}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _reader_left() -> bool:
    """True if it is our stdout that broke (`main.py search | head -1`), not some other pipe; then it is silenced."""
    try:
        print(flush=True)  # a failed write has emptied the buffer, so flushing alone would succeed
        return False
    except BrokenPipeError:
        # the interpreter flushes stdout once more at exit and would complain there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True


def use_utf8() -> None:
    """Make stdout and stderr take every character: UTF-8 in files and pipes, even if the locale is C or cp1252.

    A terminal keeps its own encoding, which it can show. What cannot be encoded becomes `\\udcff`: unlike `?` it loses
    nothing, and inside a JSON document it is the right escape.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def show(result: object, as_json: bool, text: str | Callable[[], str] | None = None) -> None:
    """Print a result on stdout: one JSON document, or text for people (by default the result, a list line by line)."""
    if as_json:
        output = json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False, default=_plain)
    elif text is not None:
        output = text if isinstance(text, str) else text()
    else:
        output = "\n".join(map(str, result)) if isinstance(result, list) else str(result)
    print(output)


def _plain(value: object) -> object:
    """What json.dumps does not know: dataclasses, paths, and NumPy's numbers and arrays (both have tolist)."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def progress(iterable: Iterable[T], total: int | None = None, unit: str = "it", desc: str = "") -> Iterator[T]:
    """Iterate with a bar on stderr that shows the rate and the time left."""
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    with progress_bar(desc, total, unit) as bar:
        for item in iterable:
            yield item
            bar.update()


def progress_bar(desc: str, total: int | None, unit: str, initial: int = 0) -> "tqdm[Any]":
    """A tqdm bar to be updated by hand. In a log file it keeps quiet for half a minute, then speaks twice a minute."""
    from tqdm import tqdm

    pause_s = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(
        desc=desc,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        initial=initial,
        file=sys.stderr,
        mininterval=pause_s,
        delay=pause_s,
        dynamic_ncols=True,
    )


def print_reading_path(root: str | os.PathLike[str], files: Sequence[str], as_json: bool = False) -> None:
    """Print a track's reading path: the files in order, each with its lines and what it says about itself."""
    rows: list[dict[str, Any]] = []
    for name in files:
        source = Path(root, name).read_text(encoding="utf-8")
        about = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0] if name.endswith(".py") else ""
        rows.append({"file": name, "lines": len(source.splitlines()), "about": about})
    total = sum(row["lines"] for row in rows)
    width = max(len(name) for name in files)
    lines = [f"{row['lines']:5}  {row['file']:{width}}  {row['about']}".rstrip() for row in rows]
    lines.append(f"{total:5}  lines in {len(rows)} files, in this order")
    show({"files": rows, "lines": total}, as_json, "\n".join(lines))
