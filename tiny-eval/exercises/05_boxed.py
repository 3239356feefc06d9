r"""Chapter 5: find the answer in a box.

Return what stands in the last \boxed{...} of `output`, without blanks around it. Braces may stand in braces:
\boxed{\frac{1}{2}} holds \frac{1}{2}. A box that never closes doesn't count. What stands between <think> and </think>
doesn't count either, and an output that ends inside its thoughts has no answer. No answer: return None.

返回最后一个 \boxed{...} 里的内容（去掉首尾空白）。花括号可以嵌套；没有闭合的不算；<think>…</think> 里的不算；
思考没有结束就被截断的，没有答案。没有答案时返回 None。
"""


def boxed(output: str) -> str | None:
    raise NotImplementedError("your turn")
