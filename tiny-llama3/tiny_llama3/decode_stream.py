"""Text from ids as a model writes them, one after the other: a character's bytes may be spread over several tokens."""

import codecs
from collections.abc import Callable, Collection


class DecodeStream:
    """What was pushed, and at last what `flush` gives, joined, is what `decode` makes of all ids at once."""

    def __init__(self, bytes_of: Callable[[int], bytes], skipped: Collection[int] = ()) -> None:
        self._bytes_of = bytes_of
        self._skipped = frozenset(skipped)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, *ids: int) -> str:
        """The text that these ids complete; may be empty."""
        return self._decoder.decode(b"".join(self._bytes_of(id) for id in ids if id not in self._skipped))

    def flush(self) -> str:
        """The end: the beginning of a character that was never finished becomes U+FFFD."""
        return self._decoder.decode(b"", final=True)
