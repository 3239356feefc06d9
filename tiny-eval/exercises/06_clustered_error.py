"""Chapter 6: the standard error of a mean whose items share documents.

`documents[i]` names the document of `scores[i]`. For each document add up (score - mean) over its items, square the
sum, and add the squares. With G documents and n items:

    se = sqrt( G / (G - 1) · that sum ) / n

Items of a document need not stand side by side. There are two documents or more.

题目共享文档时的标准误：先在每篇文档内把（得分 − 平均分）加起来，再平方，再求和。同一文档的题不一定相邻。
"""


def clustered_error(scores: list[float], documents: list[str]) -> float:
    raise NotImplementedError("your turn")
