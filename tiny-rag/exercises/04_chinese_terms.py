"""Chapter 4: pairs of characters, for a language without spaces.

Return all pairs of neighbouring characters of `run`, in order, but none that holds a particle:
one of 的了是在和与之于吗呢.
"天文台的钟" gives 天文, 文台. A run of one character has no pair.

按顺序返回所有相邻两字的组合；凡含有虚字（的了是在和与之于吗呢）的组合都不要。只有一个字时没有组合。
"""


def content_pairs(run: str) -> list[str]:
    raise NotImplementedError("your turn")
