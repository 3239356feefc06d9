"""Write on: read the prompt at once, then one token after the other, each chosen from the logits of the last.

Shapes: B batch, T positions, V vocabulary.
"""

import random
from collections.abc import Iterator, Sequence

import torch

from qwen_blog.model import Qwen
from qwen_blog.problem import Problem
from qwen_blog.sampling import Sampling, choose


def generate(model: Qwen, ids: Sequence[int], max_new_tokens: int = 100, sampling: Sampling | None = None,
             seed: int = 0, use_cache: bool = True) -> list[int]:  # fmt: skip
    """What the model writes after `ids`, the token that ends it included. The defaults are greedy."""
    return list(steps(model, ids, max_new_tokens, sampling, seed, use_cache))


@torch.inference_mode()
def steps(model: Qwen, ids: Sequence[int], max_new_tokens: int = 100, sampling: Sampling | None = None, seed: int = 0,
          use_cache: bool = True) -> Iterator[int]:  # fmt: skip
    """One token after the other, as they come; the same seed gives the same text.

    Ends with a token that the configuration or the sampling calls an end, after `max_new_tokens`, or where the model's
    positions end. Raises Problem for an empty prompt or one that is too long.
    """
    sampling = sampling or Sampling()
    text, config = list(ids), model.config
    if not text:
        raise Problem("the prompt has no token; write something")
    if max_new_tokens < 0:
        raise Problem(f"max_new_tokens must be 0 or more (got {max_new_tokens}); change it")
    if len(text) > config.max_position_embeddings:
        raise Problem(f"the prompt has {len(text):,} tokens, the model {config.max_position_embeddings:,} positions; "
                      "shorten it")  # fmt: skip
    ends, chance = config.ends | sampling.ends, random.Random(seed)
    most = min(max_new_tokens, config.max_position_embeddings - len(text))
    cache = model.new_cache(1, len(text) + most) if use_cache else None
    device = "cpu" if model.lm_head.weight.is_meta else model.lm_head.weight.device
    new_BT = torch.tensor([text], device=device)
    for _ in range(most):
        logits_B1V = model(new_BT, cache=cache, last=True)
        id = choose(logits_B1V[0, -1], text, sampling, chance)
        yield id
        if id in ends:
            return
        text.append(id)
        new_BT = torch.tensor([[id] if use_cache else text], device=device)
