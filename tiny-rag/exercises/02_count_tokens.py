"""Chapter 3: count tokens by the rule, in plain Python.

A CJK character (here: from U+4E00 to U+9FFF) is one token. A word (letters and digits in a row) is one token for every
eight of them or part of eight: "night" 1, "observatory" 2. White space is none. Any other character is one.

数 token：一个汉字算一个；连在一起的字母和数字，每八个算一个，不足八个也算一个；空白不算；其余每个字符算一个。
"""


def count_tokens(text: str) -> int:
    raise NotImplementedError("your turn")
