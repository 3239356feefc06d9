"""Every method of alignment from the same base on the same task, three seeds, and a classifier beside counting words.

The base is trained here: a `nano` model that has read 40,000 chats about sums, six of ten with a wrong answer. The
score is the share of held-out questions that a policy answers rightly, one answer each, drawn at temperature 1; the
interval is Student's, over the seeds, of the difference to the base on the same questions. SFT and LoRA see right
answers; DPO, IPO and the reward model see a right and a wrong one; PPO and GRPO only learn whether their own answers
are right. The reward model begins as the fine-tuned one. The runs are kept in runs/bench-alignment.

Zero-Chatgpt (github.com/AI-Study-Han/Zero-Chatgpt) reports 92% for its reward model, on pairs of its own.

Classification, from the same base: who has the gift in the end, the one named first or the one named second? The same
words in another order have another label. With `--data DIR`: Li Bai or Bai Juyi, by the beginning of the poem, from
DIR/tang_poems.jsonl.gz; the base has never read Chinese.
"""

import gzip
import json
import random
import time
from pathlib import Path

from tiny_shared.benchmarks import command

from benchmarks.trained import TRACK, main_py

KEPT = TRACK / "runs" / "bench-alignment"
AUTHORS = ("李白", "白居易")
SEEDS, METHODS = 3, ("sft", "lora", "dpo", "ipo", "ppo", "grpo")


def run(data: Path | None, scale: float = 1.0) -> str:
    kept = KEPT if scale == 1 else KEPT.with_name(f"bench-alignment-{scale:g}")
    kept.mkdir(parents=True, exist_ok=True)
    took = kept / "seconds.txt"
    start = time.perf_counter()
    more = [] if scale == 1 else ["--steps-factor", f"{scale:g}"]
    main_py("compare-alignment", "--out", kept, "--seeds", str(SEEDS), "--methods", *METHODS, *more)
    if not took.is_file():
        took.write_text(f"{time.perf_counter() - start:.0f}\n", encoding="utf-8")
    lines = [f"`{command('tiny-llama3', 'alignment', data)}`", "", (kept / "comparison.md").read_text("utf-8").rstrip(),
             "", f"All of it, the base's training too, took {int(took.read_text('utf-8')):,} s."]  # fmt: skip
    return "\n".join([*lines, "", *classified(kept, data, scale)])


def classified(kept: Path, data: Path | None, scale: float) -> list[str]:
    lines = ["| texts | to learn from | labels | fine-tuned, accuracy | counting words, accuracy | seconds |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name, path, count in texts(kept, data):
        out = kept / f"classify-{path.stem}"
        shown = out / "shown.json"
        if not shown.is_file():
            steps = max(2, round(400 * scale))
            found = main_py("classify", "--model", kept / "base" / "run", "--data", path, "--out", out,
                            "--steps", str(steps))  # fmt: skip
            shown.write_text(json.dumps(found), encoding="utf-8")
        found = json.loads(shown.read_text(encoding="utf-8"))
        labels = len({json.loads(line)["label"] for line in path.read_text("utf-8").splitlines()})
        counted = found["beside"]["accuracy of counting words"]
        lines.append(f"| {name} | {count:,} | {labels} | **{found['measured']['accuracy']:.1%}** | {counted:.1%} | "
                     f"{found['seconds']:.0f} |")  # fmt: skip
    return lines


def texts(kept: Path, data: Path | None) -> list[tuple[str, Path, int]]:
    gifts = kept / "gifts.jsonl"
    if not gifts.is_file():
        main_py("data", "exercises", "--kind", "labels", "--count", "5000", "--out", gifts)
    found = [("who has the gift", gifts, 4800)]
    if data is not None and (data / "tang_poems.jsonl.gz").is_file():
        path = kept / "authors.jsonl"
        with gzip.open(data / "tang_poems.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        chosen = [{"text": "".join(row["paragraphs"])[:60], "label": row["author"]} for row in rows
                  if row["author"] in AUTHORS and row["paragraphs"]]  # fmt: skip
        random.Random(0).shuffle(chosen)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chosen), encoding="utf-8")
        found.append(("Li Bai or Bai Juyi", path, len(chosen)))
    return found
