"""The files of a tokenizer: tokenizer.json (of the `tokenizers` library), or vocab.json and merges.txt.

What can't be done exactly as there is refused by name: ids that differ a little would make a model a little worse, and
nobody would notice.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from qwen_blog.byte_pairs import BYTE_OF
from qwen_blog.problem import Problem
from qwen_blog.tokenizer import QWEN_PATTERN, Added, NormalForm, Tokenizer

# what Qwen's models know where a folder has only vocab.json and merges.txt
QWEN_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def is_there(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file() or (folder / "vocab.json").is_file()


def read(folder: Path) -> Tokenizer:
    if not folder.is_dir():
        raise Problem(f"{folder} is no folder; name one that holds a tokenizer")
    try:
        if (folder / "tokenizer.json").is_file():
            return _from_tokenizer_json(_object(folder / "tokenizer.json"), _template(folder))
        if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            return _from_vocab(folder)
    except Problem as problem:
        raise Problem(f"{folder}: {problem}") from None
    raise Problem(f"{folder} has neither tokenizer.json nor vocab.json and merges.txt; copy the whole folder again")


def _template(folder: Path) -> str | None:
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    if not (folder / "tokenizer_config.json").is_file():
        return None
    template = _object(folder / "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else None


def _from_tokenizer_json(content: Mapping[str, Any], template: str | None) -> Tokenizer:
    model = content.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        raise Problem("tokenizer.json holds no BPE, which Qwen's tokenizer is; copy the file again")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(name):
            raise Problem(f"tokenizer.json has {name}, which byte-level BPE hasn't; use a Qwen tokenizer")
    vocab, merges = model.get("vocab"), model.get("merges")
    if not isinstance(vocab, dict) or not isinstance(merges, list):
        raise Problem("tokenizer.json has no vocab or no merges; copy the file again")
    added = []
    for entry in content.get("added_tokens") or ():
        text, id = (entry.get("content"), entry.get("id")) if isinstance(entry, dict) else (None, None)
        if not isinstance(text, str) or not text or type(id) is not int:
            raise Problem(f"added_tokens has {str(entry)[:60]}, without content or id; copy the file again")
        if entry.get("lstrip") or entry.get("rstrip") or entry.get("single_word"):
            raise Problem(f"the added token {text!r} has lstrip, rstrip or single_word, which no Qwen has; set them to "
                          "false")  # fmt: skip
        added.append(Added(text, id, bool(entry.get("special"))))
    forms = [step.get("type") for step in _steps(content.get("normalizer"), "normalizers")]
    if len(forms) > 1 or not set(forms) <= set(get_args(NormalForm)):
        raise Problem(f"tokenizer.json normalizes by {forms}; only one of NFC, NFD, NFKC, NFKD can be used")
    cuts = _steps(content.get("pre_tokenizer"), "pretokenizers")
    split = cuts[0] if len(cuts) == 2 and cuts[0].get("type") == "Split" else {}
    pattern = (split.get("pattern") or {}).get("Regex")
    last = cuts[-1] if cuts else {}
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space") or last.get("use_regex", True) or not pattern:
        raise Problem("tokenizer.json doesn't cut by one Split and ByteLevel as Qwen's does; use a Qwen tokenizer")
    if split.get("behavior") != "Isolated" or split.get("invert"):
        raise Problem(f"tokenizer.json's Split is {split.get('behavior')}, not Isolated; use a Qwen tokenizer")
    return Tokenizer(
        _vocab(vocab, {token.text for token in added}),
        [_pair(entry) for entry in merges],
        added,
        pattern=pattern,
        normal_form=forms[0] if forms else None,
        ignore_merges=bool(model.get("ignore_merges")),
        chat_template=template,
    )


def _from_vocab(folder: Path) -> Tokenizer:
    """Version 4 of the files: the named tokens stand in tokenizer_config.json or added_tokens.json."""
    vocab = _object(folder / "vocab.json")
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = [_pair(line) for line in lines if line.strip() and not line.startswith("#version")]
    named: dict[str, Added] = {}
    if (folder / "added_tokens.json").is_file():
        named |= {text: Added(text, id) for text, id in _object(folder / "added_tokens.json").items()}
    if (folder / "tokenizer_config.json").is_file():
        listed = _object(folder / "tokenizer_config.json").get("added_tokens_decoder") or {}
        for id, entry in listed.items():
            named[entry["content"]] = Added(entry["content"], int(id), bool(entry.get("special", True)))
    if not named:
        named = {text: Added(text, len(vocab) + number) for number, text in enumerate(QWEN_SPECIAL)}
    return Tokenizer(_vocab(vocab, set(named)), merges, named.values(), pattern=QWEN_PATTERN,
                     chat_template=_template(folder))  # fmt: skip


def _object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Problem(f"{file.name} is no JSON, or only a part of it ({error}); copy it again") from None
    if not isinstance(content, dict):
        raise Problem(f"{file.name} should be an object {{...}}; is it the right file?")
    return content


def _vocab(entries: Mapping[str, Any], named: set[str]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for entry, id in entries.items():
        if entry in named:
            continue
        if type(id) is not int or id < 0:
            raise Problem(f"the token {entry!r} has the id {str(id)[:20]!r}, which is no number; copy the file again")
        found[_bytes(entry)] = id
    if len(set(found.values())) < len(found):
        raise Problem("two tokens have the same id; copy the file again")
    return found


def _pair(merge: Any) -> tuple[bytes, bytes]:
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if not (isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) for part in parts)):
        raise Problem(f"the merge {str(merge)[:60]!r} is no pair of tokens; copy the file again")
    return _bytes(parts[0]), _bytes(parts[1])


def _bytes(entry: str) -> bytes:
    try:
        return bytes(map(BYTE_OF.__getitem__, entry))
    except KeyError:
        raise Problem(f"the token {entry!r} isn't spelled in bytes, so this is no byte-level tokenizer; "
                      "use a Qwen tokenizer") from None  # fmt: skip


def _steps(step: Any, inner: str) -> list[dict[str, Any]]:
    """The normalizers or pre-tokenizers, with those of a Sequence in its place."""
    if not isinstance(step, dict):
        return []
    return [one for each in step.get(inner) or () for one in _steps(each, inner)] if inner in step else [step]
