"""How often the small model is exactly right, through the loop and real tools: python -m training.measure [--model DIR]

500 questions in each language with numbers and names that it has not seen, and 500 put in words that it has not seen.
The notes of a question are written into a folder, so looking up is done for real.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path

from tiny_agent.loop import Limits, run
from tiny_agent.offline.model import FOLDER, OfflineModel
from tiny_agent.tools.shipped import shipped_tools
from training.questions import Example, examples


def measure(model: OfflineModel, asked: list[Example]) -> dict[str, object]:
    """Shares of questions with the right first call and the right final answer; and characters a second."""
    right, calls, by_kind, written = 0, 0, Counter[str](), 0
    wrong: list[dict[str, str]] = []
    start = time.perf_counter()
    for example in asked:
        with tempfile.TemporaryDirectory() as folder:
            told = example.steps[0][1]
            if example.kind == "notes":
                name, line, text = told.split(":", 2)
                Path(folder, name).write_text("\n" * (int(line) - 1) + text.strip() + "\n", encoding="utf-8")
            result = run(example.question, model, shipped_tools(Path(folder), python=False), "react", Limits(steps=4))
        first = result.steps[0].turn.reply.text if result.steps else ""
        calls += first == example.steps[0][0]
        good = result.answer == example.answer
        right += good
        by_kind[example.kind] += good
        written += result.usage.completion_tokens
        if not good and len(wrong) < 20:
            wrong.append(
                {"question": example.question, "answer": result.answer, "wanted": example.answer, "first": first}
            )
    kinds = Counter(example.kind for example in asked)
    return {"questions": len(asked), "answers": right / len(asked), "first_calls": calls / len(asked),
            "by_kind": {kind: by_kind[kind] / kinds[kind] for kind in kinds},
            "characters_a_second": round(written / (time.perf_counter() - start)), "wrong": wrong}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the small model on questions that it has not seen.")
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--questions", type=int, default=500)
    args = parser.parse_args()
    model = OfflineModel(args.model)
    for held, what in ((False, "numbers and names"), (True, "words")):
        for chinese in (False, True):
            asked = list(islice(examples("test", chinese, held), args.questions))
            print(json.dumps({"unseen": what, "language": "zh" if chinese else "en", **measure(model, asked)},
                             ensure_ascii=False), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
