"""tokenizer.json, the file of the `tokenizers` library, read and written.

It can ask for much that byte-level tokenizers of language models don't use. What can't be done exactly as there is
refused by name: ids that differ a little would make a model a little worse, and nobody would notice.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

from tiny_llama3.added_tokens import AddedToken
from tiny_llama3.bpe import BYTE_ORDER, PRINTABLE
from tiny_llama3.pretokenize import NormalForm, PreTokenizer
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer

# The character that stands for each byte in tokenizer.json: itself where it is printable, else one from U+0100 on.
CHARACTERS = [*map(chr, PRINTABLE), *map(chr, range(256, 512 - len(PRINTABLE)))]
CHARACTER_OF = dict(zip(BYTE_ORDER, CHARACTERS, strict=True))
BYTE_OF = {character: byte for byte, character in CHARACTER_OF.items()}

# what ByteLevel cuts by when it is told no pattern
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def from_json(data: bytes, roles: Mapping[str, str] | None = None) -> Tokenizer:
    """The tokenizer of a tokenizer.json; `roles` may say which tokens are bos, eos and pad."""
    content = mapping(parsed(data), "a tokenizer.json")
    model = mapping(content.get("model"), "model")
    if model.get("type", "BPE") != "BPE":
        raise Problem(f"its model is {model['type']}; only byte-level BPE can be read, so use a model that has it")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(name):
            raise Problem(f"its model has {name} {model[name]!r}, which byte-level BPE hasn't; use a model without")
    pre_tokenizer = _pre_tokenizer(content)
    entries = mapping(model.get("vocab"), "model.vocab")
    if not entries or not all(type(id) is int and id >= 0 for id in entries.values()):
        raise Problem("model.vocab should map tokens to ids from 0 on; copy the file again")
    if len(set(entries.values())) < len(entries):
        raise Problem("two tokens of model.vocab have the same id; copy the file again")
    merges = [_pair(merge, entries) for merge in _list(model.get("merges"), "model.merges")]
    added = _added_tokens(content.get("added_tokens") or [], entries)
    # an added token may be listed there, too; then it is an ordinary one only if merges lead to it
    merged = {part for left, right in merges for part in (left, right, left + right)}
    not_ordinary = {token.text for token in added if len(token.text) > 1} - merged
    bytes_of = {entry: _bytes(entry) for entry in entries if entry not in not_ordinary}
    return Tokenizer(
        {token: entries[entry] for entry, token in bytes_of.items()},
        {(bytes_of[left], bytes_of[right]): rank for rank, (left, right) in enumerate(merges)},
        added,
        pre_tokenizer=pre_tokenizer,
        ignore_merges=bool(model.get("ignore_merges")),
        **(roles or {}),
    )


def to_json(tokenizer: Tokenizer) -> bytes:
    """tokenizer.json. It has no post-processor: as with `encode`, nobody gets a BOS who didn't ask for it."""
    vocab = {_characters(token): id for token, id in sorted(tokenizer.vocab.items(), key=lambda item: item[1])}
    added = tokenizer.added.all
    for token in added:
        if vocab.get(token.text, token.id) != token.id:
            raise Problem(f"{token.text!r} is an ordinary and an added token; tokenizer.json can't tell them apart")
    if [token.id for token in added] != list(range(len(vocab), len(vocab) + len(added))):
        # `tokenizers` numbers them itself, one after the other, unless they are in the vocabulary
        vocab |= {token.text: token.id for token in added}
    cutter = tokenizer.pre_tokenizer
    byte_level = {"type": "ByteLevel", "add_prefix_space": cutter.add_prefix_space, "trim_offsets": True,
                  "use_regex": False}  # fmt: skip
    if cutter.add_prefix_space:
        if cutter.patterns not in ((), (GPT2_PATTERN,)):
            raise Problem(
                "tokenizer.json can't have add_prefix_space and a pattern other than GPT-2's; leave out one of the two"
            )
        pre_tokenizer: dict[str, Any] = byte_level | {"use_regex": bool(cutter.patterns)}
    else:
        splits = [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
            for pattern in cutter.patterns
        ]
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [*splits, byte_level]}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": token.id, "content": token.text, "single_word": False, "lstrip": token.lstrip,
             "rstrip": token.rstrip, "normalized": token.normalized, "special": token.special}
            for token in added
        ],
        "normalizer": {"type": cutter.normal_form} if cutter.normal_form else None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "ignore_merges": tokenizer.ignore_merges, "vocab": vocab,
            "merges": [f"{_characters(left)} {_characters(right)}" for left, right in tokenizer.merges],
        },
    }  # fmt: skip
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def parsed(data: bytes) -> Any:
    """The value of JSON text."""
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise Problem("this isn't text, but JSON in UTF-8 should be here; is it another file's content?") from None
    except (ValueError, RecursionError) as error:
        raise Problem(f"this isn't JSON, or only a part of it ({error}); copy the file again") from None


def mapping(value: Any, name: str) -> dict[str, Any]:
    """The value, if it is a JSON object."""
    if not isinstance(value, dict):
        raise Problem(f"{name} should be an object {{...}} and is {str(value)[:40]}; is this the right file?")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise Problem(f"{name} should be a list [...] and is {str(value)[:40]}; is this the right file?")
    return value


def _pair(merge: Any, vocab: Mapping[str, int]) -> tuple[str, str]:
    """A merge is a list of two tokens, in older files a text with a space between them."""
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if not (isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) for part in parts)):
        raise Problem(f"the merge {str(merge)[:60]!r} is no pair of tokens; copy the file again")
    for token in (*parts, "".join(parts)):
        if token not in vocab:
            raise Problem(
                f"the merge {' '.join(parts)!r} needs {token!r}, which model.vocab lacks; copy the file again"
            )
    return parts[0], parts[1]


def _bytes(entry: str) -> bytes:
    try:
        return bytes(map(BYTE_OF.__getitem__, entry))
    except KeyError:
        raise Problem(
            f"the token {entry!r} isn't spelled in bytes, so this is no byte-level tokenizer, perhaps SentencePiece's; "
            "use a model that has one"
        ) from None


def _characters(token: bytes) -> str:
    return "".join(map(CHARACTER_OF.__getitem__, token))


def _added_tokens(entries: Any, vocab: Mapping[str, int]) -> list[AddedToken]:
    tokens: dict[str, AddedToken] = {}
    following = len(vocab)
    for entry in _list(entries, "added_tokens"):
        entry = mapping(entry, "an added token")
        text, id = entry.get("content"), entry.get("id")
        if not isinstance(text, str) or not text or type(id) is not int or text in tokens:
            raise Problem(f"added_tokens has {str(entry)[:80]}: no content, no id, or twice; copy the file again")
        if entry.get("single_word"):
            raise Problem(f"the added token {text!r} has single_word, which can't be used; set it to false")
        if id != (expected := vocab.get(text, following)):
            raise Problem(
                f"the added token {text!r} says that its id is {id}, but `tokenizers` would number it {expected}; "
                "put it into model.vocab"
            )
        if text in vocab and all(letter in BYTE_OF for letter in text) and _bytes(text) != text.encode():
            raise Problem(f"the added token {text!r} is spelled like the bytes {_bytes(text)!r}; rename it")
        following += text not in vocab
        special = bool(entry.get("special"))
        flags = {name: bool(entry.get(name)) for name in ("lstrip", "rstrip")}
        tokens[text] = AddedToken(text, id, special, bool(entry.get("normalized", not special)), **flags)
    return [*tokens.values()]


def _steps(content: Mapping[str, Any], name: str, inner: str) -> list[dict[str, Any]]:
    """The normalizers or pre-tokenizers, with those of a Sequence in its place."""
    step = content.get(name)
    if step is None:
        return []
    if mapping(step, name).get("type") != "Sequence":
        return [step]
    return [one for each in _list(step.get(inner), f"{name}.{inner}") for one in _steps({name: each}, name, inner)]


def _pre_tokenizer(content: Mapping[str, Any]) -> PreTokenizer:
    forms = [step.get("type") for step in _steps(content, "normalizer", "normalizers")]
    if len(forms) > 1 or not set(forms) <= set(get_args(NormalForm)):
        raise Problem(f"its normalizer is {' + '.join(map(str, forms))}; only NFC, NFD, NFKC and NFKD can be used")
    *splits, last = _steps(content, "pre_tokenizer", "pretokenizers") or [{}]
    if last.get("type") != "ByteLevel":
        end = last.get("type", "missing")
        raise Problem(f"its (last) pre-tokenizer is {end}, not ByteLevel; use a model with byte-level BPE")
    patterns = [_pattern(step) for step in splits]
    prefix = bool(last.get("add_prefix_space"))
    if prefix and patterns:
        raise Problem("its ByteLevel has add_prefix_space after a Split, which can't be used; set it to false")
    if last.get("use_regex", True):
        patterns.append(GPT2_PATTERN)
    return PreTokenizer(patterns, add_prefix_space=prefix, normal_form=forms[0] if forms else None)


def _pattern(step: Mapping[str, Any]) -> str:
    """What a pre-tokenizer before ByteLevel cuts by."""
    kind, pattern = step.get("type"), step.get("pattern")
    if kind == "Digits":
        return r"\p{N}" if step.get("individual_digits") else r"\p{N}+"
    if kind != "Split" or step.get("behavior") != "Isolated" or not isinstance(pattern, dict):
        asked = f"{kind} {step.get('behavior', '')}".strip()
        raise Problem(f"its pre-tokenizer has {asked}; only Split Isolated, Digits and ByteLevel can be used")
    if isinstance(pattern.get("String"), str):
        return re.escape(pattern["String"])
    if isinstance(pattern.get("Regex"), str):
        return str(pattern["Regex"])
    raise Problem(f"its Split has neither a Regex nor a String ({str(pattern)[:60]}); copy the file again")
