"""The guarded child: what it may not do to its parent, and what it may not know."""

import os
import subprocess
import sys

import pytest

from hostile import SENTENCE, text_pdf
from tiny_rag import readers
from tiny_rag.readers import Quarantined, ReadError, guard, read_all
from tiny_rag.readers.guard import Guard

SCRIPT = "import sys; header = sys.stdin.buffer.readline(); out = sys.stdout.buffer\n"


@pytest.fixture
def child(tmp_path, monkeypatch):
    """A Guard over a child that misbehaves as the given lines of Python do."""

    def make(lines: str) -> Guard:
        worker = tmp_path / "worker.py"
        worker.write_text(SCRIPT + lines, encoding="utf-8")
        monkeypatch.setattr(guard, "WORKER", worker)
        return Guard()

    return make


def test_one_child_serves_many_files_and_is_gone_at_the_end():
    with Guard() as guarded:
        children = set()
        for _ in range(3):
            assert guarded.parse("html", b"<p>fog", "a.html", 30)[0].text == "fog"
            children.add(guarded._child)
        with pytest.raises(ReadError, match="no visible text"):
            guarded.parse("html", b"<p>", "b.html", 30)
        children.add(guarded._child)
    assert len(children) == 1  # an honest refusal harms nothing
    child = children.pop()
    assert child is not None and child.poll() is not None


def test_a_child_that_hangs_is_killed_and_replaced(child, monkeypatch):
    guarded = child("import time; time.sleep(600)")
    with guarded:
        with pytest.raises(ReadError, match=r"got nowhere in 0\.5 s"):
            guarded.parse("html", b"<p>fog", "a.html", 0.5)
        assert guarded._child is None
        monkeypatch.undo()
        assert guarded.parse("html", b"<p>fog", "a.html", 30)[0].text == "fog"


def test_a_child_that_never_reads_does_not_block_the_writer(child):
    """The file is larger than any pipe's buffer, so the parent is stuck in writing when the clock runs out."""
    with child("import time; time.sleep(600)") as guarded, pytest.raises(ReadError, match="got nowhere"):
        guarded.parse("html", b"x" * 3_000_000, "a.html", 0.5)


def test_a_child_that_dies_is_named(child):
    with child("import os; os.abort()") as guarded, pytest.raises(ReadError, match="the parser died"):
        guarded.parse("html", b"<p>fog", "a.html", 30)


def test_a_child_that_babbles_is_stopped(child, monkeypatch):
    monkeypatch.setattr(guard, "MOST_ANSWER", 1_000_000)
    with child("while True: out.write(b'x' * 4096)") as guarded, pytest.raises(ReadError, match="of text"):
        guarded.parse("html", b"<p>fog", "a.html", 30)


def test_progress_earns_time_but_not_for_ever(child, monkeypatch):
    ticks = "import time\nfor _ in range({}): time.sleep(0.2); out.write(b'{{\"tick\": 1}}\\n'); out.flush()\n"
    done = "out.write(b'{\"done\": 1}\\n'); out.flush(); time.sleep(600)"
    with child(ticks.format(8) + done) as guarded:
        assert guarded.parse("pypdf", b"", "a.pdf", 1.0, 20.0) == []  # 1.6 s in all
    slow = r"no further than \d+ pages in 1 s and was stopped"
    with child(ticks.format(10_000)) as guarded, pytest.raises(ReadError, match=slow):
        guarded.parse("pypdf", b"", "a.pdf", 1.0, 0.01)
    monkeypatch.setattr(guard, "LONGEST", 1.5)
    with child(ticks.format(10_000)) as guarded, pytest.raises(ReadError, match=r"no further than \d+ pages in 1\.5 s"):
        guarded.parse("pypdf", b"", "a.pdf", 1.0, 20.0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to limits on memory")
def test_memory_is_limited():
    with Guard() as guarded, pytest.raises(ReadError, match="1024 MB of memory"):
        guarded.parse("json", b"[" + b"[]," * 16_000_000 + b"[]]", "a.json", 60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no limit on processor time")
def test_processor_time_is_limited_even_without_a_parent():
    """The child itself asks the kernel: nobody waits for this one, and it ends all the same."""
    code = f"import sys; sys.path.insert(0, {os.getcwd()!r}); sys.path.insert(0, {str(guard.WORKER.parents[2])!r})\n"
    code += "from tiny_rag.readers.worker import limit; limit(0)\nwhile True: pass"
    ended = subprocess.run([sys.executable, "-I", "-c", code], timeout=60)
    assert ended.returncode == -24  # SIGXCPU


def test_secrets_and_python_settings_do_not_reach_the_child(child, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    lines = (
        "import json, os; seen = [name for name in os.environ if name in ('OPENAI_API_KEY', 'PYTHONPATH', 'HOME')]\n"
        "out.write(json.dumps({'error': f'{seen} {sys.flags.isolated}'}).encode() + b'\\n'); out.flush()"
    )
    with child(lines) as guarded, pytest.raises(ReadError, match=r"^\[\] 1$"):
        guarded.parse("html", b"", "a.html", 30)


def test_what_a_library_prints_reaches_nobody(tmp_path, capfd):
    """pypdf warns about this file on stderr; the child keeps it to itself."""
    broken = text_pdf(SENTENCE).replace(b"startxref\n", b"startxref\n1")
    (tmp_path / "a.pdf").write_bytes(broken)
    list(read_all(tmp_path))
    assert capfd.readouterr() == ("", "")


def test_a_second_opinion_gets_only_the_time_that_is_left(tmp_path, monkeypatch):
    (tmp_path / "a.pdf").write_bytes(text_pdf(SENTENCE))
    given = []

    def failing(self, kind, data, source, seconds, seconds_per_page=0.0):
        given.append((kind, seconds))
        raise ReadError("made to fail")

    monkeypatch.setattr(Guard, "parse", failing)
    clock = iter([0.0, 7.0, 0.0, 8.9])
    monkeypatch.setattr(readers.time, "monotonic", lambda: next(clock))
    (item,) = read_all(tmp_path)
    assert given == [("pypdf", readers.SECONDS), ("PyPDF2", readers.SECONDS_OF_BOTH - 7)]
    (item,) = read_all(tmp_path)
    assert given[2:] == [("pypdf", readers.SECONDS)]
    assert isinstance(item, Quarantined) and item.reason == "pypdf: made to fail; no time was left for a second opinion"


def test_the_second_opinion_is_used_and_noted(tmp_path, monkeypatch):
    """pypdf is made to fail: the child that would run it is told another name."""
    (tmp_path / "a.pdf").write_bytes(text_pdf(SENTENCE))
    parse = Guard.parse

    def failing(self, kind, *rest):
        if kind == "pypdf":
            raise ReadError("made to fail")
        return parse(self, kind, *rest)

    monkeypatch.setattr(Guard, "parse", failing)
    (document,) = readers.read(tmp_path / "a.pdf")
    assert document.text == SENTENCE and document.metadata["engine"] == "PyPDF2"
    assert document.notes == ("read by PyPDF2, because pypdf failed: made to fail",)
