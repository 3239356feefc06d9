"""A run, line by line: JSONL in which everything is that went to the model and came back, flushed at every event.

    {"event": "start", "question": ..., "model": ..., "engine": ..., "limits": {...}}
    {"event": "request", "step": 1, "new": [messages that the request before didn't have], "tokens": 312, "dropped": []}
    {"event": "reply", "step": 1, "text": ..., "calls": [...], "answer": null, "problem": "", "prompt_tokens": 310, ...}
    {"event": "tool", "step": 1, "name": "calculator", "arguments": {...}, "output": "84", "failed": "", ...}
    {"event": "end", "answer": "84", "stop_reason": "answered", ...}

A killed run leaves whole lines up to there, and at most one torn one, which reading skips.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from tiny_agent.context import cost
from tiny_agent.loop import Limits

Json = dict[str, Any]
PAGE = Path(__file__).with_name("trace.html")
PLACE = "/*DATA*/"


class Trace:
    """`with Trace(path) as trace: run(..., watch=trace.watch)`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = time.monotonic()
        self.file: TextIO | None = None
        self.before: list[Json] = []
        self.step = 0

    def __enter__(self) -> "Trace":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("w", encoding="utf-8", errors="backslashreplace")
        return self

    def __exit__(self, *error: object) -> None:
        assert self.file
        self.file.close()

    def begin(self, question: str, model: str, engine: str, limits: Limits) -> None:
        self.write("start", {"question": question, "model": model, "engine": engine, "limits": asdict(limits)})

    def watch(self, event: str, facts: Json) -> None:
        """What `loop.run` tells."""
        if event == "request":
            messages = facts["messages"]
            pairs = enumerate(zip(self.before, messages, strict=False))
            kept = next((place for place, (old, new) in pairs if old != new), min(len(self.before), len(messages)))
            self.before, self.step = list(messages), facts["step"]
            new = [{**message, "tokens": cost(message)} for message in messages[kept:]]
            self.write("request", {"step": self.step, "messages": len(messages), "unchanged": kept, "new": new,
                                   "tokens": sum(map(cost, messages)), "dropped": facts["dropped"]})  # fmt: skip
        elif event == "reply":
            turn = facts["turn"]
            self.write("reply", {
                "step": facts["step"], "text": turn.reply.text,
                "tool_calls": [asdict(call) for call in turn.reply.tool_calls],
                "finish_reason": turn.reply.finish_reason, "calls": [asdict(call) for call in turn.calls],
                "answer": turn.answer, "problem": turn.problem, "thought": turn.thought,
                "prompt_tokens": turn.reply.prompt_tokens, "completion_tokens": turn.reply.completion_tokens,
            })  # fmt: skip
        elif event == "tool":
            done = facts["done"]
            self.write("tool", {"step": self.step, "name": done.call.name, "arguments": done.call.arguments,
                                "output": done.output, "failed": done.failed, "seconds": done.seconds})  # fmt: skip
        elif event == "end":
            result = facts["result"]
            self.write("end", {"answer": result.answer, "stop_reason": str(result.stop_reason), "why": result.why,
                               "steps": len(result.steps), "usage": asdict(result.usage)})  # fmt: skip
        else:
            self.write(event, facts)

    def write(self, event: str, facts: Json) -> None:
        assert self.file
        row = {"event": event, "at": round(time.monotonic() - self.start, 4), **facts}
        self.file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
        self.file.flush()


def read(path: Path) -> Iterator[Json]:
    """The events; a torn last line is left out. ValueError for a file that is no trace."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            row["event"], row["at"]
        except (ValueError, KeyError, TypeError):
            if number == len(lines) and number > 1:
                return
            raise ValueError(
                f"{path.as_posix()}:{number}: not a line of a trace; name a file that --trace wrote"
            ) from None
        yield row


def page(events: list[Json], name: str) -> str:
    """One page without any request; the data stand in it as JSON, in which no `</script>` can occur."""
    text = json.dumps({"name": name, "events": events}, ensure_ascii=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    before, _, after = PAGE.read_text(encoding="utf-8").partition(PLACE)
    return before + text + after


def as_text(events: list[Json], longest: int = 400) -> Iterator[str]:
    """For a terminal: what was wanted, what came of it, what it cost."""
    for row in events:
        match row["event"]:
            case "start":
                yield f"question   {row['question']}\n           ({row['model']}, {row['engine']})"
            case "request":
                yield f"step {row['step']:<5} {row['tokens']:,} tokens in {row['messages']} messages" + "".join(
                    f"\n           left out: {each}" for each in row["dropped"])  # fmt: skip
            case "reply":
                if row["thought"]:
                    yield f"  thought  {short(row['thought'], longest)}"
                if row["problem"]:
                    yield f"  problem  {short(row['problem'], longest)}"
            case "tool":
                arguments = row["arguments"]
                shown = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
                yield f"  call     {row['name']} {short(shown, longest)}"
                yield f"  {'FAILED' if row['failed'] else 'result':8} {short(unfenced(row['output']), longest)}"
            case "artefact":
                yield f"  made     {row['role']}: {short(json.dumps(row['fields'], ensure_ascii=False), longest)}"
            case "end":
                yield f"answer     {short(row['answer'], 10 * longest)}"
                yield f"           ({row['stop_reason']}, {row['steps']} steps)"


def unfenced(output: str) -> str:
    """Without the marks around foreign text, which are other ones each time; the page and the file show them."""
    lines = output.splitlines()
    if len(lines) > 2 and lines[0].startswith("<<<") and lines[-1].endswith(">>>"):
        lines = lines[1:-1]
    return "\n".join(lines)


def short(text: str, longest: int) -> str:
    """On one line, without control characters: what a model or a page wrote must not move the cursor."""
    text = " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in text).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
