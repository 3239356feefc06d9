"""Qwen's tokenizer: text -> special tokens and the rest -> normal form -> pre-tokens -> bytes -> merges -> ids.

A pre-token is a stretch that no merge crosses. Qwen cuts as GPT-4 does, but every digit stands alone.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import regex  # type: ignore[import-untyped]  # unlike re, it knows \p{L}, the letters of every script

from qwen_blog.byte_pairs import merge
from qwen_blog.problem import Problem

QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"  # the ends of English words
    r"|[^\r\n\p{L}\p{N}]?\p{L}+"  # a word, with the space or sign before it
    r"|\p{N}"  # one digit
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"  # signs, with the ends of lines after them
    r"|\s*[\r\n]+"  # empty lines
    r"|\s+(?!\S)"  # spaces, but for the last, which goes to the word after it
    r"|\s+"
)
KEPT = 50_000  # pre-tokens whose ids are remembered
NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]


@dataclass(frozen=True)
class Added:
    """A token that is found in a text as it stands, before the text is cut: <|im_start|>, <tool_call>."""

    text: str
    id: int
    special: bool = True


class Tokenizer:
    """`decode(encode(text))` is the text in its normal form.

    vocab   the ordinary tokens: bytes -> id
    merges  pairs of tokens, the one that is joined first first
    added   tokens with a name
    chat_template  the Jinja text of the folder, if there is one (chat_template.py reads from it which format it is)
    """

    def __init__(
        self,
        vocab: Mapping[bytes, int],
        merges: Iterable[tuple[bytes, bytes]],
        added: Iterable[Added] = (),
        *,
        pattern: str = QWEN_PATTERN,
        normal_form: NormalForm | None = "NFC",
        ignore_merges: bool = False,
        chat_template: str | None = None,
    ) -> None:
        self.vocab = dict(vocab)
        self.added = {token.text: token for token in added}
        self.special = {token.text: token.id for token in self.added.values() if token.special}
        self.normal_form, self.ignore_merges, self.chat_template = normal_form, ignore_merges, chat_template
        try:
            self._pattern = regex.compile(pattern, regex.V1 | regex.MULTILINE)
        except regex.error as error:
            raise Problem(
                f"the pattern that cuts texts is no regular expression ({error}); copy the file again"
            ) from None
        if missing := [byte for byte in range(256) if bytes([byte]) not in self.vocab]:
            raise Problem(f"{len(missing)} bytes have no token, so this is no byte-level vocabulary; copy it again")
        self._byte_ids = [self.vocab[bytes([byte])] for byte in range(256)]
        self._merges: dict[tuple[int, int], tuple[int, int]] = {}
        for rank, (left, right) in enumerate(merges):
            if not {left, right, left + right} <= self.vocab.keys():
                raise Problem(f"the merge of {left!r} and {right!r} needs tokens that the vocabulary lacks; "
                              "take both from the same folder")  # fmt: skip
            self._merges.setdefault((self.vocab[left], self.vocab[right]), (rank, self.vocab[left + right]))
        self._bytes_of = {id: data for data, id in self.vocab.items()}
        self._bytes_of |= {token.id: token.text.encode() for token in self.added.values()}
        longest_first = sorted(self.added, key=len, reverse=True)
        self._named = re.compile("|".join(map(re.escape, longest_first))) if self.added else None
        self._ids_of: dict[str, list[int]] = {}

    @classmethod
    def from_folder(cls, folder: str | Path) -> "Tokenizer":
        """Read tokenizer.json, or vocab.json and merges.txt. Raises Problem for what is missing or damaged."""
        from qwen_blog import tokenizer_files  # here, because that file imports this one

        return tokenizer_files.read(Path(folder))

    def __len__(self) -> int:
        """The highest id + 1: the least vocabulary that a model needs."""
        return max(self._bytes_of) + 1

    def encode(self, text: str, *, allow_special: bool = True) -> list[int]:
        """The ids of the text. `allow_special=False`: the name of a special token is text like any other.

        Text of somebody else must be encoded that way, or a "<|im_end|>" in it ends the message and speaks in another
        role (chat_template.py does so).
        """
        ids: list[int] = []
        for part in self.parts(text, allow_special):
            if isinstance(part, Added):
                ids.append(part.id)
                continue
            for pretoken in self.pretokens(part):
                ids += self._encoded(pretoken)
        return ids

    def pretokens(self, text: str) -> list[str]:
        """The stretches that no merge crosses, of the text in its normal form."""
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Problem(
                f"the text has half a character ({text[error.start]!r}) at {error.start}; remove it"
            ) from None
        normal = unicodedata.normalize(self.normal_form, text) if self.normal_form else text
        cut, end = [], 0
        for match in self._pattern.finditer(normal):
            cut += [piece for piece in (normal[end : match.start()], match.group()) if piece]
            end = match.end()
        return cut + ([normal[end:]] if end < len(normal) else [])

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The text. Bytes that are no UTF-8, which a model may write, become U+FFFD."""
        skipped = set(self.special.values()) if skip_special else set()
        return b"".join(self.token_bytes(id) for id in ids if id not in skipped).decode("utf-8", "replace")

    def stream(self, ids: Iterable[int], *, skip_special: bool = False) -> Iterator[str]:
        """The text as the ids come; a character whose bytes are spread over several tokens comes with the last one."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        skipped = set(self.special.values()) if skip_special else set()
        for id in ids:
            if id in skipped:
                continue
            if piece := decoder.decode(self.token_bytes(id)):
                yield piece
        if rest := decoder.decode(b"", final=True):
            yield rest

    def token_bytes(self, id: int) -> bytes:
        """What the token stands for; a special one for its name. Ids that a model has beyond the tokenizer: U+FFFD."""
        if not id >= 0:
            raise Problem(f"{id} is no token; use the tokenizer of this model")
        return self._bytes_of.get(id, "\ufffd".encode())

    def parts(self, text: str, allow_special: bool = True) -> Iterator[str | Added]:
        """The tokens with a name, and the text between them."""
        end = 0
        for match in self._named.finditer(text) if self._named else ():
            token = self.added[match.group()]
            if token.special and not allow_special:
                continue
            if match.start() > end:
                yield text[end : match.start()]
            yield token
            end = match.end()
        if end < len(text):
            yield text[end:]

    def _encoded(self, pretoken: str) -> list[int]:
        if (known := self._ids_of.get(pretoken)) is not None:
            return known
        data = pretoken.encode()
        if self.ignore_merges and data in self.vocab:
            ids = [self.vocab[data]]
        else:
            ids = merge([self._byte_ids[byte] for byte in data], self._merges)
        if len(self._ids_of) < KEPT:
            self._ids_of[pretoken] = ids
        return ids
