"""Chapter 7: one step of beam search.

`scores[b]` is the log-probability of beam b so far, and `log_p[b][v]` that of token v after it. A beam that has
finished (`done[b]`) can't grow: it has one continuation, token `pad`, at no cost. Return the best `width`
continuations, the best first, each as (score, beam, token). If fewer are possible, return those. Among equal scores
the smaller beam comes first, then the smaller token.

集束搜索的一步：每条未结束的候选接上每个词，全部放在一起按对数概率排序，留下最好的 width 条。
已结束的候选只有一种接法：接 pad，不扣分。
"""


def beam_step(
    scores: list[float], log_p: list[list[float]], done: list[bool], width: int, pad: int
) -> list[tuple[float, int, int]]:
    raise NotImplementedError("your turn")
