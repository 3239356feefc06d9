"""The Makefiles, run by the real make; the Python of their VENV is a script that writes down how it was called."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs make and a POSIX shell")

FAKE_PYTHON = """\
#!/bin/sh
case "$*" in
  *"config list"*) cat "{config}" ;;
  *) echo "$(basename "$PWD"): $*" >> "{calls}" ;;
esac
"""
INSTALL = "-m pip install --disable-pip-version-check"
CONSTRAINED = "-c ../shared/constraints.txt"
CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"


@dataclass
class Place:
    """A repository with one toy track, in a folder with a space in its name."""

    root: Path

    def make(self, *arguments: str, at: str = "tiny-toy", **variables: str) -> subprocess.CompletedProcess[str]:
        hidden = ("MAKEFLAGS", "MAKELEVEL", "VENV", "PYTHON")
        environment = {name: value for name, value in os.environ.items() if name not in hidden and "UV_" not in name}
        environment |= {"PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"} | variables
        command = ["make", "-C", str(self.root / at), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")

    def calls(self) -> list[str]:
        """The calls of the fake Python since the last look, `folder: arguments`."""
        path = self.root / "calls.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def script(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


@pytest.fixture
def place(root: Path, tmp_path: Path) -> Place:
    here = tmp_path / "my projects"
    for name in ("Makefile", "shared/track.mk", "shared/constraints.txt"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, here / name)
    (here / "tests").mkdir()
    (here / "tiny-toy").mkdir()
    shutil.copy2(next(root.glob("*/Makefile")), here / "tiny-toy" / "Makefile")
    for name in ("requirements.txt", "requirements-dev.txt", "main.py"):
        (here / "tiny-toy" / name).write_text("numpy\n", encoding="utf-8")
    (here / "tests" / "requirements-dev.txt").touch()
    (here / "shared" / "pyproject.toml").touch()
    (here / "config.txt").touch()
    place = Place(here)
    fake = FAKE_PYTHON.format(config=here / "config.txt", calls=here / "calls.txt")
    for venv in ("tiny-toy/.venv", ".venv", "elsewhere"):
        place.script(f"{venv}/bin/python", fake)
    return place


def test_universe_installs_and_hands_its_arguments_on(place):
    assert place.make("universe", "ARGS=--seed 3 --docs 'my notes'", at=".").returncode == 0
    loop = r"-m universe\.child \d+ \.venv/bin/python -m universe"  # with make's number, to end with it
    assert re.fullmatch(rf"my projects: {loop} --seed 3 --docs my notes", place.calls()[-1])


def test_demo_installs_once_from_inside_the_track_and_only_what_it_needs(place):
    assert place.make("demo").returncode == 0
    installed = f"tiny-toy: {INSTALL} -r requirements.txt {CONSTRAINED}"
    assert place.calls() == [installed, "tiny-toy: main.py"]
    place.make("demo")
    assert place.calls() == ["tiny-toy: main.py"]


def test_test_installs_the_dev_requirements_and_passes_arguments_on(place):
    place.make("test", "ARGS=-k name")
    assert place.calls() == [
        f"tiny-toy: {INSTALL} -r requirements-dev.txt {CONSTRAINED}",
        "tiny-toy: -m pytest tests -k name",
    ]


@pytest.mark.parametrize(
    ("goal", "changed"),
    [
        ("setup", "tiny-toy/requirements.txt"),
        ("setup-dev", "tiny-toy/requirements.txt"),
        ("setup-dev", "tiny-toy/requirements-dev.txt"),
        ("setup", "shared/constraints.txt"),
        ("setup", "shared/pyproject.toml"),
    ],
)
def test_a_changed_requirement_is_installed_again(place, goal, changed):
    place.make(goal)
    stamp = next((place.root / "tiny-toy" / ".venv").glob(".installed-*"))
    place.calls()
    later = stamp.stat().st_mtime + 10
    os.utime(place.root / changed, (later, later))
    place.make(goal)
    assert len(place.calls()) == 1


def test_two_installations_never_run_at_once(place):
    slow = f'#!/bin/sh\necho start >> "{place.root}/calls.txt"; sleep 0.3; echo end >> "{place.root}/calls.txt"\n'
    place.script("tiny-toy/.venv/bin/python", slow)
    place.make("-j4", "setup", "setup-dev")
    calls = place.calls()
    assert len(calls) >= 4
    assert calls == ["start", "end"] * (len(calls) // 2)


def test_a_failed_installation_is_tried_again(place):
    python = place.root / "tiny-toy/.venv/bin/python"
    right = python.read_text(encoding="utf-8")
    python.write_text(right + "exit 1\n", encoding="utf-8")
    assert place.make("demo").returncode != 0
    python.write_text(right, encoding="utf-8")
    place.calls()
    assert place.make("demo").returncode == 0
    assert len(place.calls()) == 2


@pytest.mark.parametrize("venv", ["../elsewhere", "{root}/elsewhere"])
def test_venv_is_honoured(place, tmp_path, venv):
    plain = tmp_path / "plain"  # make cannot take an absolute path with a space as a target
    shutil.move(place.root, plain)
    moved = Place(plain)
    moved.script("elsewhere/bin/python", FAKE_PYTHON.format(config=plain / "config.txt", calls=plain / "calls.txt"))
    shutil.rmtree(plain / "tiny-toy" / ".venv")
    assert moved.make("demo", VENV=venv.format(root=plain)).returncode == 0
    assert len(moved.calls()) == 2
    assert not (plain / "tiny-toy" / ".venv").exists()


@pytest.mark.parametrize(
    ("requirement", "system", "config", "variables", "added"),
    [
        ("torch>=2", "Linux", "", {}, True),
        ("numpy", "Linux", "", {}, False),
        ("torch>=2", "Darwin", "", {}, False),
        ("torch>=2", "Linux", "global.index-url='https://mirror.example.org'", {}, False),
        ("torch>=2", "Linux", ":env:.find-links='/wheels'", {}, False),
        ("torch>=2", "Linux", "install.no-index='true'", {}, False),
        ("torch>=2", "Linux", "global.timeout='60'", {}, True),
        ("torch>=2", "Linux", "", {"UV_INDEX_URL": "https://mirror.example.org"}, False),
    ],
)
def test_the_cpu_index_is_added_on_linux_for_torch_unless_an_index_is_set_up(
    place, requirement, system, config, variables, added
):
    place.script("bin/nvidia-smi", "#!/bin/sh\nexit 9\n")
    place.script("bin/uname", f"#!/bin/sh\necho {system}\n")
    (place.root / "tiny-toy" / "requirements.txt").write_text(f"{requirement}\n", encoding="utf-8")
    (place.root / "config.txt").write_text(f"{config}\n", encoding="utf-8")
    place.make("setup", **variables)
    (call,) = place.calls()
    assert (CPU_INDEX in call) == added


def test_a_machine_with_an_nvidia_gpu_gets_the_default_torch(place):
    place.script("bin/nvidia-smi", "#!/bin/sh\nexit 0\n")
    place.script("bin/uname", "#!/bin/sh\necho Linux\n")
    (place.root / "tiny-toy" / "requirements.txt").write_text("torch\n", encoding="utf-8")
    place.make("setup")
    (call,) = place.calls()
    assert CPU_INDEX not in call


def test_the_first_python_that_is_new_enough_creates_the_environment(place):
    shutil.rmtree(place.root / "tiny-toy" / ".venv")
    place.script("bin/old", "#!/bin/sh\nexit 1\n")
    new = '#!/bin/sh\n[ "$1 $2" != "-m venv" ] || { mkdir -p "$3/bin" && cp ../elsewhere/bin/python "$3/bin/"; }\n'
    place.script("bin/new", new)
    failed = place.make("setup", "PYTHON=old absent")
    assert failed.returncode != 0
    assert "error: none of 'old absent' is Python 3.11 or newer" in failed.stderr
    assert "make PYTHON=/path/to/python3.12 setup" in failed.stderr
    assert place.make("setup", "PYTHON=old new").returncode == 0
    assert len(place.calls()) == 1


def test_an_environment_that_was_half_created_is_created_again(place):
    shutil.rmtree(place.root / "tiny-toy" / ".venv")
    copy = 'mkdir -p "$3/bin" && cp ../elsewhere/bin/python "$3/bin/"'
    create = f'#!/bin/sh\n[ "$1 $2" != "-m venv" ] || {{{{ {copy}; {{then}} }}}}\n'
    place.script("bin/half", create.format(then="exit 1;"))
    place.script("bin/whole", create.format(then="echo whole;"))
    assert place.make("setup", "PYTHON=half").returncode != 0
    assert "whole" in place.make("setup", "PYTHON=whole").stdout.splitlines()


def test_without_shared_the_one_command_is_named(place):
    shutil.rmtree(place.root / "shared")
    failed = place.make("demo")
    assert failed.returncode != 0
    assert "bring it with: git sparse-checkout add shared" in failed.stderr


@pytest.mark.parametrize(("jobs", "venv"), [((), None), (("-j4",), "elsewhere")])
def test_the_root_loops_over_the_tracks_with_one_environment(place, jobs, venv):
    shutil.rmtree(place.root / "tiny-toy" / ".venv")
    arguments = [*jobs, "demo", *([f"VENV={venv}"] if venv else [])]
    done = place.make(*arguments, at=".")
    assert done.returncode == 0, done.stderr
    assert place.calls() == [f"tiny-toy: {INSTALL} -r requirements.txt {CONSTRAINED}", "tiny-toy: main.py"]
    assert (place.root / (venv or ".venv") / ".installed-tiny-toy-requirements.txt").exists()
    assert not (place.root / "tiny-toy" / ".venv").exists()


def test_the_root_tests_every_part_and_stops_at_the_first_that_fails(place):
    assert place.make("test", at=".").returncode == 0
    calls = place.calls()
    assert calls[0] == f"tiny-toy: {INSTALL} -r requirements.txt {CONSTRAINED}"  # test_independence runs the demo
    tested = [call for call in calls if "pytest" in call]
    assert tested == ["my projects: -m pytest shared", "my projects: -m pytest tests", "tiny-toy: -m pytest tests"]
    python = place.root / ".venv" / "bin" / "python"
    failing = python.read_text(encoding="utf-8") + 'case "$*" in *"pytest shared"*) exit 1 ;; esac\n'
    python.write_text(failing, encoding="utf-8")
    assert place.make("test", at=".").returncode != 0
    assert [call for call in place.calls() if "pytest" in call] == ["my projects: -m pytest shared"]


def test_clean_leaves_a_foreign_environment_alone(place):
    (place.root / "tiny-toy" / "TUTORIAL.ipynb").touch()
    place.make("clean", "VENV=../elsewhere")
    assert (place.root / "elsewhere" / "bin" / "python").exists()
    assert {path.name for path in (place.root / "tiny-toy").iterdir()} == {
        "Makefile", "main.py", "requirements.txt", "requirements-dev.txt"
    }  # fmt: skip


@pytest.mark.parametrize("at", [".", "tiny-toy"])
def test_help_is_the_default_and_names_every_command(place, at):
    printed = place.make(at=at).stdout
    commands = ["setup", "demo", "test", "lint", "bench", "exercises", "notebook", "tutorial-update", "docker", "clean"]
    assert [command for command in commands if f"make {command} " not in printed] == []
