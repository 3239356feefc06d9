"""Count tokens as a given model does: any `tokenizer.json`, through the `tokenizers` package."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np


class TokenizerProblem(ValueError):
    """A tokenizer file that can't be used. The message says what to do next."""


def load(path: Path) -> tuple[Callable[[str], np.ndarray], str]:
    """A function from text to the offsets at which its tokens begin, and the tokenizer's name for the passport."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise TokenizerProblem("--tokenizer needs the package tokenizers; pip install tokenizers") from None
    data = path.read_bytes()
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except Exception as error:  # the package raises bare Exception
        raise TokenizerProblem(
            f"{path} is no tokenizer.json ({error}); name the file of a Hugging Face model"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def find_starts(text: str) -> np.ndarray:
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        starts = np.array([start for start, _ in offsets], np.int64)
        # a tokenizer may drop characters, but a chunk must not: the first one begins where the text does
        return np.maximum.accumulate(np.concatenate([[0], starts[1:]])) if len(starts) else np.zeros(1, np.int64)

    return find_starts, f"{path.name} {hashlib.sha256(data).hexdigest()[:12]}"
