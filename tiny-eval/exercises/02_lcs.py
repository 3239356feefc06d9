"""Chapter 3: the longest common subsequence.

Return how many items `a` and `b` have in common in the same order; items may be left out anywhere.
"the night log lay there" and "the log lay": 3. Fill the table of the chapter, row by row. The lists have up to 300
items each: trying every subsequence would outlast the sun.

两个序列按同样顺序共有的项，最多有几个（中间可以跳过）。照正文的表一行行填；逐个试所有子序列，太阳烧完也算不完。
"""


def lcs_length(a: list[str], b: list[str]) -> int:
    raise NotImplementedError("your turn")
