"""The sparse table against `collections.Counter`."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tiny_rag.term_counts import TermCounts

TERMS = st.sampled_from(["open", "dome", "夜", "天文", "é", "😀", "x1"])
TEXTS = st.lists(st.lists(TERMS, max_size=8), max_size=8)


def rows_of(table: TermCounts) -> list[dict[str, int]]:
    return [table.terms_of(row) for row in range(len(table))]


def counted(texts: list[list[str]]) -> list[dict[str, int]]:
    return [dict(Counter(text)) for text in texts]


@given(TEXTS)
def test_rows_lengths_and_frequencies(texts):
    table = TermCounts.from_terms(texts)
    assert len(table) == len(texts)
    assert rows_of(table) == counted(texts)
    assert table.lengths.tolist() == [len(text) for text in texts]
    frequency = Counter(term for text in texts for term in set(text))
    assert dict(zip(table.vocabulary, table.document_frequency.tolist(), strict=True)) == frequency


@given(TEXTS)
def test_by_term_holds_the_same_pairs_sideways(texts):
    table = TermCounts.from_terms(texts)
    order, starts = table.by_term
    assert sorted(order.tolist()) == list(range(len(table.term_ids)))
    for number, term in enumerate(table.vocabulary):
        pairs = order[starts[number] : starts[number + 1]]
        found = list(zip(table.row_of[pairs].tolist(), table.counts[pairs].tolist(), strict=True))
        assert found == [(row, text.count(term)) for row, text in enumerate(texts) if term in text]


@given(TEXTS.filter(len), st.data())
def test_chosen_rows(texts, data):
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=10))
    table = TermCounts.from_terms(texts)
    assert rows_of(table.rows(chosen)) == counted([texts[row] for row in chosen])
    assert table.rows(chosen).vocabulary == table.vocabulary


@given(TEXTS, TEXTS, st.data())
def test_one_table_followed_by_another(texts, more, data):
    kept = [row for row in range(len(texts)) if data.draw(st.booleans())]
    table = TermCounts.from_terms(texts).rows(kept).followed_by(TermCounts.from_terms(more))
    together = [texts[row] for row in kept] + more
    assert rows_of(table) == counted(together)
    assert sorted(table.vocabulary) == sorted({term for text in together for term in text})


@given(TEXTS)
def test_parts_round_trip(texts):
    table = TermCounts.from_terms(texts)
    parts = table.parts()
    assert all(array.dtype != object for array in parts.values())  # so that it saves without pickle
    again = TermCounts.from_parts(**parts)
    assert rows_of(again) == rows_of(table)
    assert again.vocabulary == table.vocabulary


@given(TEXTS, TEXTS)
def test_over_a_given_vocabulary_other_terms_are_left_out(texts, more):
    vocabulary = TermCounts.from_terms(texts).id_of
    table = TermCounts.from_terms(more, dict(vocabulary))
    assert table.vocabulary == list(vocabulary)
    assert rows_of(table) == counted([[term for term in text if term in vocabulary] for text in more])


@given(TEXTS, st.lists(TERMS))
def test_query_counts_the_known_terms(texts, query):
    table = TermCounts.from_terms(texts)
    ids, counts = table.query(query)
    found = {table.vocabulary[i]: int(count) for i, count in zip(ids, counts, strict=True)}
    assert found == Counter(term for term in query if term in table.vocabulary)


def test_no_texts_at_all():
    table = TermCounts.from_terms([])
    assert len(table) == 0 and table.lengths.shape == (0,)
    assert np.array_equal(table.by_term[1], [0])
