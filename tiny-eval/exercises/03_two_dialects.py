"""Chapter 3: ROUGE-1 in both dialects; return (google's F, pip's F).

    google   words: the runs of a-z and 0-9 of the lower-cased text; a word is in common as often as both texts have it;
             divide by the number of words; F = 2pr / (p + r), and 0 if nothing is in common
    pip      words: cut the text at every full stop, then at white space; case and other punctuation stay;
             SETS of words; F = 2pr / (p + r + 0.00000001); every text here has at least one word

用两种方言各算一次 ROUGE-1，返回 (google, pip)。google：小写，只留 a-z 和 0-9 的连串，同一个词可以算多次；
pip：先按句点切，再按空白切，大小写和其余标点都保留，用集合，分母上多加 0.00000001。
"""


def rouge_1(pred: str, answer: str) -> tuple[float, float]:
    raise NotImplementedError("your turn")
