"""Chapter 2: half an input.

`text` begins with a bracket, `{` or `[`. Return the place right behind the bracket that closes it, or None if it isn't
closed. Brackets inside quotes, of either kind, don't count; nor does a quote behind a backslash.

    closing('{"a": "}"} and more')  ->  10        closing('{"a": [1')  ->  None

text 以括号开头。返回与它配对的括号后面的位置，没有配对就返回 None。引号里的括号不算，反斜杠后面的引号也不算。
"""


def closing(text: str) -> int | None:
    raise NotImplementedError("your turn")
