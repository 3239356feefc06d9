"""The server under load: 32 clients that stream at once beside one alone, and 2,000 random requests.

`main.py serve` with 32 rows in a process of its own, a model of random weights; the clients, in this process, ask for
64 tokens each, again and again, for a minute (the one alone, for a third of that). Every stream is checked: the greedy
text of each prompt is known. The ratio is the throughput of 32 over that of one. Then 2,000 requests with random
fields: no answer may be a 500, and the memory of the server should stay where it was after the first 500.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import torch
from tiny_shared.benchmarks import Row, command, figure

from benchmarks.bench_training import SHAPE, TRIED, TRY
from tiny_llama3 import hub
from tiny_llama3.model import Llama
from tiny_llama3.tokenizer import Tokenizer

TRACK = Path(__file__).resolve().parents[1]
SECONDS, CLIENTS, FUZZED, WRITTEN = 60, 32, 2000, 64
PROMPTS = ["the cat", "a dog", "猫坐在", "once upon", "12 and 13", "in the garden", "she said", "it was"]
FIELDS = "prompt temperature top_p top_k max_tokens n seed stop logprobs echo repetition_penalty min_p".split()


def run(scale: float = 1.0) -> list[Row]:
    tried = scale < TRY
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = Tokenizer.train([" ".join(PROMPTS)], 300)
        torch.manual_seed(0)
        shape = replace(TRIED, vocab_size=len(tokenizer)) if tried else SHAPE
        hub.save(folder, Llama(shape).eval(), tokenizer)
        seconds = max(1.0, SECONDS * scale)
        words = [sys.executable, "main.py", "serve", "--model", folder, "--port", "0", "--rows", str(CLIENTS), "--json",
                 "--waiting", "64"]  # fmt: skip
        with subprocess.Popen(
            words, cwd=TRACK, stdout=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
        ) as server:
            try:
                address = about(server)
                one, _ = asyncio.run(load(address, 1, seconds / 3))
                many, mixed = asyncio.run(load(address, 2 if tried else CLIENTS, seconds))
                worst, memory = asyncio.run(fuzz(address, max(40, int(FUZZED * scale)), psutil.Process(server.pid)))
            finally:
                server.terminate()
    how, size = command("tiny-llama3", "serve"), "tiny" if tried else "7M"
    return [
        Row(f"{CLIENTS} streams, {size}, {mixed} mixed up", f"{figure(many)} tokens/s", f"one stream: {figure(one)}",
            f"{many / one:.2f}×", how),
        Row(f"random requests, worst status {worst}", f"{memory[1]:,.0f} MB after all",
            f"after a quarter: {memory[0]:,.0f}", f"{memory[0] / memory[1]:.2f}×", how),
    ]  # fmt: skip


def about(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    lines = ""
    while "}" not in lines:
        lines += server.stdout.readline()
    return str(json.loads(lines)["url"])


async def load(address: str, clients: int, seconds: float) -> tuple[float, int]:
    """Tokens a second of all together, and how many streams weren't what their prompt alone gives."""
    limits = httpx.Limits(max_connections=clients + 4)
    async with httpx.AsyncClient(timeout=300, limits=limits) as http:
        expected = {prompt: await stream(http, address, prompt) for prompt in PROMPTS}
        stop, written, mixed = time.perf_counter() + seconds, 0, 0

        async def client(number: int) -> None:
            nonlocal written, mixed
            while time.perf_counter() < stop:
                prompt = PROMPTS[number % len(PROMPTS)]
                text, tokens = await stream(http, address, prompt)
                written, mixed = written + tokens, mixed + (text != expected[prompt][0])

        start = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(clients)))
        return written / (time.perf_counter() - start), mixed


async def stream(http: httpx.AsyncClient, address: str, prompt: str) -> tuple[str, int]:
    body = {"prompt": prompt, "max_tokens": WRITTEN, "temperature": 0, "stream": True,
            "stream_options": {"include_usage": True}}  # fmt: skip
    text, tokens = "", 0
    async with http.stream("POST", f"{address}/completions", json=body) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                text += "".join(choice["text"] for choice in event["choices"])
                tokens = event.get("usage", {}).get("completion_tokens", tokens)
    return text, tokens


async def fuzz(address: str, count: int, server: psutil.Process) -> tuple[int, list[float]]:
    chance, worst, memory = random.Random(0), 0, []
    async with httpx.AsyncClient(timeout=300) as http:
        for number in range(count):
            body: dict[str, Any] = {"prompt": "the cat", "max_tokens": 3}
            for field in chance.sample(FIELDS, chance.randint(1, 4)):
                body[field] = chance.choice(
                    [None, True, -1, 0, 1, 2**70, 0.5, "", "a" * 500, [], [1, 2], {"a": 1}, "猫"]
                )
            if body["max_tokens"] is None or (isinstance(body["max_tokens"], int) and body["max_tokens"] > 3):
                body["max_tokens"] = 3
            answer = await http.post(f"{address}/completions", json=body)
            worst = max(worst, answer.status_code)
            if number in (count // 4, count - 1):
                memory.append(server.memory_info().rss / 1e6)
    return worst, memory
