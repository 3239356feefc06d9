"""Two conditions on s: the causal one and the padding's."""


def mask(ids: list[list[int]], pad_id: int) -> list[list[list[bool]]]:
    return [[[s <= t and row[s] != pad_id for s in range(len(row))] for t in range(len(row))] for row in ids]
