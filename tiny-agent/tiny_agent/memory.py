"""What was said before, in a file: one message a line, appended as soon as it is said. Only questions and answers: the
steps between them are the trace's business, and would fill the context with old results."""

import json
import os
from pathlib import Path

from tiny_agent.context import cost
from tiny_agent.model import Message


class Memory:
    """`recent(tokens)` gives the last pairs that fit; a torn last line is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[Message] = []
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    message = json.loads(line)
                except ValueError:
                    continue
                if (
                    isinstance(message, dict)
                    and message.get("role") in ("user", "assistant")
                    and message.get("content")
                ):
                    self.messages.append({"role": message["role"], "content": str(message["content"])})

    def add(self, question: str, answer: str) -> None:
        pair: list[Message] = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size
        with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(("\n" if torn else "") + "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in pair))
            file.flush()
            os.fsync(file.fileno())
        self.messages += pair

    def recent(self, tokens: int) -> list[Message]:
        """Whole pairs, the newest last."""
        found: list[Message] = []
        for place in range(len(self.messages) - 2, -1, -2):
            pair = self.messages[place : place + 2]
            if [message["role"] for message in pair] != ["user", "assistant"]:
                break
            tokens -= sum(map(cost, pair))
            if tokens < 0:
                break
            found = pair + found
        return found
