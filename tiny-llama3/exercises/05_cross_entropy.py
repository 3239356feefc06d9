"""Chapter 5: the loss. How surprised is the model, for a token and for a byte?

`cross_entropy`: p = softmax(logits), and the loss of a position is -ln p(target). A target of -100 is ignored: nobody
could know what stands there. Return the mean over the positions that count; at least one does. Four tokens whose logits
are all 0 have p = 1/4 each:

    targets [2, -100, 1]: (ln 4 + ln 4) / 2 = 1.3863 nats

`bits_per_byte`: a tokenizer with longer tokens has fewer, and each is harder to guess. To compare models, divide by the
bytes of the text, not by the tokens: all nats of the positions that count, in bits (1 bit = ln 2 nats), over all bytes
of their targets. If tokens 0, 1, 2, 3 have 1, 1, 3 and 5 bytes:

    2 · ln 4 nats = 4 bits, for 3 + 1 = 4 bytes: 1.0

Logits may be large: exp(1000) is inf. ln p stays the same if you subtract the largest logit first. Write it without
torch's cross_entropy and log_softmax.

损失：目标的概率取负对数，忽略目标为 -100 的位置，再求平均。
每字节比特数：把计入的位置的损失加起来，换算成比特，除以这些目标一共的字节数。logit 可能很大，先减去最大的。
"""

import torch


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean loss in nats, one number. `logits` (B, T, V), `targets` (B, T), -100 where there is none."""
    raise NotImplementedError("your turn")


def bits_per_byte(logits: torch.Tensor, targets: torch.Tensor, bytes_of: torch.Tensor) -> torch.Tensor:
    """As above, for a byte of text and in bits. `bytes_of` (V,): how many bytes each token stands for."""
    raise NotImplementedError("your turn")
