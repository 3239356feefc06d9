"""Opening a folder with the shape of Qwen2.5-0.5B: seconds until the first logits of one token are there, and memory.

A new process each time; the files are in the system's cache. The time is that of loading and of one token, which
touches every weight: a library that maps its files reads them only then. Importing is not counted. Memory is the
process's high-water mark (resident, files that it mapped included) minus what it held before loading, in sizes of the
weights; the ratio is the peer's over ours. `--low-memory` leaves the weights on the disk.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tiny_shared.benchmarks import Row, command

from benchmarks.folders import TRY, folder

TRACK, ROUNDS = Path(__file__).resolve().parents[1], 5
CODE = """
import json, resource, sys, time
import torch
place, way = sys.argv[1:]
ids = torch.tensor([[1]])
if way == "transformers":
    from transformers import AutoModelForCausalLM, Qwen2ForCausalLM
    load = lambda: AutoModelForCausalLM.from_pretrained(place, dtype="auto").eval()
    step = lambda model: model(ids).logits
else:
    from qwen_blog import hub
    load = lambda: hub.load(place, low_memory=way == "low")[0]
    step = lambda model: model(ids)
def held():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
before, start = held(), time.perf_counter()
with torch.inference_mode():
    model = load()
    loaded = time.perf_counter() - start
    step(model)
print(json.dumps([time.perf_counter() - start, held() - before, loaded]))
"""


def run(scale: float = 1.0) -> list[Row]:
    tried, rounds = scale < TRY, max(1, round(ROUNDS * scale))
    rows = []
    for dtype in ("float32", "bfloat16"):
        place = folder(tried, dtype).name
        size = (Path(place) / "model.safetensors").stat().st_size
        found: dict[str, list[list[float]]] = {"ours": [], "transformers": []}
        for way in ("ours", "transformers") * (rounds + 1):
            found[way].append(opened(place, way))
        (ours_s, ours_b, _), (theirs_s, theirs_b, _) = (
            [median(values) for values in zip(*runs[1:], strict=True)] for runs in found.values()
        )
        low = opened(place, "low")
        peer, how = f"transformers {version('transformers')}", command("qwen-blog", "loading")
        limit = f"{size / 1e6:,.0f} MB of weights"
        ours, theirs, held = f"{ours_s:.2f} s", f"{peer}: {theirs_s:.2f}", f"{peer}: {theirs_b / size:.2f}"
        rows.append(Row(f"time to the first token, {dtype}", ours, theirs, f"{theirs_s / ours_s:.2f}×", how, limit))
        for way, most in ((f"memory, {dtype}", ours_b), (f"memory with `--low-memory`, {dtype}", low[1])):
            rows.append(Row(way, f"{most / size:.2f} × the weights", held, f"{theirs_b / most:.2f}×", how))
    return rows


def opened(place: str, way: str) -> list[float]:
    """Seconds, bytes, seconds of loading alone."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, place, way], cwd=TRACK, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])
