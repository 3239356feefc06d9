"""Chapter 5: a question among the topics.

`matrix` has a row for each text and a column for each word. Take its singular value decomposition, keep the `k`
strongest directions, bring the texts and the question (a row like those of the matrix) into their coordinates, and
return the cosine of the question with every text. No text and no question lies at the origin.

对矩阵做奇异值分解，留下最强的 `k` 个方向；把各篇文字和问题都换成这 k 个坐标，返回问题与每篇文字的余弦。
"""

import numpy as np


def cosines(matrix: np.ndarray, question: np.ndarray, k: int) -> np.ndarray:
    raise NotImplementedError("your turn")
