"""The files that hold a tokenizer: tokenizer.json, a rank file of tiktoken, tokenizer_config.json beside them."""

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_llama3.added_tokens import AddedToken
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import BOS, EOS, PAD, SPECIAL, Tokenizer
from tiny_llama3.tokenizer_json import from_json, mapping, parsed, to_json

LLAMA3_RANKS = 128_000


def llama31_special_tokens() -> list[str]:
    """The 256 names of Llama 3.1, in order; those without a use yet are reserved."""
    names = {0: BOS, 1: EOS, 4: PAD, 6: "<|start_header_id|>", 7: "<|end_header_id|>", 8: "<|eom_id|>",
             9: "<|eot_id|>", 10: "<|python_tag|>"}  # fmt: skip
    reserved = (f"<|reserved_special_token_{number}|>" for number in range(256))
    return [names.get(place) or next(reserved) for place in range(256)]


def find_tokenizer(folder: Path) -> Path | None:
    """The tokenizer's file in a model's folder: tokenizer.json, or else tokenizer.model."""
    return next((folder / name for name in ("tokenizer.json", "tokenizer.model") if (folder / name).is_file()), None)


def load(path: Path) -> Tokenizer:
    """Read the file, or the one that the folder holds; the name of a tokenizer.json ends in .json."""
    if path.is_dir():
        file = find_tokenizer(path)
        if file is None:
            raise Problem(f"{path} has no tokenizer.json and no tokenizer.model; name the folder that has one")
        path = file
    roles = _roles(path.with_name("tokenizer_config.json"))
    data = path.read_bytes()
    try:
        if not data:
            raise Problem("this file is empty; copy it again")
        return from_json(data, roles) if path.suffix == ".json" else from_ranks(data)
    except Problem as problem:
        raise Problem(f"{path}: {problem}") from None


def save(tokenizer: Tokenizer, path: Path, write: Callable[[Path, bytes], object] | None = None) -> None:
    """Write tokenizer.json, to the path if it ends in .json, else into that folder."""
    file = path if path.suffix == ".json" else path / "tokenizer.json"
    (write or _write)(file, to_json(tokenizer))


def from_ranks(data: bytes) -> Tokenizer:
    """The tokenizer of a tiktoken rank file: in each line a token in base64 and its rank, which is its id, too.

    It has no list of merges: two neighbours are joined if together they are a token, the lowest rank first.
    """
    vocab: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            text, rank = line.split()
            token, id = base64.b64decode(text, validate=True), int(rank)
        except (ValueError, binascii.Error):
            raise Problem(
                f"line {number} isn't a token in base64 and its rank ({line[:40]!r}); give a rank file of tiktoken, "
                "such as Llama 3's tokenizer.model (Llama 2's, of SentencePiece, is another thing)"
            ) from None
        if token in vocab or id < 0 or not token:
            raise Problem(f"line {number} repeats a token, or its rank is below 0 ({line[:40]!r}); copy the file again")
        vocab[token] = id
    if len(set(vocab.values())) < len(vocab):
        raise Problem("two tokens have the same rank; copy the file again")
    first = max(vocab.values()) + 1
    names = llama31_special_tokens() if len(vocab) == LLAMA3_RANKS else SPECIAL
    ranks = {
        (token[:cut], token[cut:]): id
        for token, id in vocab.items()
        for cut in range(1, len(token))
        if token[:cut] in vocab and token[cut:] in vocab
    }
    added = [AddedToken(name, first + number) for number, name in enumerate(names)]
    return Tokenizer(vocab, ranks, added, ignore_merges=True)


def tokenizer_config(tokenizer: Tokenizer, model_max_length: int) -> dict[str, Any]:
    """The content of tokenizer_config.json, by which `transformers` knows the class and the special tokens."""
    name_of = {id: name for name, id in tokenizer.special.items()}
    roles = {"bos_token": tokenizer.bos_id, "eos_token": tokenizer.eos_id, "pad_token": tokenizer.pad_id}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{role: name_of[id] for role, id in roles.items() if id is not None},
        "model_max_length": model_max_length,
        "clean_up_tokenization_spaces": False,
    }


def _roles(file: Path) -> dict[str, str]:
    """Which tokens are bos, eos and pad, by a tokenizer_config.json; {} if it isn't there: then Llama 3's names."""
    if not file.is_file():
        return {}
    try:
        config = mapping(parsed(file.read_bytes()), "a tokenizer_config.json")
    except Problem as problem:
        raise Problem(f"{file}: {problem}") from None
    roles = {}
    for role in ("bos", "eos", "pad"):
        name = config.get(f"{role}_token")
        name = name.get("content") if isinstance(name, dict) else name
        if isinstance(name, str):
            roles[role] = name
    return roles


def _write(path: Path, data: bytes) -> None:
    """Whoever opens the path sees the old content or the new one, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
