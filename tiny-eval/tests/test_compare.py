"""Two files, one verdict: that it is the right one, and that what can't be compared is refused."""

import json
import random
from dataclasses import replace

import pytest

from tiny_eval.compare import compare_files, compare_folders, verdict
from tiny_eval.problem import EvalProblem
from tiny_eval.score import Scoring
from tiny_eval.stats import holm, paired

EXACT = Scoring("exact_match")


@pytest.fixture
def write(tmp_path):
    def write(name, marks, ids=True, **fields):
        """A file in which item i is right if marks[i] is 1, wrong if 0, not measured if None."""
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        lines = []
        for number, mark in enumerate(marks):
            pred = None if mark is None else "yes" if mark else "no"
            row = {"id": f"q{number}"} if ids else {}
            row |= {"pred": pred, "answers": ["yes"], "doc": number // 5} | fields
            lines.append(json.dumps(row) + "\n")
        path.write_text("".join(lines), encoding="utf-8")
        return path

    return write


def drawn(n, share, seed):
    chance = random.Random(seed)
    return [int(chance.random() < share) for _ in range(n)]


def discordant(only_a, only_b, both):
    """Marks of the files a and b: what one alone has right, and what both have."""
    return ("a", [1] * only_a + [0] * only_b + [1] * both), ("b", [0] * only_a + [1] * only_b + [1] * both)


def test_a_clear_difference_is_called_one(write):
    a, b = drawn(200, 0.8, 1), drawn(200, 0.5, 2)
    found = compare_files(write("a.jsonl", a), write("b.jsonl", b), EXACT)
    assert found.settled
    assert found.paired == paired(a, b).scaled(100)
    assert found.p_corrected == found.paired.p_permutation
    said = verdict(found)
    assert said.startswith(f"a is better than b by {found.paired.difference:.1f} points (95 % interval ")
    assert said.endswith("more than chance explains.")
    swapped = compare_files(found.b, found.a, EXACT)
    assert verdict(swapped) == said
    assert swapped.paired.difference == -found.paired.difference


def test_a_small_difference_is_left_open_with_the_items_that_would_settle_it(write):
    a, b = (write(f"{name}.jsonl", marks) for name, marks in discordant(15, 10, 75))
    found = compare_files(a, b, EXACT)
    assert not found.settled
    assert verdict(found).startswith("These 100 items can't tell a and b apart: ")
    assert "items would settle it" in verdict(found)
    assert (found.paired.items_needed or 0) > 100
    assert (found.items_for_one_point or 0) > (found.paired.items_needed or 0)
    assert verdict(found, "zh").startswith("这 100 道题分不出 a 与 b 的高下")


def test_three_items_that_agree_settle_nothing(write):
    """The error is 0 then, and the interval [100, 100]; the permutation test knows better."""
    found = compare_files(write("a.jsonl", [1, 1, 1]), write("b.jsonl", [0, 0, 0]), EXACT)
    assert found.paired.low == 100
    assert not found.settled


def test_clusters_can_take_a_verdict_back(write):
    a = [mark for mark in (1, 1, 1, 0, 1, 1, 0, 1) for _ in range(5)]
    b = [mark for mark in (0, 1, 0, 0, 0, 1, 0, 1) for _ in range(5)]
    files = write("a.jsonl", a), write("b.jsonl", b)
    assert compare_files(*files, EXACT).settled
    clustered = compare_files(*files, replace(EXACT, cluster="doc"))
    assert clustered.paired.clusters == 8
    assert not clustered.settled


def test_one_of_many_comparisons_must_show_more(write):
    a, b = (write(f"{name}.jsonl", marks) for name, marks in discordant(30, 12, 100))
    alone, one_of_ten = compare_files(a, b, EXACT), compare_files(a, b, EXACT, comparisons=10)
    assert alone.settled
    assert not one_of_ten.settled
    assert one_of_ten.p_corrected == pytest.approx(min(1, 10 * alone.p_corrected))
    assert one_of_ten.paired.level == pytest.approx(0.995)
    assert "99.5 % interval" in verdict(one_of_ten)


def test_equal_files_score_the_same(write):
    found = compare_files(write("a.jsonl", [1, 0, 1]), write("b.jsonl", [1, 0, 1]), EXACT)
    assert verdict(found) == "a and b score the same on each of the 3 items."
    assert verdict(found, "zh") == "a 与 b 在全部 3 道题上得分完全相同。"
    assert found.items_for_one_point is None


def test_what_was_not_measured_bounds_the_difference_and_can_overturn_it(write):
    a = [1] * 60 + [0] * 20 + [None] * 40
    b = [0] * 40 + [1] * 40 + [1] * 20 + [None] * 20
    found = compare_files(write("a.jsonl", a), write("b.jsonl", b), EXACT)
    assert (found.paired.n, found.not_measured) == (80, 40)
    assert found.paired.difference == 25
    # measured items: +20; of the other 40, A may lose or win each, B has 20 right and 20 unknown
    assert (found.worst, found.best) == (pytest.approx(100 * (20 - 40) / 120), pytest.approx(100 * (20 + 20) / 120))
    assert found.settled
    assert found.fragile
    assert "40 items were not measured and could overturn this" in verdict(found)
    assert "40 道题未测到" in verdict(found, "zh")


def test_ids_that_differ_are_refused_or_left_out(write):
    files = write("a.jsonl", [1, 0, 1, 1]), write("b.jsonl", [1, 0])
    with pytest.raises(EvalProblem, match=r"ids don't match: 2 in both, 2 only in .*a\.jsonl \(q2, q3\); --intersect"):
        compare_files(*files, EXACT)
    found = compare_files(*files, EXACT, intersect=True)
    assert (found.paired.n, found.left_out) == (2, 2)


def test_nothing_in_common_is_refused_even_so(write):
    files = write("a.jsonl", [1, 0]), write("b.jsonl", [1, 0], ids=False)
    with pytest.raises(EvalProblem, match="0 in both.*are these runs over the same data"):
        compare_files(*files, EXACT)
    with pytest.raises(EvalProblem, match="0 items are measured in both"):
        compare_files(*files, EXACT, intersect=True)


def test_other_references_for_the_same_id_are_refused(write):
    files = write("a.jsonl", [1, 0], ids=False), write("b.jsonl", [1, 0], ids=False, answers=["no"])
    with pytest.raises(EvalProblem, match=r"a\.jsonl:1 and .*b\.jsonl:1 have the id '1' but other references"):
        compare_files(*files, EXACT)


def test_an_id_twice_is_refused_unless_deduped(write, tmp_path):
    a, b = write("a.jsonl", [1, 0]), write("b.jsonl", [1, 0])
    a.write_text(a.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(EvalProblem, match=r"a\.jsonl:3: the id 'q0' was at .*a\.jsonl:1 already; --dedupe"):
        compare_files(a, b, EXACT)
    assert compare_files(a, b, replace(EXACT, dedupe=True)).paired.n == 2


def test_a_metric_without_scores_for_items_is_refused(write):
    with pytest.raises(EvalProblem, match="bleu has no score for a single item; compare by bleu_sentence"):
        compare_files(write("a.jsonl", [1, 0]), write("b.jsonl", [1, 0]), Scoring("bleu"))


def test_one_cluster_is_nothing_to_compare(write):
    files = write("a.jsonl", [1, 0, 1]), write("b.jsonl", [1, 1, 0])
    with pytest.raises(EvalProblem, match="one doc in all: nothing to compare"):
        compare_files(*files, replace(EXACT, cluster="doc"))


def test_folders_are_compared_file_by_file_and_corrected_together(write, tmp_path):
    for name, share in (("one", 0.9), ("two", 0.62), ("three", 0.5)):
        write(f"left/{name}.jsonl", drawn(150, share, name))
        write(f"right/{name}.jsonl", drawn(150, 0.5, name + "x"))
    write("left/alone.jsonl", [1, 0])
    found = compare_folders(tmp_path / "left", tmp_path / "right", EXACT, False, 0)
    assert [one.a.rpartition("/")[2] for one in found] == ["one.jsonl", "three.jsonl", "two.jsonl"]
    assert [one.p_corrected for one in found] == holm([one.paired.p_permutation for one in found])
    assert "left/one is better than right/one" in verdict(found[0])
    with pytest.raises(EvalProblem, match="no file name in common"):
        (tmp_path / "other").mkdir()
        write("other/x.jsonl", [1])
        compare_folders(tmp_path / "left", tmp_path / "other", EXACT, False, 0)
