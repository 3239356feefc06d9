"""Make the two prediction files, and the broken ones for `doctor`: python make_samples.py [--check].

The questions are about an observatory that doesn't exist: 30 texts, four questions to a text. Heron and Wren are two
invented models: each row's answer is drawn, with a fixed seed, from what models do: the right words, the right words in
a sentence, a part of them, a wrong one, a refusal. A text that a model misread spoils all its questions, as with real
models, so the four questions to a text aren't four witnesses.
"""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEXTS, SEED = 30, 7
NAMES = ("Ada Quill", "Bruno Tark", "Celia Roe", "Dorin Vale", "Edda Marsh", "Finn Okoro", "Greta Sand", "Hugo Lint")
PLACES = ("the east dome", "the west dome", "the clock room", "the mirror shop", "the lantern stair", "the archive")
THINGS = ("a brass sextant", "a spare mirror", "the night log", "a box of filters", "the weather drum")
MONTHS = ("January", "March", "May", "August", "October", "December")
KINDS = ("person", "place", "thing", "date")
# how often each model gives: the bare answer, a sentence with it, half of it, a wrong one, a refusal
HABITS = {"heron": (0.40, 0.30, 0.12, 0.16, 0.02), "wren": (0.30, 0.33, 0.15, 0.20, 0.02)}
MISREADS = 0.15


def answer(kind: str, chance: random.Random) -> str:
    if kind == "person":
        return chance.choice(NAMES)
    if kind == "place":
        return chance.choice(PLACES)
    if kind == "thing":
        return chance.choice(THINGS)
    return f"{chance.randint(2, 28)} {chance.choice(MONTHS)} {chance.randint(1931, 1989)}"


def sentence(kind: str, words: str) -> str:
    frames = {
        "person": f"It was {words} who kept the key.",
        "place": f"They kept it in {words}.",
        "thing": f"In the cupboard lay {words}.",
        "date": f"This happened on {words}.",
    }
    return frames[kind]


def half(words: str) -> str:
    parts = words.split()
    return parts[-1] if len(parts) < 3 else " ".join(parts[-2:])


def questions() -> list[dict[str, object]]:
    chance = random.Random(SEED)
    rows: list[dict[str, object]] = []
    for text in range(1, TEXTS + 1):
        for kind in KINDS:
            words = answer(kind, chance)
            answers = [words]
            if kind == "date":
                day, month, year = words.split()
                answers.append(f"{month} {day}, {year}")  # both ways to write a date are right
            rows.append({"id": f"t{text:02}-{kind}", "answers": answers, "document": f"text-{text:02}", "kind": kind})
    return rows


def predictions(model: str) -> list[dict[str, object]]:
    chance = random.Random(f"{SEED}-{model}")
    written = []
    misread = {f"text-{text:02}": chance.random() < MISREADS for text in range(1, TEXTS + 1)}
    for row in questions():
        kind, right = str(row["kind"]), str(row["answers"][0])  # type: ignore[index]
        wrong = right
        while wrong == right:
            wrong = answer(kind, chance)
        (habit,) = chance.choices(range(5), HABITS[model])
        if misread[str(row["document"])]:
            habit = 3
        pred = (right, sentence(kind, right), half(right), wrong, "The text does not say.")[habit]
        fields = {name: value for name, value in row.items() if name != "kind"}
        written.append({"id": fields.pop("id"), "pred": pred, **fields})
    return written


def jsonl(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def broken() -> dict[str, str]:
    """What goes wrong with prediction files, one file each; none has ids, as LongBench writes them."""
    rows = [{"pred": row["pred"], "answers": row["answers"], "all_classes": None, "length": 900 + 7 * i}
            for i, row in enumerate(predictions("wren")[:12])]  # fmt: skip
    drifted = predictions("wren")[:6]
    drifted.append({**drifted[2], "answers": ["something else"]})
    return {
        "twice.jsonl": jsonl(rows + rows),  # the run was started again, and appended
        "resumed.jsonl": jsonl(rows[:5] + rows),  # it was stopped after five rows, and started again from the top
        "cut.jsonl": jsonl(rows[:5]) + json.dumps(rows[5])[:40],  # killed while it wrote
        "empty.jsonl": jsonl([{**row, "pred": ""} if i % 2 else row for i, row in enumerate(rows)]),
        "drifted.jsonl": jsonl(drifted),  # one id, two references
        "failed.jsonl": jsonl([{**rows[0], "pred": None, "error": "connection reset"},
                               {**rows[1], "finish_reason": "length"},
                               {**rows[2], "pred": "<think>The text says that the key"}, *rows[3:6]]),
        "result.json": json.dumps({"twice": 71.25}, indent=2) + "\n",  # a published score that twice.jsonl doesn't give
    }  # fmt: skip


def main() -> int:
    files = {f"{model}.jsonl": jsonl(predictions(model)) for model in HABITS}
    files |= {f"broken/{name}": text for name, text in broken().items()}
    stale = []
    for name, text in files.items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            stale += [name] if not path.exists() or path.read_text(encoding="utf-8") != text else []
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode("utf-8"))  # bytes: line ends stay \n on Windows
    if stale:
        print(f"error: {', '.join(stale)} differ from what this script makes; run it without --check", file=sys.stderr)
    return 2 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
