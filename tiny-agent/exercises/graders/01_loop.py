"""A model with a script, which looks at what it is sent."""

from types import ModuleType

from tiny_shared.exercises import expect


def check(answer: ModuleType) -> None:
    for count in (0, 1, 3, 11, 12, 40):
        seen: list[list[dict[str, str]]] = []
        used: list[tuple[str, str]] = []

        def ask(messages: list[dict[str, str]], count: int = count, seen: list[list[dict[str, str]]] = seen) -> str:
            seen.append([dict(message) for message in messages])
            return "Final Answer: done " if len(seen) > count else f"Action: add\nAction Input: {len(seen)} + 1"

        def use(name: str, text: str, used: list[tuple[str, str]] = used) -> str:
            used.append((name, text))
            return f"result {len(used)}"

        found = answer.agent("why?", ask, use)
        expect(f"the answer after {count} actions", found, "done" if count < 12 else "")
        expect(
            f"the tools used with {count} actions", used, [("add", f"{n} + 1") for n in range(1, min(count, 12) + 1)]
        )
        expect("the roles of the last request", [message["role"] for message in seen[-1]],
               ["user"] + ["assistant", "user"] * min(count, 11))  # fmt: skip
        if count:
            expect("the first observation", seen[1][-1]["content"], "Observation: result 1")
