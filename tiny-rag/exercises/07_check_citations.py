"""Chapter 7: keep the citations that exist.

An answer cites its passages as [1] or [2][3]. Passages are numbered from 1 to `n_passages`. Return three things: the
answer without the citations that point to nothing, the numbers that are cited and exist, and those that were removed;
each number once, in the order of its first mention. Nothing else in the answer may change.

"See [2][9], and [2]." with 3 passages gives ("See [2], and [2].", [2], [9]).

删去指向不存在段落的引用，返回：删后的回答、存在的编号、被删的编号（各自去重，按首次出现的顺序）。其余文字一个也不能动。
"""


def check_citations(answer: str, n_passages: int) -> tuple[str, list[int], list[int]]:
    raise NotImplementedError("your turn")
