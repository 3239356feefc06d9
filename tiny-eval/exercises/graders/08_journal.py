"""Compare with tiny_eval.running.journal.Journal, on journals cut off at random places."""

import json
import random
import tempfile
from pathlib import Path
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_eval.running.journal import Journal


def check(answer: ModuleType) -> None:
    rng = random.Random(8)
    for _ in range(60):
        keys = [f"k{number}" for number in range(rng.randrange(1, 12))]
        lines = [json.dumps({"key": key}) for key in keys]
        lines += [
            json.dumps({"key": key, "answer": f"回答 {key}"}, ensure_ascii=False) for key in keys if rng.random() < 0.6
        ]
        data = "".join(line + "\n" for line in lines).encode()
        data = data[: rng.choice([len(data), rng.randrange(len(data) + 1)])]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "journal")
            path.write_bytes(data)
            known = Journal(path).read()
        expected = (known.answers, known.sent - known.answers.keys())
        expect(f"read_journal({data!r})", answer.read_journal(data), expected)
