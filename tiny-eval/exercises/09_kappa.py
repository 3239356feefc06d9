"""Chapter 11: Cohen's kappa.

`pairs` are (judge's label, person's label), item by item. With p the share of items on which they agree, and e the
share that chance alone would give (the sum, over all labels, of the two sides' shares of that label multiplied),

    kappa = (p − e) / (1 − e)

Return None if there are no pairs, or if chance alone would agree on everything.

p 是两边一致的比例，e 是全凭运气也会一致的比例：每个标签在两边各占多少，相乘，再对所有标签求和。
没有数据，或者光凭运气就会全部一致时，返回 None。
"""


def kappa(pairs: list[tuple[str, str]]) -> float | None:
    raise NotImplementedError("your turn")
