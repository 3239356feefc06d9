"""Chapter 1: the loop.

`ask(messages)` gives the model's reply as a text, `use(name, text)` runs a tool. A reply is one of

    Final Answer: WORDS
    Action: NAME
    Action Input: TEXT

Ask, run the tool, tell the model "Observation: RESULT" as a user's message, and ask again, until there is a final
answer or `most` replies have come; then return "". Every reply goes into the conversation as an assistant's message.

循环：问模型、用工具、把结果告诉它，直到有了答案，或者已经来了 most 条回复（返回空字符串）。
"""

from collections.abc import Callable


def agent(
    question: str, ask: Callable[[list[dict[str, str]]], str], use: Callable[[str, str], str], most: int = 12
) -> str:
    raise NotImplementedError("your turn")
