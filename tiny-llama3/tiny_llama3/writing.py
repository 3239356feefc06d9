"""From text to text: encode the prompts, write on, and give out what is certain as soon as it is.

A stop string may begin in one token and end in another. So text that could still become one is held back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiny_llama3.generate import end_ids, steps
from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem
from tiny_llama3.sampling import Sampling
from tiny_llama3.tokenizer import Tokenizer


@dataclass
class Text:
    """What was written after one prompt."""

    prompt: str
    text: str  # without the stop string
    ids: list[int]
    finish: str  # "end" token, "stop" string, or "length"


class StopStrings:
    """push(text) gives what is certain; `found` tells that a stop string came."""

    def __init__(self, stops: Sequence[str]) -> None:
        if not all(stops):
            raise Problem("a stop string is empty; leave it out")
        self.stops, self.held, self.found = stops, "", False

    def push(self, piece: str) -> str:
        self.held += piece
        places = [place for stop in self.stops if (place := self.held.find(stop)) >= 0]
        if places:
            self.found = True
            certain, self.held = self.held[: min(places)], ""
            return certain
        keep = max((size for stop in self.stops for size in range(1, len(stop)) if self.held.endswith(stop[:size])),
                   default=0)  # fmt: skip
        certain, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        return certain

    def flush(self) -> str:
        rest, self.held = self.held, ""
        return rest


def write_on(
    model: Llama,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    max_new_tokens: int = 100,
    sampling: Sampling | None = None,
    *,
    stops: Sequence[str] = (),
    seed: int = 0,
    use_cache: bool = True,
    on_text: Callable[[int, str], object] = lambda row, piece: None,
) -> list[Text]:
    """What the model writes after each prompt; `on_text` gets every piece at once, with its prompt's number."""
    if tokenizer.bos_id is None and not all(prompts):
        raise Problem("an empty prompt needs a tokenizer with a BOS token; give the text a beginning")
    begin = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    encoded = [begin + tokenizer.encode(prompt) for prompt in prompts]
    ends = end_ids(model) | {id for id in (tokenizer.eos_id, tokenizer.eot_id) if id is not None}
    if tokenizer.bos_id is not None:
        ends |= {tokenizer.bos_id}  # another text begins
    texts = [Text(prompt, "", [], "length") for prompt in prompts]
    streams = [tokenizer.decode_stream(skip_special=True) for _ in prompts]
    watches = [StopStrings(stops) for _ in prompts]
    going = set(range(len(prompts)))

    def give(row: int, piece: str) -> None:
        if piece:
            texts[row].text += piece
            on_text(row, piece)

    for chosen in steps(model, encoded, max_new_tokens, sampling or Sampling(), seed, use_cache=use_cache):
        for row in sorted(going):
            id = chosen[row]
            if id in ends:
                texts[row].finish = "end"
                going.discard(row)
                continue
            texts[row].ids.append(id)
            piece = streams[row].push(id) if id < len(tokenizer) else "\ufffd"  # the model may know more ids
            give(row, watches[row].push(piece))
            if watches[row].found:
                texts[row].finish = "stop"
                going.discard(row)
        if not going:
            break
    for row, text in enumerate(texts):
        if text.finish != "stop":
            give(row, watches[row].push(streams[row].flush()))
            give(row, watches[row].flush())
    return texts
