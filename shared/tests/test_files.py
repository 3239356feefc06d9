"""Nothing half-written, no bad line unnamed, no path outside."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_shared import UserError, files
from tiny_shared.files import (
    BadLine,
    PathOutside,
    atomic_write,
    atomic_writer,
    confined,
    only_one,
    read_jsonl,
    write_jsonl,
)

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals, permissions or links")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("data", ["", "one\r\ntwo\nthree", "你好 🦙", b"\x00\xff"])
def test_atomic_write_keeps_every_byte(tmp_path, data):
    atomic_write(tmp_path / "new" / "x", data)
    assert (tmp_path / "new" / "x").read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert names(tmp_path / "new") == ["x"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError, GeneratorExit])
def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, failure):
    target = tmp_path / "x"
    target.write_text("old")
    with pytest.raises(failure), atomic_writer(target) as file:
        file.write(b"new")
        raise failure
    assert target.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_text_that_has_no_utf8_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        atomic_write(tmp_path / "x", "half an emoji: \ud83d")
    assert names(tmp_path) == []


def test_a_failing_fsync_fails_the_write(tmp_path, monkeypatch):
    """The content must be on the disk before the name points to it."""
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        atomic_write(tmp_path / "x", "new")
    assert names(tmp_path) == []


@posix
def test_permissions_and_links_survive(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    old_mask = os.umask(0o022)
    try:
        atomic_write(real, "a")
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(real.stat().st_mode) == 0o644  # not the 0600 of tempfile
    real.chmod(0o640)
    link.symlink_to(real)
    atomic_write(link, "b")
    assert link.is_symlink() and real.read_text() == "b"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    name = "名" * 85
    atomic_write(tmp_path / name, "x")
    assert names(tmp_path) == [name]


@posix
def test_kill_9_at_every_line_leaves_the_old_or_the_new_content(tmp_path):
    """A child is killed before the 1st, 2nd, 3rd... line that Python executes in a write, until one gets through."""
    source = textwrap.dedent("""
        import itertools, os, signal, sys
        from pathlib import Path
        from tiny_shared.files import atomic_write

        target, old, new = Path(sys.argv[1]), b"old" * 1000, b"new" * 1000

        def killer(steps):
            def trace(frame, event, argument):
                nonlocal steps
                steps -= 1
                if steps == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return trace
            return trace

        for steps in itertools.count(1):
            target.write_bytes(old)
            if not (child := os.fork()):
                sys.settrace(killer(steps))
                atomic_write(target, new)
                sys.settrace(None)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            content = target.read_bytes()
            print({old: "old", new: "new"}.get(content, f"{len(content)} bytes"), os.WIFSIGNALED(status))
            if not os.WIFSIGNALED(status):
                break
    """)
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path / "x")], capture_output=True, text=True, timeout=60
    )
    *killed, last = done.stdout.splitlines()
    assert last == "new False", done.stderr
    assert set(killed) == {"old True", "new True"}
    assert killed == sorted(killed, reverse=True)  # once the new content is there it stays
    assert len(killed) > 20


@posix
def test_kill_9_at_random_moments_leaves_the_old_or_the_new_content(tmp_path):
    """A process rewrites a file of 4 MB without pause; here the kill falls inside the system's calls."""
    target = tmp_path / "x"
    source = textwrap.dedent("""
        import itertools, sys
        from tiny_shared.files import atomic_write
        for letter in itertools.cycle("ab"):
            atomic_write(sys.argv[1], letter * 4_000_000)
            print("written", flush=True)
    """)
    for delay in range(10):
        with subprocess.Popen([sys.executable, "-c", source, str(target)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # written once: the kill falls into a rewriting
            time.sleep(delay * 0.003)
            process.send_signal(signal.SIGKILL)
            process.stdout.read()
        assert target.read_bytes() in (b"a" * 4_000_000, b"b" * 4_000_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=6))
def test_jsonl_round_trip(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("jsonl") / "x.jsonl"
    assert write_jsonl(path, rows) == len(rows)
    assert list(read_jsonl(path)) == rows


def test_jsonl_keeps_what_other_splitters_break(tmp_path):
    rows = [{"text": "line\u2028separator \x85 \x0b 你好"}, {"text": "half an emoji \ud83d"}]
    write_jsonl(tmp_path / "x", rows)
    assert list(read_jsonl(tmp_path / "x")) == rows
    assert "你好" in (tmp_path / "x").read_text(encoding="utf-8")


def test_jsonl_skips_blank_lines_and_a_byte_order_mark(tmp_path):
    (tmp_path / "x").write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"a": 2}')
    assert list(read_jsonl(tmp_path / "x")) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": ', r"not JSON \(Expecting value at column 7\)"),
        (b"[1, 2]", r"list '\[1, 2\]'; expected an object"),
        (b"null", "NoneType 'null'; expected an object"),
        (b'{"a": "\xff"}', r"not UTF-8 \(byte 0xff at 8\)"),
        (b"[" * 200_000, "unreadable JSON"),
        (b"9" * 5_000, "unreadable JSON"),
    ],
    ids=["cut", "list", "null", "not-utf8", "deep", "long-number"],
)
def test_a_bad_line_is_named_with_its_reason(tmp_path, line, reason):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"fine": 1}\n\n' + line + b"\n")
    rows = read_jsonl(path)
    assert next(rows) == {"fine": 1}
    with pytest.raises(BadLine, match=f"x.jsonl:3: {reason}"):
        next(rows)


def test_write_jsonl_refuses_nan_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "x"
    write_jsonl(path, [{"old": 1}])
    with pytest.raises(ValueError, match="Out of range float"):
        write_jsonl(path, [{"fine": 1}, {"loss": float("nan")}])
    assert json.loads(path.read_text()) == {"old": 1}


@pytest.mark.parametrize("inside", ["a", "a/b.txt", "./a/../b", "a/../../root/b"])
def test_confined_lets_the_inside_pass(tmp_path, inside):
    root = tmp_path / "root"
    root.mkdir()
    assert confined(root, inside) == (root / inside).resolve()
    assert confined(root, root / "x") == root.resolve() / "x"  # an absolute path that lies inside


@pytest.mark.parametrize("outside", ["..", ".", "", "a/..", "../x", "a/../../x", "/etc/passwd", "../root-2/x", "a\0b"])
def test_confined_stops_the_outside(tmp_path, outside):
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(PathOutside):
        confined(root, outside)


@posix
def test_confined_follows_links(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "in").symlink_to(root / "target")
    (root / "loop").symlink_to(root / "loop")
    assert confined(root, "in/x") == root.resolve() / "target" / "x"
    with pytest.raises(PathOutside):
        confined(root, "out/x")


@posix
@given(parts=st.lists(st.sampled_from(["..", ".", "a", "b", "root", "/"]), max_size=8))
def test_confined_agrees_with_the_meaning_of_the_path(parts, tmp_path_factory):
    root = tmp_path_factory.getbasetemp().resolve() / "root"
    path = "/".join(parts)
    meant = os.path.normpath(os.path.join(root, path))
    if meant.startswith(f"{root}{os.sep}"):
        assert os.fspath(confined(root, path)) == meant
    else:
        with pytest.raises(PathOutside):
            confined(root, path)


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")  # the example of FIPS 180-2
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256_file(tmp_path / "x") == expected


HOLDER = """
import sys, time
from tiny_shared.files import only_one
with only_one(sys.argv[1], "training"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_process_until_it_dies(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another process is training here"), only_one(tmp_path / "run", "training"):
            pass
        holder.kill()
    with only_one(tmp_path / "run", "training"):
        pass
