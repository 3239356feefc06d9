"""The benchmarks run from end to end at a tiny scale, and their table claims nothing that wasn't measured.

The peers are installed for `make bench` only; without them the parts that need one are skipped.
"""

from collections import Counter

import numpy as np
import pytest
from tiny_shared.testing.benchmarks import run_part

from benchmarks.__main__ import PARTS, main
from benchmarks.significance import paired_bootstrap
from benchmarks.texts import documents, keyword_queries, prose
from tiny_rag.analysis import terms
from tiny_rag.bm25 import BM25
from tiny_rag.stopwords import is_english

PEERS = {
    "chunker": ["langchain_text_splitters"],
    "vector_search": ["faiss"],
    "bm25": ["bm25s", "langchain_text_splitters"],
    "quality": ["bm25s", "Stemmer"],
    "light": [],
}
ROWS = {"chunker": 6, "vector_search": 4, "quality": 4, "light": 1}


def needs(part: str) -> None:
    for peer in PEERS[part]:
        pytest.importorskip(peer, reason=f"{peer} is a peer, installed by requirements-bench.txt")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_replaces_only_its_own_table(part, tmp_path):
    needs(part)
    section = run_part(main, part, PARTS, 0.002, tmp_path)
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == ROWS.get(part, len(rows)) > 0
    assert all(line.count(" | ") == 4 and "× |" in line and f"{part}" in line.split(" | ")[-1] for line in rows)


def test_made_up_english_reads_as_english_with_the_frequencies_of_zipf():
    text = prose("English", 200_000)
    words = text.lower().replace(",", "").replace(".", "").split()
    frequency = [count for _, count in Counter(words).most_common(100)]
    assert is_english(words)
    assert 200_000 <= len(text.encode()) < 202_000
    assert text == prose("English", 200_000)
    # p ∝ 1 / (rank + 2.7): the first word is (100 + 2.7) / (1 + 2.7) = 28 times as frequent as the hundredth
    assert 20 < frequency[0] / frequency[99] < 36


def test_made_up_chinese_is_words_of_the_dictionary():
    text = prose("Chinese", 60_000)
    assert len(text.encode()) >= 60_000
    assert set(text) - {"，", "。", "\n"} <= {chr(code) for code in range(0x4E00, 0xA000)}
    assert " " not in text
    assert text.count("的") > 50


def test_a_query_is_three_to_eight_words_of_one_text():
    texts = documents(30)
    queries = keyword_queries(texts, 40)
    assert len(queries) == 40
    assert {len(query.split()) for query in queries} == set(range(3, 9))
    assert all(any(not Counter(query.split()) - Counter(text.split()) for text in texts) for query in queries)


def test_the_regex_counter_is_nearly_our_rule():
    """Otherwise LangChain would cut other pieces with it, and the two rows couldn't be compared."""
    needs("chunker")
    from benchmarks.bench_chunker import count_by_regex
    from tiny_rag.chunker import count_tokens

    for language in ("English", "Chinese"):
        text = prose(language, 50_000)
        assert count_by_regex(text) == pytest.approx(count_tokens(text), rel=0.01)


def test_bm25s_gives_the_scores_of_our_bm25():
    """The comparison is of speed alone: both must do the same sum."""
    needs("bm25")
    import bm25s

    texts = documents(300)
    ours = BM25(texts)
    theirs = bm25s.BM25(method="lucene", k1=1.5, b=0.75, backend="numpy")
    theirs.index([terms(text) for text in texts], show_progress=False)
    for query in keyword_queries(texts, 20):
        known = [term for term in terms(query, ours.counts.id_of) if term in ours.counts.id_of]
        np.testing.assert_allclose(theirs.get_scores(known), ours.scores(query), rtol=1e-5)


def test_the_paired_bootstrap_agrees_with_the_normal_approximation():
    differences = np.random.default_rng(0).normal(0.02, 0.2, 400)
    mean, low, high, p = paired_bootstrap(differences)
    margin = 1.96 * differences.std() / 20
    assert mean == pytest.approx(differences.mean())
    assert (low, high) == pytest.approx((mean - margin, mean + margin), abs=0.002)
    z = mean / (differences.std() / 20)
    two_sided = 2 * (1 - 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))))
    assert p == pytest.approx(two_sided, abs=0.01)


def test_no_difference_has_p_1_and_a_certain_one_almost_0():
    assert paired_bootstrap(np.zeros(30)) == (0, 0, 0, 1)
    mean, low, high, p = paired_bootstrap(np.full(30, -0.1))
    assert (mean, low, high) == pytest.approx((-0.1, -0.1, -0.1))
    assert 0 < p < 0.001


def test_a_collection_is_scored_for_both_in_its_own_language(tmp_path):
    needs("quality")
    from benchmarks.bench_quality import run, tokenizer_for

    folder = tmp_path / "tiny" / "qrels"
    folder.mkdir(parents=True)
    (folder / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tb\t1\n", encoding="utf-8")
    (tmp_path / "tiny" / "queries.jsonl").write_text('{"_id": "q", "text": "天文台在哪里"}\n', encoding="utf-8")
    (tmp_path / "tiny" / "corpus.jsonl").write_text(
        '{"_id": "a", "title": "", "text": "这家饭馆的面条很有名。"}\n'
        '{"_id": "b", "title": "", "text": "天文台建在山上。"}\n',
        encoding="utf-8",
    )
    rows = run(tmp_path)
    assert [row.ours for row in rows] == ["1.0000"] * 4
    assert [row.peer.rpartition(": ")[2] for row in rows] == ["1.0000"] * 4
    assert all(row.what.startswith("tiny, 1 queries: ") and "--data DIR" in row.command for row in rows)
    assert tokenizer_for(["天文台建在山上。"])(["天文台在山上"]) == [["天文台", "在", "山上"]]
    assert tokenizer_for(["The dome opens."])(["the opening of domes"]) == [["open", "dome"]]


def test_a_folder_without_collections_is_refused(tmp_path):
    needs("quality")
    from benchmarks.bench_quality import run

    with pytest.raises(FileNotFoundError, match="no BEIR collection"):
        run(tmp_path)
