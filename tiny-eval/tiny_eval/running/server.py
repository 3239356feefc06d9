"""A model behind an OpenAI-compatible server: chat or completions, and log-probabilities of a text that is echoed.

How likely is "blue" after "The sky is"? A completions server that knows `echo` is sent the whole text, asked for no new
token, and answers with ln p of every token of it. Those that begin behind the prompt are the continuation's. (With
max_tokens 0, which some servers refuse, nothing would be made; we ask for 1 and leave it out.)
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from tiny_eval.running.question import Answer, Json, NotAnswered, Question

Ask = Callable[[str, Json], Awaitable[Json]]


class ServerModel:
    """`api` is chat or completions; log-probabilities always come from completions.

    `ask(path, request)` sends a request to `address` and gives the JSON of the answer, or raises NotAnswered. `extra`
    goes into every request for a text; None takes a field out.
    """

    def __init__(self, ask: Ask, address: str, model: str, api: str = "chat", extra: Json | None = None) -> None:
        self.ask, self.model, self.api, self.extra = ask, model, api, extra or {}
        self.name = model
        self.identity = f"{address} {model}"

    def path(self, question: Question) -> str:
        chat = self.api == "chat" and question.continuation is None
        return "chat/completions" if chat else "completions"

    def request(self, question: Question) -> Json:
        asked: Json = {"model": self.model}
        if question.continuation is not None:
            text = question.prompt.text + question.continuation
            return asked | {"prompt": text, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}
        if self.api == "chat":
            asked["messages"] = question.prompt.messages
        else:
            asked["prompt"] = question.prompt.text
        asked |= {"max_tokens": question.max_tokens, "temperature": question.temperature}
        if question.stop:
            asked["stop"] = list(question.stop)
        if question.seed is not None:
            asked["seed"] = question.seed + question.repeat
        return {name: value for name, value in (asked | self.extra).items() if value is not None}

    async def answer(self, question: Question) -> Answer:
        start = time.perf_counter()
        body = await self.ask(self.path(question), self.request(question))
        seconds = round(time.perf_counter() - start, 4)
        try:
            return self._read(question, body, seconds)
        except NotAnswered:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            shown = " ".join(str(body).split())[:160]
            raise NotAnswered(f"the server answered in an unknown form ({shown}); is it compatible?") from None

    def _read(self, question: Question, body: Json, seconds: float) -> Answer:
        usage = body.get("usage") or {}
        tokens = (int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
        choice = body["choices"][0]
        if question.continuation is not None:
            return Answer("", "stop", *tokens, seconds, _continuation(question, choice.get("logprobs")))
        chat = self.path(question) == "chat/completions"
        text = choice["message"].get("content") if chat else choice["text"]
        if text is not None and not isinstance(text, str):
            raise TypeError
        return Answer(text or "", choice.get("finish_reason") or "stop", *tokens, seconds)


def _continuation(question: Question, kept: Any) -> list[float]:
    """ln p of the tokens behind the prompt, without the one that was made anew."""
    if not kept or "token_logprobs" not in kept or "text_offset" not in kept:
        raise NotAnswered("the server gives no log-probabilities of a prompt (echo and logprobs); let the model answer "
                          "in text, without --loglikelihood", hopeless=True)  # fmt: skip
    first = len(question.prompt.text)
    last = first + len(question.continuation or "")
    # the very first token of a text has no probability: None. A token may straddle the border; it belongs to the
    # continuation if it ends in there, which is where the next one begins
    ends = [*kept["text_offset"][1:], last]
    found = [float(value) for offset, value, end in zip(kept["text_offset"], kept["token_logprobs"], ends, strict=True)
             if value is not None and end > first and offset < last]  # fmt: skip
    if not found:
        raise NotAnswered("the server gave no log-probability for the continuation; does it know echo?")
    return found
