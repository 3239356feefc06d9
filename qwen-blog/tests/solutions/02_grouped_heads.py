"""A solution of exercises/02_grouped_heads.py."""


def key_head(query_head: int, query_heads: int, key_heads: int) -> int:
    return query_head // (query_heads // key_heads)


def cache_bytes(layers: int, key_heads: int, head_size: int, positions: int, bytes_per_number: int) -> int:
    return 2 * layers * key_heads * head_size * positions * bytes_per_number
