"""Chapter 2: F1 of two bags of words.

`predicted` and `expected` are lists of words. A word is in common as often as both have it: min of the two counts.

    precision = common / predicted        recall = common / expected        F1 = 2 · p · r / (p + r)

Nothing in common is 0, also when a list is empty.

两个词表的 F1：一个词两边各出现几次，取较小的次数，加起来就是共有的词数。一个共有的词也没有（包括空表），得 0。
"""


def f1(predicted: list[str], expected: list[str]) -> float:
    raise NotImplementedError("your turn")
