"""The numbers of `eval`: by hand, against brute force, and with files that say where they are wrong."""

import json
import math
from itertools import permutations
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_rag.evaluation import (
    EvaluationProblem,
    Question,
    bootstrap,
    evaluate,
    gains_of,
    ndcg,
    read_beir,
    read_questions,
    recall,
    reciprocal_rank,
)

GAINS = st.lists(st.sampled_from([0, 0, 1, 2, 3]), min_size=1, max_size=6)


def hits(*found):
    """Hits with record ids ("a") or with a source and a text (("docs/x.md", "text"))."""
    passages = [
        SimpleNamespace(record=item, source="corpus.jsonl", text="")
        if isinstance(item, str)
        else SimpleNamespace(record=None, source=item[0], text=item[1])
        for item in found
    ]
    return [SimpleNamespace(passage=passage) for passage in passages]


# ---- the measures --------------------------------------------------------------------------------------------------


def test_by_hand():
    assert (recall([0, 1, 0], 1), recall([0, 1, 1], 4), recall([0, 0], 2)) == (1.0, 0.5, 0.0)
    assert (reciprocal_rank([0, 1, 0]), reciprocal_rank([2, 1]), reciprocal_rank([0, 0])) == (0.5, 1.0, 0.0)
    assert ndcg([0, 1, 0], [1]) == pytest.approx(1 / math.log2(3))  # 0.6309
    assert ndcg([0, 0, 0], [1]) == 0.0
    assert ndcg([], []) == 0.0
    # graded: 1/log2(2) + 3/log2(3) + 0 + 2/log2(5) = 1 + 1.892789 + 0.861353; the best order 3 2 1: 3 + 1.26186 + 0.5
    assert ndcg([1, 3, 0, 2], [3, 2, 1]) == pytest.approx(3.754142 / 4.761860, abs=1e-6)


def test_only_the_first_ten_count():
    assert ndcg([0] * 10 + [1], [1]) == 0.0
    assert ndcg([1] * 10, [1] * 50) == pytest.approx(1.0), "nobody can show fifty texts among ten"


@settings(deadline=None)
@given(GAINS)
def test_ndcg_relates_to_the_best_of_all_orders(gains):
    def dcg(order):
        return sum(gain / math.log2(place + 1) for place, gain in enumerate(order, start=1))

    best = max(dcg(order) for order in permutations(gains))
    assert ndcg(gains, gains) == pytest.approx(dcg(gains) / best if best else 0.0)
    assert 0.0 <= ndcg(gains, gains) <= 1.0 + 1e-12


@settings(deadline=None)
@given(GAINS, st.integers(0, 5))
def test_recall_and_reciprocal_rank_count(gains, missed):
    relevant = sum(gain > 0 for gain in gains) + missed
    found = [place for place, gain in enumerate(gains, start=1) if gain]
    assert recall(gains, relevant) == (len(found) / relevant if relevant else 0.0)
    assert reciprocal_rank(gains) == (1 / min(found) if found else 0.0)


# ---- the interval --------------------------------------------------------------------------------------------------


def test_interval_of_two_values():
    """The mean of a resample of (0, 1) is 0, ½, ½ or 1, each with probability ¼: 2.5 % and 97.5 % are the ends."""
    assert bootstrap([0.0, 1.0]) == (0.0, 1.0)


def test_interval_of_the_mean_of_many_is_the_normal_one():
    """100 ones among 400: the standard error is sqrt(.25 · .75 / 400) = .02165, so the interval is .25 ± .0424."""
    low, high = bootstrap([1.0] * 100 + [0.0] * 300)
    assert low == pytest.approx(0.25 - 0.0424, abs=0.006)
    assert high == pytest.approx(0.25 + 0.0424, abs=0.006)


def test_interval_of_nothing_and_of_one_value():
    assert bootstrap([]) == (0.0, 0.0)
    assert bootstrap([0.7] * 5) == pytest.approx((0.7, 0.7))


def test_interval_depends_on_the_seed_only():
    values = [place / 30 for place in range(30)]
    assert bootstrap(values, 1) == bootstrap(values, 1) != bootstrap(values, 2)


# ---- a search ------------------------------------------------------------------------------------------------------


def test_evaluate_averages_over_the_questions():
    found = {"q1": hits("x", "a", "b"), "q2": hits("c"), "q3": hits("x")}
    questions = [
        Question("1", "q1", {"a": 1.0, "b": 2.0}),
        Question("2", "q2", {"c": 1.0}),
        Question("3", "q3", {"d": 1.0}),
    ]
    asked = []

    def search(text, k):
        asked.append((text, k))
        return found[text]

    result = evaluate(questions, search, seed=3)
    assert asked == [("q1", 10), ("q2", 10), ("q3", 10)]
    first = (1 / math.log2(3) + 2 / math.log2(4)) / (2 + 1 / math.log2(3))
    assert result["queries"] == 3
    assert result["ndcg@10"] == pytest.approx((first + 1 + 0) / 3, abs=1e-6)
    assert result["recall@10"] == pytest.approx(2 / 3, abs=1e-6)
    assert result["mrr@10"] == pytest.approx((0.5 + 1 + 0) / 3, abs=1e-6)
    assert result["mrr@10_interval"] == pytest.approx(bootstrap([0.5, 1, 0], 3), abs=1e-6)
    assert json.loads(json.dumps(result)) == result


@settings(max_examples=20, deadline=None)  # the bootstrap takes its time
@given(st.permutations(range(6)), st.lists(st.sampled_from([1.0, 2.0]), min_size=1, max_size=4))
def test_evaluate_equals_brute_force(order, gains):
    relevant = {f"d{i}": gain for i, gain in enumerate(gains)}
    ranking = [f"d{i}" for i in order][:5]
    result = evaluate([Question("1", "q", relevant)], lambda text, k: hits(*ranking))
    of_each = [relevant.get(id, 0.0) for id in ranking]
    best = sum(gain / math.log2(rank + 2) for rank, gain in enumerate(sorted(gains, reverse=True)))
    assert result["ndcg@10"] == pytest.approx(sum(g / math.log2(r + 2) for r, g in enumerate(of_each)) / best, abs=1e-6)
    assert result["recall@10"] == pytest.approx(sum(id in relevant for id in ranking) / len(relevant), abs=1e-6)


def test_no_questions():
    result = evaluate([], lambda text, k: [])
    assert (result["queries"], result["ndcg@10"], result["recall@10"], result["mrr@10"]) == (0, 0.0, 0.0, 0.0)


def test_quotes_are_found_whatever_the_white_space():
    question = Question("1", "q", {"docs/a.pdf\nhas 312 steps": 1.0})
    right = ("home/docs/a.pdf", "The stair has\n312  steps.")
    assert gains_of(question, hits(("home/docs/b.pdf", "has 312 steps"), right))[0] == [0.0, 1.0]
    assert gains_of(question, hits(("docs/a.pdf", "has 31 steps"), ("olddocs/a.pdf", "has 312 steps")))[0] == [0.0, 0.0]


def test_what_is_found_twice_counts_once():
    """Overlapping chunks may both hold the quote."""
    question = Question("1", "q", {"a.md\n312 steps": 1.0})
    assert gains_of(question, hits(("a.md", "has 312 steps"), ("a.md", "312 steps and")))[0] == [1.0, 0.0]
    assert gains_of(Question("1", "q", {"x": 2.0}), hits("x", "x", "y"))[0] == [2.0, 0.0, 0.0]


def test_one_passage_that_holds_both_quotes_finds_both():
    question = Question("1", "q", {"a.md\n312 steps": 1.0, "a.md\n26 lanterns": 1.0})
    result = evaluate([question], lambda text, k: hits(("a.md", "312 steps and 26 lanterns")))
    assert result["recall@10"] == 1.0
    assert result["ndcg@10"] == 1.0, "there is no better order than this one"


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def beir(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "steps?"}\n\n{"_id": "q2", "text": "多少？"}\n', "utf-8"
    )
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq2\td 7\t2\nq1\td1\t1\nq1\td2\t0\nq2\td8\t1\n\ngone\td1\t1\n", "utf-8"
    )
    return tmp_path


def test_beir(beir):
    assert read_beir(beir) == [
        Question("q2", "多少？", {"d 7": 2.0, "d8": 1.0}),
        Question("q1", "steps?", {"d1": 1.0}),
    ]


def test_beir_without_a_header_and_with_a_byte_order_mark(beir):
    (beir / "qrels" / "test.tsv").write_text("\ufeffq1\td1\t1\n", "utf-8")
    assert read_beir(beir) == [Question("q1", "steps?", {"d1": 1.0})]


@pytest.mark.parametrize("line", ["q1\td1", "q1 d1 1", "q1\td1\tyes", "q1"])
def test_a_bad_line_of_the_qrels_is_named(beir, line):
    (beir / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\td1\t1\n{line}\n", "utf-8")
    with pytest.raises(EvaluationProblem, match=r"test\.tsv:3: expected query-id"):
        read_beir(beir)


@pytest.mark.parametrize("line", ["{", "[1]", "nonsense", '"text"', "[" * 100_000])
def test_a_bad_line_of_the_queries_is_named(beir, line):
    with open(beir / "queries.jsonl", "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(EvaluationProblem, match=r"queries\.jsonl:4: not a JSON object"):
        read_beir(beir)


def test_queries_without_relevant_texts(beir):
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t0\n", "utf-8")
    with pytest.raises(EvaluationProblem, match="no query of queries.jsonl has a relevant text"):
        read_beir(beir)


def questions_file(folder, *rows):
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_questions(tmp_path):
    path = questions_file(
        tmp_path,
        {"id": "a", "question": "Steps?", "relevant": [{"source": "docs/a.md", "quote": "312 steps"}]},
        {"question": "多少钱？", "relevant": [], "answerable": False},
    )
    assert read_questions(path) == [
        Question("a", "Steps?", {"docs/a.md\n312 steps": 1.0}),
        Question("2", "多少钱？", {}, answerable=False),
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"id": "b"},
        {"question": 7},
        {"question": "Steps?", "relevant": [{"source": "a.md"}]},
        {"question": "Steps?", "relevant": [{"quote": "312"}]},
        {"question": "Steps?", "relevant": ["312 steps"]},
        {"question": "Steps?", "relevant": "312 steps"},
    ],
)
def test_a_question_that_lacks_something_is_named(tmp_path, row):
    good = {"question": "Steps?", "relevant": [{"source": "a.md", "quote": "312"}]}
    with pytest.raises(EvaluationProblem, match=r"questions\.jsonl.*\b2\b"):
        read_questions(questions_file(tmp_path, good, row))


def test_no_questions_in_the_file(tmp_path):
    with pytest.raises(EvaluationProblem, match="holds no questions"):
        read_questions(questions_file(tmp_path))


def test_a_file_in_another_encoding_is_named(tmp_path, beir):
    path = tmp_path / "questions.jsonl"
    path.write_bytes('{"question": "有多少级台阶？"}\n'.encode("gb18030"))
    with pytest.raises(EvaluationProblem, match=r"questions\.jsonl.*UTF-8"):
        read_questions(path)
    (beir / "qrels" / "test.tsv").write_bytes("问题一\td1\t1\n".encode("gb18030"))
    with pytest.raises(EvaluationProblem, match=r"test\.tsv.*UTF-8"):
        read_beir(beir)
