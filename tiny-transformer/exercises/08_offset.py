"""Chapter 8: which diagonal does a head prefer?

`weights[t][s]` is how much row t looks at column s; every row sums to 1. A head has the offset d if row t mostly looks
at column t + d: -1 is the token before, 0 the token itself, 1 the next. For each offset d take the mean of
weights[t][t + d] over all rows t, where a column that doesn't exist counts 0. Return the best offset and its mean. Of
equal ones, the smallest offset.

一个头偏爱哪条对角线？对每个偏移 d，取所有行 weights[t][t + d] 的平均（列不存在就算 0）。
返回平均最大的偏移和它的平均值，相同则取最小的偏移。
"""


def offset(weights: list[list[float]]) -> tuple[int, float]:
    raise NotImplementedError("your turn")
