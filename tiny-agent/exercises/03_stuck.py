"""Chapter 2: going round in circles.

`calls` are (name, arguments, output), in the order in which they were made. Return the number, counted from 1, of the
call at which a run should be ended because the very same call had the very same output for the `most`-th time; 0 if
there is none. The calls needn't follow each other directly.

同样的调用、同样的结果第 most 次出现时，返回这是第几次调用（从 1 数起）；没有就返回 0。不要求连续。
"""


def stuck_at(calls: list[tuple[str, str, str]], most: int = 3) -> int:
    raise NotImplementedError("your turn")
