"""Training and encoding beside `tokenizers` and tiktoken, which are written in Rust; ours is Python with `regex`.

10 MB of text: made-up words whose frequencies follow Zipf's law (200,000 draws, so that rare words keep coming as in
real text), in documents of 50 to 400 words; Chinese likewise, without spaces. With `--data DIR` also real text, where
DIR has it: tinyshakespeare.txt, tang_poems.jsonl.gz. The ids and merges are compared before anything is timed.

Training: vocabulary 4,096. `tokenizers` has two threads, ours one process. Re-scanning counts all pairs of the whole
text for every merge, as textbook code does; 20 merges of it were timed, once, and the rest reckoned.
Encoding: one thread, a document at a time; "cold" begins with an empty cache, "warm" has seen the text.
"""

import copy
import gzip
import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("RAYON_NUM_THREADS", "2")  # read when `tokenizers` first works

import regex  # type: ignore[import-untyped]
import tiktoken
import tokenizers
from tiny_shared.benchmarks import Row, command, figure, in_turn, speed
from tokenizers import models, pre_tokenizers, trainers

from tiny_llama3.bpe import BYTE_ORDER, learn_merges
from tiny_llama3.pretokenize import LLAMA3_PATTERN, PreTokenizer, count_pretokens
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.tokenizer_json import to_json

MB, VOCAB_SIZE, ROUNDS, RESCANNED = 10, 4096, 3, 20


def run(data: Path | None = None, scale: float = 1.0) -> list[Row]:
    rounds = max(1, round(ROUNDS * scale))
    again = command("tiny-llama3", "tokenizer")
    english, chinese = english_text(MB * 1e6 * scale), chinese_text(MB * 1e6 * scale / 5)
    size = 256 + round((VOCAB_SIZE - 256) * min(1.0, scale * 5))
    tokenizer = Tokenizer.train(english, size)
    rows = [
        training(f"training on {megabytes(english):.0f} MB, vocabulary {size:,}", english, size, rounds, again),
        rescanning(english, size, again),
        *encoding("English-like", english, tokenizer, rounds, again),
        *encoding("Chinese-like", chinese, Tokenizer.train(chinese, size), rounds, again),
        long_pretoken(tokenizer, rounds, scale, again),
        over_processes(english, tokenizer, rounds, again),
    ]
    for name, texts in real_texts(data):
        again = command("tiny-llama3", "tokenizer", data)
        trained = Tokenizer.train(texts, size)
        rows.append(training(f"training on {name}", texts, size, rounds, again))
        rows += encoding(name, texts, trained, rounds, again)
    return rows


def training(what: str, texts: list[str], size: int, rounds: int, again: str) -> Row:
    def theirs() -> tokenizers.Tokenizer:
        peer = tokenizers.Tokenizer(models.BPE())
        peer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(tokenizers.Regex(LLAMA3_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ])  # fmt: skip
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        peer.train_from_iterator(texts, trainer)
        return peer

    merges = [" ".join(merge) for merge in json.loads(theirs().to_str())["model"]["merges"]]
    if merges != json.loads(to_json(Tokenizer.train(texts, size)))["model"]["merges"]:
        raise ValueError("the two learned different merges: nothing to compare")
    counting = timed(lambda: count_pretokens(texts, PreTokenizer()))
    return speed(what, megabytes(texts), "MB/s", f"tokenizers {version('tokenizers')}, 2 threads",
                 in_turn(lambda: Tokenizer.train(texts, size), theirs, rounds), again,
                 f"cutting and counting alone: {figure(megabytes(texts) / counting)} MB/s")  # fmt: skip


def rescanning(texts: list[str], size: int, again: str) -> Row:
    """Both from the text on: it is cut, then merged."""
    here = timed(lambda: Tokenizer.train(texts, size))
    there, merges = rescanned(texts, RESCANNED)
    if merges != learn_merges(count_pretokens(texts, PreTokenizer()), RESCANNED):
        raise ValueError("re-scanning learned other merges: nothing to compare")
    wanted = size - 256
    return Row(f"the same, {wanted:,} merges", f"{figure(here)} s", f"re-scanning, {figure(there)} s a merge: "
               f"{figure(there * wanted)} s", f"{there * wanted / here:,.0f}×", again)  # fmt: skip


def rescanned(texts: list[str], wanted: int) -> tuple[float, list[tuple[int, int]]]:
    """Seconds a merge, and the merges."""
    id_of = {byte: id for id, byte in enumerate(BYTE_ORDER)}
    pieces = [
        [id_of[byte] for byte in piece.encode()] for text in texts for piece in regex.findall(LLAMA3_PATTERN, text)
    ]
    merges: list[tuple[int, int]] = []
    start = time.perf_counter()
    for new in range(256, 256 + wanted):
        frequency: Counter[tuple[int, int]] = Counter()
        for piece in pieces:
            frequency.update(pairwise(piece))
        best = min(frequency, key=lambda pair: (-frequency[pair], pair))
        for piece in pieces:
            place = 0
            while place < len(piece) - 1:
                if piece[place] == best[0] and piece[place + 1] == best[1]:
                    piece[place : place + 2] = [new]
                place += 1
        merges.append(best)
    return (time.perf_counter() - start) / wanted, merges


def encoding(name: str, texts: list[str], tokenizer: Tokenizer, rounds: int, again: str) -> list[Row]:
    peer = tiktoken.Encoding("peer", pat_str=LLAMA3_PATTERN, mergeable_ranks=tokenizer.vocab, special_tokens={})

    def theirs() -> list[list[int]]:
        return [peer.encode_ordinary(text) for text in texts]

    if tokenizer.encode_batch(texts) != theirs():
        raise ValueError("the two give different ids: nothing to compare")
    fresh = [copy.deepcopy(tokenizer) for _ in range(rounds + 1)]  # a copy begins with an empty cache
    cold: Callable[[], object] = lambda: fresh.pop().encode_batch(texts)  # noqa: E731
    warm: Callable[[], object] = lambda: tokenizer.encode_batch(texts)  # noqa: E731
    cutter = PreTokenizer()
    cutting = megabytes(texts) / timed(lambda: [[*cutter.split(text)] for text in texts])
    pretokens = [pretoken for text in texts for pretoken in cutter.split(text)]
    different = f"{len(set(pretokens)) / len(pretokens):.0%} of pre-tokens differ"
    return [
        speed(f"encoding {megabytes(texts):.1f} MB of {name}, {kind}", megabytes(texts), "MB/s",
              f"tiktoken {version('tiktoken')}, 1 thread", in_turn(ours, theirs, rounds), again,
              f"cutting alone: {figure(cutting)} MB/s; {different}")
        for kind, ours in (("cold", cold), ("warm", warm))
    ]  # fmt: skip


def long_pretoken(tokenizer: Tokenizer, rounds: int, scale: float, again: str) -> Row:
    text = "".join(random.Random(3).choices("etaoinshrdlu", k=round(100_000 * scale)))
    peer = tiktoken.Encoding("peer", pat_str=LLAMA3_PATTERN, mergeable_ranks=tokenizer.vocab, special_tokens={})
    if tokenizer.encode(text) != peer.encode_ordinary(text):
        raise ValueError("the two give different ids: nothing to compare")
    return speed(f"encoding one word of {len(text):,} letters", len(text) / 1e6, "MB/s", "tiktoken", in_turn(
        lambda: tokenizer.encode(text), lambda: peer.encode_ordinary(text), rounds), again)  # fmt: skip


def over_processes(texts: list[str], tokenizer: Tokenizer, rounds: int, again: str) -> Row:
    """Starting the processes is part of the time."""
    return speed(f"encode_batch of {megabytes(texts):.0f} MB, cold, 2 processes", megabytes(texts), "MB/s", "1 process",
                 in_turn(lambda: copy.deepcopy(tokenizer).encode_batch(texts, processes=2),
                         lambda: copy.deepcopy(tokenizer).encode_batch(texts), rounds), again)  # fmt: skip


def english_text(size: float) -> list[str]:
    """Documents of made-up words; the word of rank r is about 1 / r as frequent as the first."""
    rng = random.Random(1)
    consonants, vowels = "b c d f g h k l m n p r s t v w st th ch sh tr pr".split(), "a e i o u ea ou ai".split()

    def word() -> str:
        syllables = rng.choice((1, 1, 2, 2, 2, 3, 3, 4))
        return "".join(
            rng.choice(consonants) + rng.choice(vowels) + (rng.choice(consonants) if rng.random() < 0.3 else "")
            for _ in range(syllables)
        )

    draw = zipf([word() for _ in range(200_000)], rng)

    def document() -> str:
        words, begins = [], True
        for each in draw(rng.randint(50, 400)):
            chance = rng.random()
            sign = "." if chance < 0.06 else "," if chance < 0.12 else ""
            each = str(rng.randint(0, 2030)) if chance > 0.99 else each
            words.append((each.capitalize() if begins else each) + sign)
            begins = sign == "."
        return " ".join(words) + ".\n"

    return until(size, document)


def chinese_text(size: float) -> list[str]:
    """Documents of made-up words of one to three characters, in sentences without spaces."""
    rng = random.Random(2)
    letters = zipf([chr(0x4E00 + number) for number in range(3000)], rng)
    draw = zipf(["".join(letters(rng.choice((1, 2, 2, 3)))) for _ in range(20_000)], rng)

    def document() -> str:
        return "".join("".join(draw(rng.randint(2, 6))) + rng.choice("，，，。") for _ in range(30)) + "\n"

    return until(size, document)


def zipf(words: list[str], rng: random.Random) -> Callable[[int], list[str]]:
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))  # Mandelbrot's offset
    return lambda count: rng.choices(words, cum_weights=weights, k=count)


def until(size: float, document: Callable[[], str]) -> list[str]:
    texts: list[str] = []
    while size > 0:
        texts.append(document())
        size -= len(texts[-1].encode())
    return texts


def real_texts(data: Path | None) -> list[tuple[str, list[str]]]:
    found = []
    if data is not None and (data / "tinyshakespeare.txt").is_file():
        found.append(("TinyShakespeare", [(data / "tinyshakespeare.txt").read_text(encoding="utf-8")]))
    if data is not None and (data / "tang_poems.jsonl.gz").is_file():
        with gzip.open(data / "tang_poems.jsonl.gz", "rt", encoding="utf-8") as lines:
            poems = ["\n".join(json.loads(line)["paragraphs"]) + "\n" for line in itertools.islice(lines, 15_000)]
        found.append(("15,000 Tang poems", poems))
    return found


def megabytes(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
