"""What the loop itself costs: a model that answers at once, a tool that does nothing, many steps.

Ours: the ReAct engine with its parser, and function calls, with the ledger, the policy and a trace. The peer:
smolagents' ToolCallingAgent with the same script, its log switched off.
"""

import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tiny_shared.benchmarks import Row, command, in_turn

from tiny_agent.loop import Limits
from tiny_agent.loop import run as loop
from tiny_agent.model import Reply, ToolCall
from tiny_agent.tools import tool
from tiny_agent.trace import Trace

STEPS, ROUNDS = 50, 5


@tool
def look(text: str) -> str:
    """Look.

    text: at what
    """
    return f"seen {text}"


class Quick:
    """Calls the tool STEPS times, then answers."""

    name = "quick"

    def __init__(self, native: bool, steps: int) -> None:
        self.native, self.steps, self.asked = native, steps, 0

    def reply(self, messages: Any, tools: Any = (), stop: Any = (), on_piece: Any = None) -> Reply:
        self.asked += 1
        if self.asked > self.steps:
            return Reply("done" if self.native else "Final Answer: done")
        if self.native:
            return Reply("", [ToolCall(f"c{self.asked}", "look", f'{{"text": "{self.asked}"}}')], "tool_calls")
        return Reply(f'Thought: next\nAction: look\nAction Input: {{"text": "{self.asked}"}}')


def run(scale: float = 1.0) -> list[Row]:
    steps, rounds = max(5, round(STEPS * scale)), max(1, round(ROUNDS * scale))
    peer = smolagents(steps)
    rows = []
    for engine in ("react", "tools"):
        ours, theirs = in_turn(lambda: once(engine, steps), peer, rounds)  # noqa: B023
        mine, other = 1000 * ours / steps, 1000 * theirs / steps
        rows.append(Row(f"a step of the loop, {engine}, {steps} steps, with its trace", f"{mine:.3f} ms",
                        f"smolagents {version('smolagents')}: {other:.3f}", f"{other / mine:.1f}×",
                        command("tiny-agent", "loop")))  # fmt: skip
    return rows


def once(engine: str, steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Trace(Path(folder, "t.jsonl")) as trace:
        result = loop("q", Quick(engine == "tools", steps), [look], engine, Limits(steps=steps + 1), watch=trace.watch)
    if result.answer != "done":
        raise RuntimeError(f"the run ended with {result.stop_reason}")


def smolagents(steps: int) -> Callable[[], object]:
    """The same with smolagents."""
    import smolagents as peer  # type: ignore[import-untyped]
    from smolagents.models import (  # type: ignore[import-untyped]
        ChatMessage,
        ChatMessageToolCall,
        ChatMessageToolCallFunction,
        MessageRole,
    )

    @peer.tool
    def look(text: str) -> str:
        """Look.

        Args:
            text: at what
        """
        return f"seen {text}"

    class Scripted(peer.Model):
        def __init__(self) -> None:
            super().__init__(model_id="quick")
            self.asked = 0

        def generate(self, messages: Any, **options: Any) -> ChatMessage:
            self.asked += 1
            name, arguments = (
                ("look", {"text": str(self.asked)}) if self.asked <= steps else ("final_answer", {"answer": "done"})
            )
            call = ChatMessageToolCall(function=ChatMessageToolCallFunction(arguments=arguments, name=name),
                                       id=f"c{self.asked}", type="function")  # fmt: skip
            return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])

    def once() -> object:
        agent = peer.ToolCallingAgent(
            tools=[look], model=Scripted(), max_steps=steps + 2, verbosity_level=peer.LogLevel.OFF
        )
        answer = agent.run("q")
        if str(answer) != "done":
            raise RuntimeError(f"smolagents answered {answer!r}")
        return answer

    return once
