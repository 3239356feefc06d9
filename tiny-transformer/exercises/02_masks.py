"""Chapter 2: who may look at whom in a batch of targets, some of them padded.

`ids[b][t]` is the token at position t of text b. Return `mask[b][t][s]`, True where position t of text b may look at
position s: s doesn't come after t, and there is no padding at s. Padding may stand anywhere. Lists of lists of bool,
without torch.

一批目标序列的掩码：s 不在 t 之后，且 s 处不是填充，位置 t 才可以看位置 s。填充可能出现在任何地方。
"""


def mask(ids: list[list[int]], pad_id: int) -> list[list[list[bool]]]:
    raise NotImplementedError("your turn")
