"""Compare with where the loop itself gives up."""

import random
from types import ModuleType

from tiny_shared.exercises import expect

from tiny_agent.loop import Call, Done, Limits, Turn, _State
from tiny_agent.model import Reply


def wanted(calls: list[tuple[str, str, str]], most: int) -> int:
    state = _State(Limits(repeats=most))
    for number, (name, arguments, output) in enumerate(calls, 1):
        if state.stuck(Turn(Reply("")), [Done(Call(name, arguments), output)]):
            return number
    return 0


def check(answer: ModuleType) -> None:
    rng = random.Random(3)
    for _ in range(200):
        most = rng.randrange(1, 5)
        calls = [(rng.choice("ab"), rng.choice("xy"), rng.choice("12")) for _ in range(rng.randrange(14))]
        expect(f"stuck_at({calls}, {most})", answer.stuck_at(list(calls), most), wanted(calls, most))
