"""The small model behind the loop's interface: it reads the question and what came of its calls, and writes on.

It was taught four kinds of questions, in English and Chinese: sums in words, units, dates, and looking up the sample
notes. To anything else it was taught to say what it can do. It sees no list of tools: it knows the shipped ones.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tiny_agent.model import Message, ModelFailed, Reply
from tiny_agent.offline.network import load
from tiny_agent.react_engine import LAST

FOLDER = Path(__file__).resolve().parent / "weights"
BEGIN, END, UNKNOWN = "\x02", "\x03", "\x00"  # the first three characters of the vocabulary
MOST = 220  # characters of one reply
NAME = "offline"


class OfflineModel:
    """Greedy, hence the same answer every time. Needs no network, no key, and about 10 MB."""

    name = NAME

    def __init__(self, folder: Path = FOLDER) -> None:
        self.network, characters, self.about = load(folder)
        self.characters = characters
        self.number = {character: number for number, character in enumerate(characters)}

    def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]] = (),
        stop: Sequence[str] = (),
        on_piece: Callable[[str], object] | None = None,
    ) -> Reply:
        """The next step in ReAct's form."""
        if tools:
            raise ModelFailed("the offline model writes ReAct text and knows no function calls; take --engine react")
        text = transcript(messages)
        ids = [self.number.get(character, 0) for character in text]
        if len(ids) + MOST > self.network.shape.longest:
            ids = ids[: self.network.shape.longest - MOST]  # the end of a long observation is left out
        self.network.begin()
        logits = self.network.read(ids)
        written = ""
        for _ in range(MOST):
            choice = int(np.argmax(logits))
            character = self.characters[choice]
            if character == END:
                return Reply(written, [], "stop", len(ids), len(written) + 1)
            written += character
            if on_piece:
                on_piece(character)
            logits = self.network.read([choice])
        return Reply(written, [], "length", len(ids), len(written))


def transcript(messages: Sequence[Message]) -> str:
    """What the model was trained on: the question, then its own steps and what came of them."""
    said = [message for message in messages if message["role"] != "system"]
    asked = max((place for place, message in enumerate(said) if _is_question(message)), default=0)
    question = str(said[asked]["content"]) if said else ""
    text = f"{BEGIN}Question: {' '.join(question.split())}\n"
    for message in said[asked + 1 :]:
        content = str(message["content"]).strip()
        if message["role"] == "assistant":
            text += content + END + "\n"
        elif content.startswith("Observation:"):
            text += f"{_bare(content)}\n"
    return text


def _is_question(message: Message) -> bool:
    """Of the user's messages neither an observation nor the call for last words; the last one is the question."""
    content = str(message["content"])
    return message["role"] == "user" and not content.startswith("Observation:") and content != LAST


def _bare(observation: str) -> str:
    """The observation's first lines, without the fence around untrusted text."""
    lines = [line for line in observation.removeprefix("Observation:").strip().splitlines()
             if not line.startswith("<<<") and not line.endswith(">>>")]  # fmt: skip
    return "Observation: " + " ".join(lines)[:160]
