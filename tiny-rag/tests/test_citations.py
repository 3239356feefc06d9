"""Citations: every form that models write is understood, and none that points to nothing is left."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_rag.citations import check


@pytest.mark.parametrize(
    ("answer", "text", "cited", "removed"),
    [
        ("312 steps [1].", "312 steps [1].", (1,), ()),
        ("312 steps [1][3].", "312 steps [1][3].", (1, 3), ()),
        ("312 steps [1, 3].", "312 steps [1][3].", (1, 3), ()),
        ("312 steps [ 2 ].", "312 steps [2].", (2,), ()),
        ("石阶三百一十二级【1】。", "石阶三百一十二级[1]。", (1,), ()),
        ("石阶三百一十二级【1、3】。", "石阶三百一十二级[1][3]。", (1, 3), ()),
        ("石阶三百一十二级[1，2]。", "石阶三百一十二级[1][2]。", (1, 2), ()),
        ("312 steps [1-3].", "312 steps [1][2][3].", (1, 2, 3), ()),
        ("312 steps [1; 3].", "312 steps [1][3].", (1, 3), ()),
        ("石阶三百一十二级［2］。", "石阶三百一十二级[2]。", (2,), ()),
        ("Two [2], then one [1], then two [2].", "Two [2], then one [1], then two [2].", (2, 1), ()),
        ("Invented [7].", "Invented.", (), (7,)),
        ("Half true [1][99].", "Half true [1].", (1,), (99,)),
        ("Half true [99, 2].", "Half true [2].", (2,), (99,)),
        ("Half true [2–4].", "Half true [2][3].", (2, 3), (4,)),
        ("Nothing is number nought [0] or [4].", "Nothing is number nought or.", (), (0, 4)),
        ("没有这一段【9】。", "没有这一段。", (), (9,)),
        ("没有这一段 [9]。", "没有这一段。", (), (9,)),
        ("No citation at all.", "No citation at all.", (), ()),
        ("  [5]  ", "", (), (5,)),
        ("", "", (), ()),
        ("Not one: [a], [], a[i], [1.5], (2), [see 3].", "Not one: [a], [], a[i], [1.5], (2), [see 3].", (), ()),
    ],
)
def test_forms(answer, text, cited, removed):
    checked = check(answer, n_passages=3)
    assert (" ".join(checked.text.split()), checked.cited, checked.removed) == (text, cited, removed)


WORDS = st.sampled_from(
    ["steps ", "Lampe", " 天文台", "。", ". ", ", ", "\n", "(2)", "a[i]", "[", "]", "x = {1} "]
) | st.text(st.characters(exclude_characters="[]【】"), max_size=6)
NUMBERS = st.lists(st.integers(0, 120), min_size=1, max_size=3)
ANSWERS = st.lists(WORDS | NUMBERS, max_size=12)


def written(part, separator=", "):
    return part if isinstance(part, str) else f"[{separator.join(map(str, part))}]"


@settings(deadline=None)
@given(ANSWERS, st.integers(0, 9), st.sampled_from([",", ", ", "、", " ， "]))
def test_what_is_left_is_in_range_and_the_rest_as_it_was(parts, n_passages, separator):
    checked = check("".join(written(part, separator) for part in parts), n_passages)
    left = [int(number) for number in re.findall(r"[\[【]\s*([0-9]{1,3})\s*[\]】]", checked.text)]
    assert all(1 <= number <= n_passages for number in left)
    assert set(left) == set(checked.cited)
    assert not set(checked.cited) & set(checked.removed)
    assert checked.cited == tuple(dict.fromkeys(left))

    def unspaced(text):
        return "".join(text.split())

    kept = [part if isinstance(part, str) else [n for n in part if 1 <= n <= n_passages] for part in parts]
    expected = "".join(part if isinstance(part, str) else "".join(f"[{n}]" for n in part) for part in kept)
    assert unspaced(checked.text) == unspaced(expected)


@settings(deadline=None)
@given(ANSWERS, st.integers(0, 9))
def test_checking_twice_changes_nothing(parts, n_passages):
    once = check("".join(map(written, parts)), n_passages)
    again = check(once.text, n_passages)
    assert (again.text, again.cited, again.removed) == (once.text, once.cited, ())


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="[]【】")), st.integers(0, 3))
def test_a_text_without_citations_stays_as_it_is(text, n_passages):
    assert check(text, n_passages).text == text.strip()
