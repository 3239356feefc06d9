"""`import tiny_eval` and its metrics cost nothing; jieba comes when Chinese is scored, with a private cache."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_eval

TRACK = Path(__file__).resolve().parent.parent
HEAVY = "{'jieba', 'numpy', 'scipy', 'torch', 'openai', 'requests', 'tiny_shared', 'nltk', 'rouge', 'rapidfuzz'}"
LOADED = f"import sys; print(sorted({HEAVY} & set(sys.modules)))"


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TRACK,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_nothing_heavy_is_imported():
    assert run(f"import tiny_eval; from tiny_eval.metrics import SCORERS; {LOADED}") == "[]"


def test_english_is_scored_without_jieba():
    names = ["qa_f1", "rouge_l_pip", "rouge_l_google_stem", "code_sim", "exact_match_zh"]
    scored = f"for name in {names}: SCORERS[name]('a 词', ['b'])"
    assert run(f"from tiny_eval.metrics import SCORERS\n{scored}\n{LOADED}") == "[]"


def test_chinese_loads_jieba_with_its_cache_in_a_private_folder(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    code = f"from tiny_eval.metrics import SCORERS; print(SCORERS['qa_f1_zh']('图书馆在北边', ['图书馆'])); {LOADED}"
    places = dict.fromkeys(("XDG_CACHE_HOME", "LOCALAPPDATA"), str(tmp_path / "cache"))
    printed = run(code, **places, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)))
    assert printed.splitlines() == ["0.5", "['jieba']"]
    assert list(temporary.iterdir()) == []
    [folder] = (tmp_path / "cache").rglob("jieba")
    assert [path.name for path in folder.iterdir()] == ["jieba.cache"]
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700


def test_modules_load_when_they_are_first_used():
    assert run("import tiny_eval; print(tiny_eval.metrics.SCORERS['exact_match']('a', ['A']))") == "1.0"
    with pytest.raises(AttributeError, match="no attribute 'metric'"):
        _ = tiny_eval.metric


def test_there_is_one_class_for_what_the_user_can_put_right():
    defined = [
        path.relative_to(TRACK).as_posix()
        for path in (TRACK / "tiny_eval").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == "EvalProblem"
    ]
    assert defined == ["tiny_eval/problem.py"]
    assert not hasattr(tiny_eval, "EvalProblem")
