"""Chapter 4: how many weights has a Transformer?

There are `vocab_size` tokens on the source's side and `target_vocab_size` on the target's, `n_layers` layers in the
encoder and as many in the decoder; D = `d_model`, F = `d_ff`. Count:

- two embeddings, a row of D for every token, and the last layer, D x target_vocab_size without a bias
- an attention: four D x D matrices, each with a bias
- a feed-forward network: D to F and F to D, both with a bias
- a norm: a gain and a shift for each of the D features; two in an encoder layer, three in a decoder layer
- only with `pre_norm`: one more norm at the end of each side

Positions are computed, not learned: they count nothing.

数一数 Transformer 的参数：两个词嵌入、最后的线性层（无偏置）、
各层的注意力（四个 D×D 矩阵，都带偏置）、前馈网络和层归一化。位置编码是算出来的，不算参数。
"""


def parameters(vocab_size: int, target_vocab_size: int, d_model: int, n_layers: int, d_ff: int, pre_norm: bool) -> int:
    raise NotImplementedError("your turn")
