"""The habits of the command line: one line, the right exit code, JSON that is JSON, in any locale."""

import argparse
import errno
import json
import os
import signal
import subprocess
import sys
import types
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tiny_shared import UserError, cli


class CoreError(Exception):
    """An error of a track's own core."""


def program(action):
    """A parser with one sub-command `go` that calls `action(args)`."""
    parser = cli.Parser(prog="main.py", description="a program")
    parser.set_defaults(run=lambda args: print("demo"))
    go = parser.add_subparsers().add_parser("go")
    go.add_argument("-k", type=int, default=5)
    cli.add_json(go)
    cli.add_seed(go)
    cli.add_device(go)
    go.set_defaults(run=action)
    return parser


def failing(error):
    def action(args):
        raise error

    return program(action)


def test_no_argument_runs_the_demo(capsys):
    assert cli.run(program(None), []) == 0
    assert capsys.readouterr() == ("demo\n", "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("no store; make one"), 2, "error: no store; make one"),
        (UserError("two\n  lines;\tdo this"), 2, "error: two lines; do this"),
        (CoreError("bad; fix it"), 2, "error: bad; fix it"),
        (FileNotFoundError(errno.ENOENT, "x", "a b"), 2, "error: no such file or folder: 'a b'; check the path"),
        (PermissionError(errno.EACCES, "x", "p"), 2, "error: not allowed to open 'p'; check its permissions or"),
        (IsADirectoryError(errno.EISDIR, "x", Path("p")), 2, "error: 'p' is a folder; name a file"),
        (NotADirectoryError(errno.ENOTDIR, "x", "p/q"), 2, "error: a part of 'p/q' is a file, not a folder; check"),
        (FileExistsError(errno.EEXIST, "x", "p"), 2, "error: 'p' exists already; remove it or choose another path"),
        (OSError(errno.ENOSPC, "x"), 2, "error: no space left on the disk; free some and run the same command again"),
        (FileNotFoundError("no path at all"), 1, "error: unexpected FileNotFoundError: no path at all; run again with"),
        (ConnectionResetError(errno.ECONNRESET, "x"), 1, "error: unexpected ConnectionResetError"),
        (ValueError("a bug"), 1, "error: unexpected ValueError: a bug; run again with --debug for the traceback"),
        (ZeroDivisionError(), 1, "error: unexpected ZeroDivisionError: ZeroDivisionError; run again with --debug"),
    ],
)
def test_every_failure_is_one_line_and_a_code(capsys, error, code, line):
    assert cli.run(failing(error), ["go"], user_errors=(CoreError,)) == code
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(line) and err.count("\n") == 1


def test_a_core_error_that_main_does_not_name_is_unexpected():
    assert cli.run(failing(CoreError("x")), ["go"]) == 1


@pytest.mark.parametrize("argv", [["--debug", "go"], ["go", "--debug"]])
@pytest.mark.parametrize(("error", "code"), [(UserError("bad"), 2), (KeyError("bug"), 1)])
def test_debug_shows_the_traceback_before_and_after_the_sub_command(capsys, argv, error, code):
    assert cli.run(failing(error), argv) == code
    err = capsys.readouterr().err
    assert err.startswith("Traceback") and "raise error" in err
    assert "run again with --debug" not in err


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["go", "-k", "x"], "error: argument -k: invalid int value: 'x'; see 'python main.py go --help'\n"),
        (["stop"], "error: argument {go}: invalid choice"),
        (["go", "--see", "1"], "error: unrecognized arguments: --see 1; see 'python main.py --help'\n"),
        (["go", "--seed", "-1"], "error: argument --seed: must be a whole number from 0 to 4294967295 (got '-1')"),
        (["go", "--seed", "4294967296"], "error: argument --seed: must be a whole number"),
        (["go", "--device", "tpu"], "error: argument --device: invalid choice: 'tpu'"),
    ],
)
def test_a_wrong_argument_is_one_line_too(capsys, argv, line):
    assert cli.run(program(None), argv) == 2
    err = capsys.readouterr().err
    assert err.startswith(line) and err.count("\n") == 1


def test_help_is_a_success(capsys):
    assert cli.run(program(None), ["go", "--help"]) == 0
    assert "--seed" in capsys.readouterr().out


def test_arguments_reach_the_action():
    seen: list[Any] = []
    assert cli.run(program(seen.append), ["go", "--seed", "4294967295", "--json", "--device", "cpu"]) == 0
    assert (seen[0].seed, seen[0].json, seen[0].device, seen[0].k) == (2**32 - 1, True, "cpu", 5)


def test_ctrl_c_ends_with_130_and_a_next_step(capsys):
    assert cli.run(failing(KeyboardInterrupt()), ["go"]) == 130
    assert "run the same command again" in capsys.readouterr().err


MAIN = """
import sys
from tiny_shared import cli
def action(args): {action}
parser = cli.Parser(prog="main.py")
parser.set_defaults(run=action)
sys.exit(cli.run(parser))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a child process")
def test_a_real_ctrl_c():
    source = MAIN.format(action="import time; print('ready', flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == 130 and b"Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe in another way")
def test_a_reader_that_leaves_is_no_news():
    source = MAIN.format(action="[print('line', i) for i in range(100_000)]")
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe in another way")
def test_a_reader_that_left_before_the_first_line_is_no_news():
    """So little is printed that it is still in the buffer when the command has ended."""
    source = MAIN.format(action="print(input())")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", source], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"one line\n")
        process.stdin.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, b"")


def test_another_broken_pipe_is_an_error(capsys):
    assert cli.run(failing(BrokenPipeError(errno.EPIPE, "a child process died")), ["go"]) == 1


@pytest.mark.parametrize(
    "locale", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_pipes_carry_utf8_in_every_locale(locale):
    action = ascii({"text": "你好 🦙", "name": "caf\udce9"})
    action = f"cli.show({action}, as_json=True); print({'你好'!a}, file=sys.stderr)"
    source, env = MAIN.format(action=action), {**os.environ, **locale}
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8")) == {"text": "你好 🦙", "name": "caf\udce9"}
    assert done.stderr.decode("utf-8").strip() == "你好"


@dataclass
class Hit:
    id: str
    path: Path


class Number:
    """Stands for a NumPy number or array, which turn into plain Python by tolist."""

    def tolist(self):
        return [1.5, 2.5]


def test_show_prints_one_json_document(capsys):
    cli.show([Hit("甲", Path("a", "b")), Number()], as_json=True, text="not this")
    out = capsys.readouterr().out
    assert json.loads(out) == [{"id": "甲", "path": "a/b"}, [1.5, 2.5]]
    assert "甲" in out


def test_show_prints_text(capsys):
    cli.show({"n": 1}, False, "one hit")
    cli.show({"n": 1}, False, lambda: "built only when shown")
    cli.show(["a", 2], False)
    cli.show({"n": 1}, False)
    assert capsys.readouterr().out == "one hit\nbuilt only when shown\na\n2\n{'n': 1}\n"


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_is_no_json_is_not_printed(capsys, value):
    with pytest.raises((ValueError, TypeError)):
        cli.show({"x": value}, as_json=True)
    assert capsys.readouterr().out == ""


def test_progress_yields_everything_and_keeps_quiet_in_a_log(capsys):
    assert list(cli.progress(iter("abc"), total=3, unit="letter", desc="spelling")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_progress_shows_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with cli.progress_bar("spelling", 3, "letter") as bar:
        bar.delay = 0  # a bar that ends within the first tenth of a second is not worth showing
        bar.update(2)
        bar.refresh()
    err = capsys.readouterr().err
    assert "spelling" in err and "2/3" in err and "letter" in err


def test_progress_takes_the_total_from_a_list(monkeypatch):
    totals: list[int | None] = []
    bar = types.SimpleNamespace(update=lambda: None)

    def record(desc, total, unit):
        totals.append(total)
        return nullcontext(bar)

    monkeypatch.setattr(cli, "progress_bar", record)
    assert list(cli.progress(["a", "b"])) == ["a", "b"]
    assert list(cli.progress(iter("ab"))) == ["a", "b"]
    assert totals == [2, None]


def fake_torch(cuda, mps):
    torch: Any = types.ModuleType("torch")
    torch.cuda = types.SimpleNamespace(is_available=lambda: cuda)
    torch.backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps))
    return torch


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "device"),
    [
        (True, False, "auto", "cuda"),
        (False, True, "auto", "mps"),
        (False, False, "auto", "cpu"),
        (True, True, "mps", "mps"),
        (False, True, "cuda", None),
        (True, False, "mps", None),
    ],
)
def test_pick_device(monkeypatch, cuda, mps, name, device):
    monkeypatch.setitem(sys.modules, "torch", fake_torch(cuda, mps))
    if device:
        assert cli.pick_device(name) == device
    else:
        with pytest.raises(UserError, match=f"no {name} device"):
            cli.pick_device(name)


def test_the_cpu_needs_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # import torch would raise
    assert cli.pick_device("cpu") == "cpu"


def test_the_reading_path(tmp_path, capsys):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "one.py").write_text(
        '"""The first idea (Someone 1999).\n\nMore.\n"""\nx = 1\n', encoding="utf-8"
    )
    (tmp_path / "二.md").write_text("# 二\n\n中文\n", encoding="utf-8")
    cli.print_reading_path(tmp_path, ["core/one.py", "二.md"])
    assert capsys.readouterr().out.splitlines() == [
        "    5  core/one.py  The first idea (Someone 1999).",
        "    3  二.md",
        "    8  lines in 2 files, in this order",
    ]
    cli.print_reading_path(tmp_path, ["二.md"], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"files": [{"file": "二.md", "lines": 3, "about": ""}], "lines": 3}
    with pytest.raises(FileNotFoundError):
        cli.print_reading_path(tmp_path, ["gone.py"])


def test_a_count_is_a_whole_number_from_1_up():
    assert [cli.positive(text) for text in ("1", "64")] == [1, 64]
    for text in ("0", "-1", "1.5", "", "many"):
        with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 up"):
            cli.positive(text)
