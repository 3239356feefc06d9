"""Rules that ruff and mypy don't know, read off the syntax tree of every Python file that ships.

    everywhere    no pickle, no eval or exec, no shell, no torch.load without weights_only=True
    tracks        none imports another; the core (the track's package) imports no plumbing, it takes it as arguments
    every file    smaller than 5 MB

Run from the repository's root: python -m tools.check_code
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.shipped import shipped_files, tracks

LARGEST = 5_000_000  # bytes
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
PLUMBING = {"tiny_shared", "argparse", "logging", "openai", "requests", "httpx", "socket", "urllib.request"}
NOT_CORE = {"tests", "benchmarks", "exercises", "sample", "docs", "figures", "training"}


def problems(root: Path) -> list[str]:
    files = shipped_files(root)
    found = [f"{path.as_posix()}: {size:,} bytes; the limit is {LARGEST:,}" for path in files
             if (size := (root / path).stat().st_size) >= LARGEST]  # fmt: skip
    packages = {track: _packages(files, track) for track in tracks(root)}
    for path in files:
        if path.suffix != ".py":
            continue
        try:
            tree = ast.parse((root / path).read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            found.append(f"{path.as_posix()}: not Python ({error})")
            continue
        own = packages.get(path.parts[0], set())
        foreign = set().union(*packages.values()) - own
        is_core = len(path.parts) > 2 and path.parts[1] in own
        for line, message in sorted([*_calls(tree), *_imports(tree, foreign, is_core)]):
            found.append(f"{path.as_posix()}:{line}: {message}")
    return found


def _packages(files: list[Path], track: str) -> set[str]:
    """Names under which the track's own folders of Python files are imported."""
    return {
        path.parts[1] for path in files if path.parts[0] == track and len(path.parts) > 2 and path.suffix == ".py"
    } - NOT_CORE


def _imports(tree: ast.Module, foreign: set[str], is_core: bool) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if _within(name, PICKLES):
                yield node.lineno, f"imports {name}; a pickle runs code when it is read: use JSON, npy or safetensors"
            if _within(name, foreign):
                yield node.lineno, f"imports {name} of another track; each track must work alone"
            if is_core and _within(name, PLUMBING):
                yield node.lineno, f"core imports {name}; let main.py import it and pass in what the core needs"


def _within(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        given = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
        if function.removeprefix("builtins.") in ("eval", "exec"):
            yield node.lineno, f"calls {function}; parse the text (json.loads, ast.literal_eval) instead"
        if given.get("shell", "False") != "False" or function in ("os.system", "os.popen"):
            yield node.lineno, f"{function} starts a shell; pass a list of arguments to subprocess.run"
        if function == "torch.load" and given.get("weights_only") != "True":
            yield node.lineno, "torch.load without weights_only=True reads pickles; use safetensors"
        if given.get("allow_pickle", "False") != "False":
            yield node.lineno, f"{function} with allow_pickle reads pickles; store plain arrays"


def main() -> int:
    found = problems(Path.cwd())
    print("\n".join(found) or "code: nothing forbidden")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
