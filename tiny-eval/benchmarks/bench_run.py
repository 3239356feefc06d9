"""`run` against a local server that takes 100 ms for every answer: how near to the ideal, and beside lm-eval.

Ideal is every connection busy all the time: concurrency / 0.1 s. Timed by the server, from the first request to the
last answer, so starting up counts for nobody. lm-eval's `local-chat-completions` gets the same items, prompts and
concurrency; it is a program of its own (`pipx install "lm_eval[api]"`) and left out where it isn't in the path. Client
and server share the two cores.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tiny_shared.benchmarks import Row, command

TRACK = Path(__file__).resolve().parent.parent
ITEMS, CONCURRENCIES, ROUNDS = 3000, (32, 64), 3
LATENCY_S = 0.1


def run(scale: float = 1.0) -> list[Row]:
    count = max(round(ITEMS * scale), 40)
    rounds = ROUNDS if scale >= 1 else 1
    rows = []
    with tempfile.TemporaryDirectory() as name, served() as url:
        folder = Path(name)
        write_items(folder, count)
        for concurrency in CONCURRENCIES:
            ours, theirs = [], []
            for number in range(rounds):
                ours.append(seconds(ours_command(folder, f"{concurrency}-{number}", url, concurrency), url, count))
                if shutil.which("lm_eval"):
                    theirs.append(seconds(lm_eval_command(folder, url, concurrency), url, count))
            rows += [*compared(concurrency, count, sorted(ours)[rounds // 2], sorted(theirs))]
    return rows


def compared(concurrency: int, count: int, ours: float, theirs: list[float]) -> Iterator[Row]:
    ideal = concurrency / LATENCY_S
    what, again = f"{count:,} requests of 100 ms, {concurrency} at once", command("tiny-eval", "run")
    yield Row(what, f"{count / ours:.0f} a second", f"ideal: {ideal:.0f}", f"{count / ours / ideal:.2f}×", again)
    if theirs:
        median = theirs[len(theirs) // 2]
        yield Row(
            what, f"{count / ours:.0f} a second", f"lm-eval: {count / median:.0f}", f"{median / ours:.2f}×", again
        )


@contextmanager
def served() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("latency_server.py")), "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert server.stdout
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
    finally:
        server.kill()
        server.wait()


def seconds(words: list[str], url: str, count: int) -> float:
    """Between the first request and the last answer, as the server saw it."""
    done = subprocess.run(words, cwd=TRACK, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed: {done.stderr[-500:]}")
    with urllib.request.urlopen(f"{url}/stats") as answer:
        stats = json.load(answer)
    if stats["count"] != count:
        raise RuntimeError(f"{words[0]} sent {stats['count']} requests instead of {count}")
    return float(stats["seconds"])


def ours_command(folder: Path, name: str, url: str, concurrency: int) -> list[str]:
    return [sys.executable, "main.py", "run", "--task", str(folder / "sums.yaml"), "--model", "m", "--out",
            str(folder / f"out-{name}"), "--base-url", url, "--concurrency", str(concurrency)]  # fmt: skip


def lm_eval_command(folder: Path, url: str, concurrency: int) -> list[str]:
    settings = f"model=m,base_url={url}/chat/completions,num_concurrent={concurrency},tokenized_requests=False"
    return ["lm_eval", "--model", "local-chat-completions", "--model_args", settings, "--tasks", "sums_lm",
            "--include_path", str(folder), "--apply_chat_template"]  # fmt: skip


def write_items(folder: Path, count: int) -> None:
    """The same items as a task for each of the two."""
    text = "What is the next number? Think of the order in which numbers follow each other. " * 3
    rows = [{"id": f"q{n}", "input": f"{text} {n}", "answers": [str(n)], "target": str(n)} for n in range(count)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "sums.yaml").write_text(
        "name: sums\ndata: sums.jsonl\nprompt: '{{input}}'\nmetric: exact_match\nmax_tokens: 8\n", encoding="utf-8"
    )
    (folder / "lm.yaml").write_text(
        f"task: sums_lm\ndataset_path: json\ndataset_kwargs:\n  data_files: {(folder / 'sums.jsonl').as_posix()}\n"
        "test_split: train\noutput_type: generate_until\ndoc_to_text: '{{input}}'\ndoc_to_target: '{{target}}'\n"
        "generation_kwargs:\n  until: []\n  max_gen_toks: 8\n  do_sample: false\n"
        "metric_list:\n  - metric: exact_match\n    aggregation: mean\n    higher_is_better: true\n",
        encoding="utf-8",
    )
