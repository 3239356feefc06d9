"""Fetch a file over HTTP so that it can stop anywhere and still end as the right file, whole and verified.

While it comes, the bytes lie in `NAME.part` with the server's ETag beside them; a later run asks for the rest with
`Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14), so a file that changed in between starts over instead of
becoming half old, half new. The first download records the SHA-256 in `NAME.sha256`; later ones must match it.
"""

import json
import os
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tiny_shared import UserError
from tiny_shared.cli import progress_bar
from tiny_shared.files import atomic_write, sha256_file, sync_folder
from tiny_shared.network import backoff, is_loopback, retry_after

if TYPE_CHECKING:
    from requests import Response, Session

BLOCK = 1 << 16  # what a cut loses at most


class DownloadError(UserError):
    """A file that could not be fetched, or that is not the file it should be."""


class _Passing(Exception):
    """A failure that asking again may cure. `wait_s` is what the server asked to wait."""

    def __init__(self, message: str, wait_s: float | None = None):
        super().__init__(message)
        self.wait_s = wait_s


def download(
    url: str,
    dest: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    licence: str | None = None,
    record: str | os.PathLike[str] | None = None,
    timeout: float = 30.0,
    retries: int = 5,
    sleep: Callable[[float], None] = time.sleep,
    draw: Callable[[], float] = random.random,
) -> Path:
    """Fetch `url` into `dest`, or check that it is there already, and return the path.

    The file must have this `sha256`, or else the one in `record` (by default `dest.sha256`, in the format of the
    sha256sum tool), or else its own is recorded there. `licence` is printed on stderr and kept in `dest.licence`.
    Ctrl-C keeps what has come. `retries` counts failures in a row that brought no new byte.
    """
    if not re.match(r"https?://", url, re.IGNORECASE):
        raise DownloadError(f"only http and https can be downloaded (got {url!r}); correct the address")
    target = Path(dest)
    record = Path(record or f"{target}.sha256")
    expected = sha256.lower() if sha256 else _recorded(record)
    target.parent.mkdir(parents=True, exist_ok=True)
    if licence:
        print(f"{target.name}: {licence}", file=sys.stderr)
        atomic_write(f"{target}.licence", f"{licence}\n")
    if expected and target.is_file() and sha256_file(target) == expected:
        return target
    part = Path(f"{target}.part")
    _fetch(url, part, timeout, retries, sleep, draw)
    actual = sha256_file(part)
    if expected and actual != expected:
        _forget(part)
        raise DownloadError(
            f"{url} has SHA-256 {actual}, expected {expected}; "
            + ("correct the expected one" if sha256 else f"if the new file is wanted, delete {record}")
        )
    # the record first: after a crash between the two, the finished .part is verified again
    atomic_write(record, f"{actual}  {target.name}\n")
    os.replace(part, target)
    sync_folder(target.parent)
    _forget(part)
    return target


def _fetch(
    url: str,
    part: Path,
    timeout: float,
    retries: int,
    sleep: Callable[[float], None],
    draw: Callable[[], float],
) -> None:
    """Bring `part` to its full length, with as many attempts as bring it further."""
    import requests

    with requests.Session() as session:
        session.trust_env = not is_loopback(url)
        failures = furthest = 0
        while True:
            wait_s = None
            try:
                return _attempt(session, url, part, timeout)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                reason = f"the connection failed ({type(error).__name__})"
            except _Passing as failure:
                reason, wait_s = str(failure), failure.wait_s
            except requests.RequestException as error:
                raise DownloadError(f"{url}: {error}; correct the address") from None
            size = part.stat().st_size if part.exists() else 0
            failures = 0 if size > furthest else failures + 1
            furthest = max(size, furthest)
            if failures > retries:
                raise DownloadError(f"{url}: {reason}; run the same command again, {size} bytes are kept")
            sleep(backoff(failures, draw) if wait_s is None else wait_s)


def _attempt(session: "Session", url: str, part: Path, timeout: float) -> None:
    """One request: for the rest of the file if the server still has the same one, otherwise for all of it."""
    state = _state(part, url)
    have = part.stat().st_size if state and part.exists() else 0
    if part.exists() and have == state.get("size"):
        return  # an earlier run stopped between the last byte and the renaming
    headers = {"Accept-Encoding": "identity"}  # a range of a compressed body is a range of something else
    if have and state["version"]:
        headers |= {"Range": f"bytes={have}-", "If-Range": state["version"]}
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        _check(response, url, part)
        if response.status_code != 206:  # the whole file: our first request, or it changed, or ranges are unknown here
            have = 0
            part.write_bytes(b"")  # before the state, so that old bytes never pass for the new version
            size = response.headers.get("Content-Length")
            state = {"url": url, "version": _version(response), "size": int(size) if size else None}
            atomic_write(_state_path(part), json.dumps(state))
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            _forget(part)
            raise _Passing("the server sent another part than the one asked for")
        # r+b and seek, not append: two processes at the same file write the same bytes to the same places
        with open(part, "r+b") as file, progress_bar(part.stem, state["size"], "B", initial=have) as bar:
            file.seek(have)
            for block in response.iter_content(BLOCK):
                bar.update(file.write(block))
            file.flush()
            os.fsync(file.fileno())
            if state["size"] not in (None, file.tell()):
                raise _Passing(f"the connection ended at {file.tell()} of {state['size']} bytes")


def _check(response: "Response", url: str, part: Path) -> None:
    """Return if the response carries the file; otherwise say whether asking again can help."""
    status = response.status_code
    if status == 416:  # what we have is longer than the file is now
        _forget(part)
        raise _Passing("the server no longer has the rest of this file")
    if status in (408, 429) or status >= 500:
        raise _Passing(f"the server answered {status}", retry_after(response.headers))
    if status in (401, 403):
        raise DownloadError(
            f"{url}: the server asks for permission ({status}); accept its terms there or choose another"
        )
    if status not in (200, 206):
        raise DownloadError(f"{url}: the server answered {status} {response.reason}; check the address")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadError(f"{url}: the server compresses although asked not to; fetch it with another tool")


def _version(response: "Response") -> str:
    """What names this version of the file in If-Range: a strong ETag, else its date, else nothing."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _state_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _state(part: Path, url: str) -> dict[str, Any]:
    """What we know about the bytes in `part`: empty if nothing, or if they came from another address."""
    try:
        state = json.loads(_state_path(part).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return state if state["url"] == url else {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


def _recorded(record: Path) -> str | None:
    """The checksum in a file of the sha256sum tool, None if there is no such file."""
    try:
        words = record.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return None
    if not words or not re.fullmatch("[0-9a-f]{64}", words[0]):
        raise DownloadError(f"{record} does not begin with a SHA-256; delete it to record the next download's")
    return words[0]


def hub_url(repo: str, file: str, revision: str = "main", source: str = "hf", kind: str = "model") -> str:
    """The address of one file of a model or data set on Hugging Face or ModelScope.

    HF_ENDPOINT and MODELSCOPE_ENDPOINT name mirrors of them.

    `source` is "hf" or "modelscope", `kind` "model" or "dataset". ModelScope calls its main branch master.
    """
    roots = {
        ("hf", "model"): "",
        ("hf", "dataset"): "datasets/",
        ("modelscope", "model"): "models/",
        ("modelscope", "dataset"): "datasets/",
    }
    if (source, kind) not in roots:
        raise ValueError(f"source must be hf or modelscope, kind model or dataset (got {source!r}, {kind!r})")
    if source == "hf":
        host = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    else:
        host = os.environ.get("MODELSCOPE_ENDPOINT", "").rstrip("/") or "https://modelscope.cn"
        revision = "master" if revision == "main" else revision
    return f"{host}/{roots[source, kind]}{quote(repo)}/resolve/{quote(revision, safe='')}/{quote(file)}"
