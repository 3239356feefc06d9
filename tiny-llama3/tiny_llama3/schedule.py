"""The learning rate over a run, as a share of the highest: warm-up, then one of two shapes.

cosine  falls along half a cosine from the end of the warm-up on (Loshchilov & Hutter 2017, arXiv:1608.03983)
wsd     warm-up, stable, decay: stays at the highest and falls in a straight line at the end (Hu et al. 2024,
        arXiv:2404.06395). The stable part can be prolonged afterwards; a cosine must know its end before it begins.
"""

import math


def rate_share(
    step: int, steps: int, shape: str, warmup_steps: int, decay_share: float = 0.2, final_share: float = 0.1
) -> float:
    """Of step number 1 to `steps`: from 1/warmup_steps up to 1 and, in the last step, `final_share`.

    `decay_share` is the part of all steps in which wsd falls.
    """
    if step < warmup_steps:
        return step / warmup_steps
    begin = warmup_steps if shape == "cosine" else max(warmup_steps, steps - round(decay_share * steps))
    progress = min(1.0, max(0.0, (step - begin) / max(1, steps - begin)))
    height = (1 + math.cos(math.pi * progress)) / 2 if shape == "cosine" else 1 - progress
    return final_share + (1 - final_share) * height
