"""Chapter 4: the score of one text by BM25.

`texts` are lists of terms, `query` is a list of different terms, and `number` says which text to score. Add up, for
each term of the query:

    idf = ln(1 + (N - n + 0.5) / (n + 0.5))       N texts, n of them hold the term
    idf * c / (c + r)                             c: how often text `number` holds the term
    r = 1.5 * (0.25 + 0.75 * length / mean)       lengths in terms; mean over all texts

A term that no text holds adds nothing.

按 BM25 给一段文字打分：每个查询词的 idf 乘以 c / (c + r)，再相加；谁也没有的词不加分。
"""


def score(texts: list[list[str]], query: list[str], number: int) -> float:
    raise NotImplementedError("your turn")
