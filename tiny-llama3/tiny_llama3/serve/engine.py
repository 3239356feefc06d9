"""The scheduler: requests wait in a queue, take a row of the shared batch, and leave it when they are done.

One thread computes; everybody else only hands in requests and is called back. In each round it first lets waiting
requests in while rows are free (their prompts are read one by one), then writes one token of every text at once: for
all of them, the weights are read from memory once. That is why many clients together get more than one alone.
"""

import queue
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling, choose
from tiny_llama3.serve.slots import Slots


class Busy(Exception):
    """The queue is full; the client should come back later."""


@dataclass(frozen=True)
class Likely:
    """What a token was chosen from: its log-probability, and the best ones' (id, log-probability)."""

    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass
class Request:
    """`on_token(id, likely)` and `on_end(reason)` are called from the engine's thread; they must not block.

    reason: "stop" (a token of `ends`), "length", "cancelled", or the text of an error.
    """

    ids: Sequence[int]
    max_new_tokens: int
    on_token: Callable[[int, Likely | None], object]
    on_end: Callable[[str], object]
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    ends: frozenset[int] = frozenset()
    top_logprobs: int | None = None  # None: no log-probabilities
    on_prompt: Callable[[list[Likely | None]], object] | None = None  # log-probabilities of the prompt's own tokens
    cancelled: threading.Event = field(default_factory=threading.Event)
    written: int = 0
    chance: random.Random = field(default_factory=random.Random)
    last: int = 0

    def __post_init__(self) -> None:
        if self.seed is not None:
            self.chance = random.Random(f"{self.seed} 0")  # as generate's first row


class Engine:
    """`submit` a request, or let a function `run` between two rounds; `close` when done."""

    def __init__(self, model: Llama, rows: int = 16, waiting: int = 64, capacity: int | None = None) -> None:
        self.model = model.eval()
        self.capacity = capacity or model.config.max_position_embeddings
        self.slots = Slots(model, rows, self.capacity)
        self._waiting: queue.Queue[Request | None] = queue.Queue()
        self._most = rows + waiting  # requests in the house
        self._inside = 0
        self._lock = threading.Lock()
        self._jobs: queue.Queue[tuple[Callable[[], Any], Future[Any]]] = queue.Queue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def check(self, ids: Sequence[int]) -> None:
        """Raises Problem for a prompt that this model can't read, before it waits for its turn."""
        if not ids:
            raise Problem("the prompt has no token; write something")
        if len(ids) >= self.capacity:
            raise Problem(f"the prompt has {len(ids)} tokens, the model {self.capacity} positions; shorten it")
        if not 0 <= min(ids) <= max(ids) < self.model.config.vocab_size:
            raise Problem("the prompt has an id outside the model's vocabulary; use its own tokenizer")

    def submit(self, *requests: Request) -> None:
        """All of them or none. Raises Busy if the queue hasn't room for them."""
        with self._lock:
            if self._inside + len(requests) > self._most or self._closing.is_set():
                raise Busy
            self._inside += len(requests)
        for request in requests:
            self._waiting.put(request)

    def run(self, job: Callable[[], Any]) -> "Future[Any]":
        """Let the engine's thread call a function, so that nothing is computed beside it."""
        done: Future[Any] = Future()
        with self._lock:
            if self._jobs.qsize() >= self._most or self._closing.is_set():
                raise Busy
        self._jobs.put((job, done))
        self._waiting.put(None)  # wakes it up
        return done

    def close(self) -> None:
        """What is being written ends as cancelled."""
        self._closing.set()
        self._waiting.put(None)
        self._thread.join()

    # ---- the thread ----

    def _work(self) -> None:
        going: dict[int, Request] = {}
        while not self._closing.is_set():
            self._let_in(going)
            self._do_jobs()
            for row in [row for row, request in going.items() if request.cancelled.is_set()]:
                self._leave(going, row, "cancelled")
            if going:
                try:
                    self._round(going)
                except Exception as error:  # the others must not wait for ever
                    for row in list(going):
                        self._leave(going, row, f"error: {type(error).__name__}: {error}")
        for row in list(going):
            self._leave(going, row, "cancelled")
        while not self._waiting.empty():
            if (request := self._waiting.get()) is not None:
                self._end(request, "cancelled")

    def _let_in(self, going: dict[int, Request]) -> None:
        while self.slots.free and (going == {} or not self._waiting.empty()):
            request = self._waiting.get()
            if request is None:
                return
            if request.cancelled.is_set():
                self._end(request, "cancelled")
                continue
            try:
                row, logits_TV = self.slots.read(request.ids, request.on_prompt is not None)
                if request.on_prompt is not None:
                    request.on_prompt(self._likely_prompt(request, logits_TV))
            except Exception as error:
                self._end(request, f"error: {type(error).__name__}: {error}")
                continue
            going[row] = request
            self._chosen(going, row, logits_TV[-1:])

    def _round(self, going: dict[int, Request]) -> None:
        rows = list(going)
        logits_RV = self.slots.step(rows, [going[row].last for row in rows])
        for place, row in enumerate(rows):
            self._chosen(going, row, logits_RV[place : place + 1])

    @torch.inference_mode()
    def _chosen(self, going: dict[int, Request], row: int, logits_1V: Tensor) -> None:
        """Choose the row's next token, tell its owner, and see whether the text has ended."""
        request = going[row]
        if request.max_new_tokens == 0:
            return self._leave(going, row, "length")
        seen_1V = torch.zeros_like(logits_1V, dtype=torch.bool)
        if request.sampling.repetition_penalty != 1:
            seen_1V[0, list(request.ids)] = True
        id = int(choose(logits_1V, seen_1V, request.sampling, [request.chance]))
        if request.sampling.repetition_penalty != 1:
            request.ids = [*request.ids, id]
        if id in request.ends:
            return self._leave(going, row, "stop")
        request.on_token(id, None if request.top_logprobs is None else likely(logits_1V[0], id, request.top_logprobs))
        request.last, request.written = id, request.written + 1
        if request.written >= request.max_new_tokens or self.slots.length[row] + 1 >= self.capacity:
            self._leave(going, row, "length")
        return None

    def _leave(self, going: dict[int, Request], row: int, reason: str) -> None:
        self.slots.release(row)
        self._end(going.pop(row), reason)

    def _end(self, request: Request, reason: str) -> None:
        with self._lock:
            self._inside -= 1
        request.on_end(reason)

    def _likely_prompt(self, request: Request, logits_TV: Tensor) -> list[Likely | None]:
        """The first token has nothing before it, so nothing is known of it."""
        count = request.top_logprobs or 0
        return [None, *(likely(row_V, id, count) for row_V, id in zip(logits_TV, request.ids[1:], strict=False))]

    def _do_jobs(self) -> None:
        while not self._jobs.empty():
            job, done = self._jobs.get()
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(job())
                except BaseException as error:
                    done.set_exception(error)


def likely(logits_V: Tensor, id: int, top: int) -> Likely:
    """Log-probabilities before temperature and filters: what the model thinks, not what was made of it."""
    log_probability_V = logits_V.float().log_softmax(-1)
    best = log_probability_V.topk(min(top, len(log_probability_V)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Likely(float(log_probability_V[id]), tuple(pairs))
