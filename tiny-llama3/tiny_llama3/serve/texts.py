"""From the engine's tokens to each choice's text, as it comes: whole characters, stop strings, log-probabilities."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tiny_llama3.sampling import Sampling
from tiny_llama3.serve.engine import Engine, Likely, Request
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.writing import StopStrings

PATIENCE_S = 0.5  # how long a client that has left may stay unnoticed


class Gone(Exception):
    """The client has left."""


class Failed(Exception):
    """The engine couldn't compute; the message says why."""


@dataclass
class Choice:
    """One text to be written: the answer number `index` of a request."""

    index: int
    ids: list[int]
    max_new_tokens: int
    sampling: Sampling
    seed: int | None
    ends: frozenset[int]
    stops: Sequence[str]
    top_logprobs: int | None = None
    wants_prompt: bool = False
    text: str = ""
    tokens: list[tuple[int, Likely | None]] = field(default_factory=list)
    prompt: list[Likely | None] = field(default_factory=list)
    finish: str | None = None  # "stop" or "length"


@dataclass(frozen=True)
class Piece:
    """What has come since the last piece of this choice; text may lag behind the tokens."""

    choice: Choice
    text: str
    tokens: list[tuple[int, Likely | None]]


Event = tuple[int, int | None, Likely | str | None]


def begin(engine: Engine, tokenizer: Tokenizer, choices: Sequence[Choice],
          gone: Callable[[], Awaitable[bool]] | None = None) -> AsyncIterator[Piece]:  # fmt: skip
    """Hand the choices in; iterate over the pieces. Raises Busy here, so before an answer has begun."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Event] = asyncio.Queue()

    def request(place: int, choice: Choice) -> Request:
        def tell(id: int | None, rest: Likely | str | None) -> None:
            try:
                loop.call_soon_threadsafe(events.put_nowait, (place, id, rest))
            except RuntimeError:  # the server has been closed
                made.cancelled.set()

        made = Request(choice.ids, choice.max_new_tokens, tell, lambda reason: tell(None, reason), choice.sampling,
                       choice.seed, choice.ends, choice.top_logprobs,
                       choice.prompt.extend if choice.wants_prompt else None)  # fmt: skip
        return made

    requests = [request(place, choice) for place, choice in enumerate(choices)]
    engine.submit(*requests)
    return _pieces(tokenizer, choices, requests, events, gone)


async def _pieces(tokenizer: Tokenizer, choices: Sequence[Choice], requests: Sequence[Request],
                  events: "asyncio.Queue[Event]",
                  gone: Callable[[], Awaitable[bool]] | None) -> AsyncIterator[Piece]:  # fmt: skip
    streams = [tokenizer.decode_stream(skip_special=True) for _ in choices]
    watches = [StopStrings(choice.stops) for choice in choices]
    going = len(choices)
    try:
        while going:
            try:
                place, id, rest = await asyncio.wait_for(events.get(), PATIENCE_S)
            except TimeoutError:
                if gone is not None and await gone():
                    raise Gone from None
                continue
            choice = choices[place]
            if choice.finish is not None:
                continue  # a stop string came; what the engine wrote after it doesn't count
            if id is not None:
                likely = rest if isinstance(rest, Likely) else None
                choice.tokens.append((id, likely))
                new = watches[place].push(streams[place].push(id) if id < len(tokenizer) else "\ufffd")
                if watches[place].found:
                    choice.finish = "stop"
                    requests[place].cancelled.set()
                    going -= 1
                choice.text += new
                yield Piece(choice, new, [(id, likely)])
                continue
            if rest not in ("stop", "length"):
                raise Failed(str(rest))
            new = watches[place].push(streams[place].flush())
            new += watches[place].flush()
            choice.text += new
            choice.finish = "stop" if watches[place].found else str(rest)
            going -= 1
            yield Piece(choice, new, [])
    finally:
        for request in requests:
            request.cancelled.set()
