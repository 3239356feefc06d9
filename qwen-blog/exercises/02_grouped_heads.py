"""Chapters 2 and 5: share keys among heads (GQA), and count what it saves.

With 6 heads of queries and 2 heads of keys, the first three heads of queries ask key head 0, the last three key head 1:

    key_head(0, 6, 2) → 0      key_head(2, 6, 2) → 0      key_head(3, 6, 2) → 1

The cache keeps a key and a value for each position, layer and key head. Qwen2.5-0.5B has 24 layers, 14 heads of
queries, 2 of keys, 64 numbers in a head, 2 bytes a number:

    cache_bytes(24, 2, 64, positions=1, bytes_per_number=2) → 12288

相邻的查询头共用一个键头；缓存为每个位置、每层、每个键头各存一个键和一个值。
"""


def key_head(query_head: int, query_heads: int, key_heads: int) -> int:
    """The key head that a query head asks; all are numbered from 0."""
    raise NotImplementedError("your turn")


def cache_bytes(layers: int, key_heads: int, head_size: int, positions: int, bytes_per_number: int) -> int:
    """The memory of the cache of one text."""
    raise NotImplementedError("your turn")
