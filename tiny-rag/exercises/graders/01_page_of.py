"""Compare with a walk over all spans, as Passage.span_at does it; then time is limited by counting the steps."""

import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from tiny_shared.exercises import Wrong, expect

from tiny_rag.passages import Passage
from tiny_rag.readers import Span


class Counted(list[Any]):
    """A list that counts how often it's looked into."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += len(range(*index.indices(len(self)))) if isinstance(index, slice) else 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.looks += 1
            yield item


def check(answer: ModuleType) -> None:
    rng = random.Random(1)
    for pages in (1, 2, 3, 50):
        ends = sorted(rng.sample(range(1, 1000), pages))
        spans = list(zip([0, *ends], ends, strict=False))
        oracle = Passage("p", "", "", 0, ends[-1], spans=tuple(Span(*span) for span in spans))
        for offset in {0, ends[-1] - 1, *ends[:-1], *(rng.randrange(ends[-1]) for _ in range(50))}:
            found = oracle.span_at(offset)
            wanted = spans.index((found.start, found.end))
            expect(f"page_of({spans}, {offset})", answer.page_of(spans, offset), wanted)
    many = Counted((start, start + 2) for start in range(0, 200_000, 2))
    expect("page_of of 100,000 spans", answer.page_of(many, 123_456), 61_728)
    if many.looks > 100:
        raise Wrong(f"page_of looks at {many.looks} of 100,000 spans; halving the range needs about 17")
