"""Chapter 5: a shift is a rotation.

Return the D x D matrix M that moves every position by `shift`. For every t:

    M @ positions[t] = positions[t + shift]

where `positions` is what `sinusoidal_positions` gives and D is even. Feature 2i is sin(t · w), feature 2i + 1 is
cos(t · w), with w = 10000^(-2i / D). The two identities that you need:

    sin(a + b) = sin a · cos b + cos a · sin b        cos(a + b) = cos a · cos b - sin a · sin b

A list of D rows. `shift` may be negative.

位移就是旋转：求矩阵 M，使 M 乘以位置 t 的向量等于位置 t + shift 的向量，对所有 t 都成立。
特征两两成对，每对转过同一个角度。
"""


def shift_matrix(shift: int, d_model: int) -> list[list[float]]:
    raise NotImplementedError("your turn")
