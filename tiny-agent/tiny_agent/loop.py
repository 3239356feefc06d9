"""The loop: ask the model, do what it wants, tell it what came of that, until there is an answer or a limit.

Every way out has a name, and every one of them has an answer, if only the best that there is. The engines differ in how
a reply is read and how results are told (react.py in text, tools in function_calling.py); the loop is the same.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tiny_agent.context import Ledger
from tiny_agent.model import Message, Model, ModelFailed, Reply
from tiny_agent.policy import Policy, fenced
from tiny_agent.tools import ArgumentError, Tool, ToolError
from tiny_agent.turns import Call as Call
from tiny_agent.turns import Done as Done
from tiny_agent.turns import Engine, Limits, Result, Step, StopReason, Turn, Usage

Watcher = Callable[[str, dict[str, Any]], object]
USUAL = Limits()


def run(
    question: str,
    model: Model,
    tools: Sequence[Tool],
    engine: "str | Engine" = "react",
    limits: Limits = USUAL,
    policy: Policy | None = None,
    watch: Watcher = lambda event, facts: None,
    before: Sequence[Message] = (),
) -> Result:
    """Answer a question. `before` are messages of an earlier conversation; `watch` is told of all that happens."""
    from tiny_agent.engines import engine_named

    engine = engine_named(engine) if isinstance(engine, str) else engine
    policy = policy or Policy()
    opening = engine.opening(question, tools)
    ledger = Ledger([*opening[:-1], *before, opening[-1]], limits.context_tokens)
    state = _State(limits)
    while True:
        reason = state.over()
        if reason:
            return _finish(reason, "", engine, model, ledger, state, watch)
        messages = ledger.fitting()
        watch("request", {"step": len(state.steps) + 1, "messages": messages, "dropped": ledger.dropped})
        try:
            turn = engine.ask(model, messages, tools)
        except ModelFailed as error:
            return _finish(StopReason.ERROR, str(error), engine, None, ledger, state, watch)
        state.spent(turn.reply)
        watch("reply", {"step": len(state.steps) + 1, "turn": turn})
        if turn.answer is not None:
            state.steps.append(Step(turn, []))
            ledger.add(engine.tell(turn, []))
            return _result(turn.answer, StopReason.ANSWERED, "", ledger, state, watch)
        done = [_do(call, tools, policy, limits, watch) for call in turn.calls]
        state.steps.append(Step(turn, done))
        ledger.add(engine.tell(turn, done))
        reason = state.stuck(turn, done)
        if reason:
            return _finish(reason, turn.problem, engine, model, ledger, state, watch)


def _do(call: Call, tools: Sequence[Tool], policy: Policy, limits: Limits, watch: Watcher) -> Done:
    """One call, whatever comes of it. A tool that raises or hangs is an error that the model is told of."""
    start = time.monotonic()
    known = {tool.name: tool for tool in tools}
    tool = known.get(call.name)
    if call.wrong:
        output, failed = call.wrong, "error"
    elif tool is None:
        output, failed = f"There is no tool {call.name!r}; there are {', '.join(known) or 'none'}.", "error"
    else:
        output, failed = _call(tool, call, policy, limits.tool_s)
    done = Done(call, output, failed, round(time.monotonic() - start, 4))
    watch("tool", {"done": done})
    return done


def _call(tool: Tool, call: Call, policy: Policy, seconds: float) -> tuple[str, str]:
    try:
        arguments = tool.check(call.arguments)
    except ArgumentError as error:
        return f"{error}. Nothing was run.", "error"
    refused = policy.allows(tool, arguments)
    if refused:
        return f"Not run: {refused}.", "denied"
    found: list[tuple[str, str]] = []

    def work() -> None:
        try:
            found.append((fenced(str(tool.function(**arguments)), tool), ""))
        except ToolError as error:
            found.append((f"{tool.name}: {error}", "error"))
        except Exception as error:  # a fault of the tool must not end the run
            found.append((f"{tool.name} failed ({type(error).__name__}: {error}).", "error"))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(seconds)
    if not found:
        return f"{tool.name} did not finish within {seconds:g} s; it was left behind.", "error"
    if not found[0][1]:
        policy.took_in(tool)
    return found[0]


class _State:
    """What the limits are held against."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.start, self.steps = limits, time.monotonic(), list[Step]()
        self.prompt_tokens = self.completion_tokens = self.problems = self.denials = 0
        self.seen: dict[str, int] = {}

    def spent(self, reply: Reply) -> None:
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens

    def over(self) -> StopReason | None:
        if len(self.steps) >= self.limits.steps:
            return StopReason.STEP_LIMIT
        if self.prompt_tokens + self.completion_tokens >= self.limits.tokens:
            return StopReason.TOKEN_LIMIT
        return StopReason.TIME_LIMIT if time.monotonic() - self.start >= self.limits.seconds else None

    def stuck(self, turn: Turn, done: Sequence[Done]) -> StopReason | None:
        """Whether going on would only be more of the same."""
        self.problems = self.problems + 1 if turn.problem or (done and all(each.call.wrong for each in done)) else 0
        self.denials = self.denials + 1 if done and all(each.failed == "denied" for each in done) else 0
        if self.problems >= self.limits.problems:
            return StopReason.TRUNCATED if turn.reply.finish_reason == "length" else StopReason.NO_PROGRESS
        if self.denials >= self.limits.denials:
            return StopReason.DENIED
        for each in done:
            said = json.dumps([each.call.name, each.call.arguments, each.output], sort_keys=True, default=str)
            self.seen[said] = self.seen.get(said, 0) + 1
            if self.seen[said] >= self.limits.repeats:
                return StopReason.REPEATED_CALL
        return None

    def usage(self) -> Usage:
        return Usage(self.prompt_tokens, self.completion_tokens, round(time.monotonic() - self.start, 4))


def _finish(
    reason: StopReason, why: str, engine: Engine, model: Model | None, ledger: Ledger, state: _State, watch: Watcher
) -> Result:
    """The best answer that there is: one last question without tools, else the last result of a tool."""
    answer = ""
    if model is not None and reason not in (StopReason.TOKEN_LIMIT, StopReason.TIME_LIMIT):
        ledger.add([{"role": "user", "content": engine.last_words()}])
        try:
            turn = engine.ask(model, ledger.fitting(), ())
            state.spent(turn.reply)
            watch("reply", {"step": len(state.steps) + 1, "turn": turn})
            answer = turn.answer or ""
        except ModelFailed as error:
            why = why or str(error)
    if not answer:
        outputs = [each.output for step in state.steps for each in step.done if not each.failed]
        answer = f"(no answer; the last result was: {outputs[-1][:500]})" if outputs else "(no answer)"
    return _result(answer, reason, why, ledger, state, watch)


def _result(answer: str, reason: StopReason, why: str, ledger: Ledger, state: _State, watch: Watcher) -> Result:
    result = Result(answer, reason, state.steps, state.usage(), ledger.messages, why)
    watch("end", {"result": result})
    return result
