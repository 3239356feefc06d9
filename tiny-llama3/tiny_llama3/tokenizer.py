"""Llama 3's tokenizer: text -> pre-tokens -> bytes -> merges -> ids, and back.

Ordinary tokens are numbered first (256 bytes, then one token for each merge), special tokens after them.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path

from tiny_llama3.added_tokens import AddedToken, AddedTokens, Allowed
from tiny_llama3.bpe import BYTE_ORDER, Pair, Progress, learn_merges, merge
from tiny_llama3.decode_stream import DecodeStream
from tiny_llama3.pretoken_cache import PretokenCache
from tiny_llama3.pretokenize import LLAMA3_PATTERN, PreTokenizer, count_pretokens
from tiny_llama3.problem import Problem
from tiny_llama3.processes import map_in_order
from tiny_llama3.text_input import checked, in_batches

BOS, EOS, PAD, EOT = "<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>", "<|eot_id|>"
SPECIAL = (BOS, EOS, PAD, "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", EOT, "<|python_tag|>")


class Tokenizer:
    """`decode(encode(text)) == text`, whatever the text.

    vocab          the ordinary tokens: bytes -> id
    ranks          the merges: (left, right) -> rank; the lowest is made first
    added          special tokens, and others that are found in a text as they stand
    ignore_merges  a pre-token that is a token as a whole is not merged (in Llama 3's file, merges don't reach some)
    """

    def __init__(
        self,
        vocab: Mapping[bytes, int],
        ranks: Mapping[tuple[bytes, bytes], int],
        added: Iterable[AddedToken] = (),
        *,
        pre_tokenizer: PreTokenizer | None = None,
        ignore_merges: bool = False,
        bos: str = BOS,
        eos: str = EOS,
        pad: str = PAD,
    ) -> None:
        self.vocab = dict(vocab)
        self.pre_tokenizer = pre_tokenizer or PreTokenizer()
        self.added = AddedTokens(added, self.pre_tokenizer.normalize)
        self.ignore_merges = ignore_merges
        self.special = {token.text: token.id for token in self.added.all if token.special}
        self.bos_id, self.eos_id, self.pad_id, self.eot_id = map(self.special.get, (bos, eos, pad, EOT))

        self._bytes_of = {id: token for token, id in self.vocab.items()}
        for token in self.added.all:
            data = token.text.encode()
            if self._bytes_of.setdefault(token.id, data) != data:
                raise Problem(
                    f"{token.id} is the id of {token.text!r} and of {self._bytes_of[token.id]!r}; renumber one"
                )
        self._id_of_byte = {token[0]: id for token, id in self.vocab.items() if len(token) == 1}
        self._rank_of: dict[Pair, int] = {}
        self._id_of_rank: dict[int, int] = {}
        for (left, right), rank in ranks.items():
            self._rank_of[self.vocab[left], self.vocab[right]] = rank
            self._id_of_rank[rank] = self.vocab[left + right]
        self._ids_of = PretokenCache(self._merged)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        pattern: str = LLAMA3_PATTERN,
        processes: int = 1,
        progress: Progress | None = None,
    ) -> "Tokenizer":
        """Learn `vocab_size` ordinary tokens from the texts, which may be a stream; special tokens come after them."""
        if vocab_size < 256:
            raise Problem(f"vocab_size must be 256 or more, a token for each byte (got {vocab_size})")
        pre_tokenizer = PreTokenizer([pattern])
        counts = count_pretokens(texts, pre_tokenizer, processes)
        if not counts:
            raise Problem("there is no text to learn from; give some that isn't empty")
        merges = learn_merges(counts, vocab_size - 256, progress)
        if (largest := 256 + len(merges)) < vocab_size:
            raise Problem(f"the texts support a vocab_size of {largest} at most (got {vocab_size}); give more text")
        tokens = [bytes([byte]) for byte in BYTE_ORDER]
        for left, right in merges:
            tokens.append(tokens[left] + tokens[right])
        if clash := {name.encode() for name in SPECIAL} & set(tokens):
            raise Problem(f"the texts made an ordinary token of {min(clash)!r}; give a pattern that cuts it")
        return cls(
            {token: id for id, token in enumerate(tokens)},
            {(tokens[left], tokens[right]): rank for rank, (left, right) in enumerate(merges)},
            [AddedToken(name, vocab_size + number) for number, name in enumerate(SPECIAL)],
            pre_tokenizer=pre_tokenizer,
        )

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read a tokenizer.json, or Llama 3's tokenizer.model (a rank file of tiktoken), or a folder's one of them."""
        from tiny_llama3 import tokenizer_files  # here, because that file imports this one

        return tokenizer_files.load(Path(path))

    def save(self, path: str | Path, write: Callable[[Path, bytes], object] | None = None) -> None:
        """Write tokenizer.json into a folder, or a path that ends in .json; `write` puts the bytes there."""
        from tiny_llama3 import tokenizer_files

        tokenizer_files.save(self, Path(path), write)

    @property
    def vocab_size(self) -> int:
        """The number of ordinary tokens."""
        return len(self.vocab)

    def __len__(self) -> int:
        """The highest id + 1, special tokens included: the least vocabulary that a model needs."""
        return max(self._bytes_of) + 1

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """What is joined with what, the lowest rank first."""
        pairs = sorted(self._rank_of, key=lambda pair: (self._rank_of[pair], pair))
        return [(self._bytes_of[left], self._bytes_of[right]) for left, right in pairs]

    def rank(self, left: bytes, right: bytes) -> int | None:
        """The rank of the merge that joins the two tokens, if there is one."""
        return self._rank_of.get((self.vocab.get(left, -1), self.vocab.get(right, -1)))

    def encode(self, text: str, *, allowed_special: Allowed = ()) -> list[int]:
        """The ids of the text, without BOS and EOS.

        The name of a special token counts as ordinary text, unless `allowed_special` has it or is "all".
        """
        ids: list[int] = []
        for part in self.added.cut(checked(text), self.added.allowed(allowed_special)):
            if isinstance(part, AddedToken):
                ids.append(part.id)
            else:
                ids += chain.from_iterable(map(self._ids_of.__getitem__, self.pre_tokenizer.split(part)))
        return ids

    def encode_batch(
        self, texts: Iterable[str], *, processes: int = 1, allowed_special: Allowed = ()
    ) -> list[list[int]]:
        """The ids of each text. Several processes share the work if that is more than a second's or so."""
        parts = map_in_order(_encode, (self, allowed_special), in_batches(texts), processes)
        return list(chain.from_iterable(parts))

    def _merged(self, pretoken: str) -> tuple[int, ...]:
        data = pretoken.encode()
        if self.ignore_merges and data in self.vocab:
            return (self.vocab[data],)
        try:
            ids = list(map(self._id_of_byte.__getitem__, data))
        except KeyError as missing:
            raise Problem(f"the tokenizer has no token for byte {missing} of {pretoken[:40]!r}; use another") from None
        return tuple(merge(ids, self._rank_of, self._id_of_rank))

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The text. Bytes that are no UTF-8, which a model may write, become U+FFFD."""
        stream = self.decode_stream(skip_special=skip_special)
        return stream.push(*ids) + stream.flush()

    def decode_stream(self, *, skip_special: bool = False) -> DecodeStream:
        """For ids that come one after the other: push(id) gives the text that is complete, flush() the rest."""
        return DecodeStream(self.token_bytes, self.special.values() if skip_special else ())

    def token_bytes(self, id: int) -> bytes:
        """What the token stands for; a special token stands for its name."""
        try:
            return self._bytes_of[id]
        except KeyError:
            raise Problem(f"{id} is no token: ids go to {len(self) - 1}; use the tokenizer of this model") from None


def _encode(shared: tuple[Tokenizer, Allowed], texts: list[str]) -> list[list[int]]:
    tokenizer, allowed_special = shared
    return [tokenizer.encode(text, allowed_special=allowed_special) for text in texts]
