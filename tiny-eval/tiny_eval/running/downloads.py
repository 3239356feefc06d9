"""Published benchmarks whose licence lets everybody fetch them: where they are, and under which terms."""

from dataclasses import dataclass
from difflib import get_close_matches

from tiny_eval.problem import EvalProblem

GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Published:
    """One file; the key in FILES is the task that reads it."""

    url: str
    file: str
    licence: str
    about: str


FILES = {
    "gsm8k": Published(
        f"{GITHUB}/openai/grade-school-math/master/grade_school_math/data/test.jsonl", "gsm8k-test.jsonl",
        "MIT", "1,319 school word problems, OpenAI 2021",
    ),
    "humaneval": Published(
        f"{GITHUB}/openai/human-eval/master/data/HumanEval.jsonl.gz", "HumanEval.jsonl.gz",
        "MIT", "164 Python functions with tests, OpenAI 2021",
    ),
    "gaokao": Published(
        f"{GITHUB}/OpenLMLab/GAOKAO-Bench/main/Data/Objective_Questions/2010-2022_Math_I_MCQs.json",
        "2010-2022_Math_I_MCQs.json", "Apache-2.0", "choice questions in maths of the Chinese entrance examination",
    ),
}  # fmt: skip


def published(name: str) -> Published:
    if name not in FILES:
        close = get_close_matches(name, FILES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(FILES)}; others you fetch yourself"
        raise EvalProblem(f"no download is called {name!r}; {hint}")
    return FILES[name]
