from collections.abc import Callable


def agent(
    question: str, ask: Callable[[list[dict[str, str]]], str], use: Callable[[str, str], str], most: int = 12
) -> str:
    messages = [{"role": "user", "content": question}]
    for _ in range(most):
        reply = ask(messages)
        if reply.startswith("Final Answer:"):
            return reply.removeprefix("Final Answer:").strip()
        name, text = (line.partition(":")[2].strip() for line in reply.splitlines())
        messages += [{"role": "assistant", "content": reply},
                     {"role": "user", "content": f"Observation: {use(name, text)}"}]  # fmt: skip
    return ""
