r"""Equality of results: tables of pairs that are equal and that aren't, and what makes it an equality at all."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_eval.metrics.latex import canonical
from tiny_eval.metrics.latex_tokens import split
from tiny_eval.metrics.maths import form, latex_equal, number, numeric_equal

EQUAL = r"""
\frac{1}{2} ~~ \frac12
\frac{1}{2} ~~ \dfrac{1}{2}
\frac{1}{2} ~~ 0.5
\frac{1}{2} ~~ 1/2
\frac{1}{2} ~~ \frac{2}{4}
.5 ~~ 0.50
-\frac{1}{2} ~~ \frac{-1}{2}
-\frac{1}{2} ~~ \frac{1}{-2}
1\frac{1}{2} ~~ \frac{3}{2}
1 1/2 ~~ 1.5
2\frac{3}{2} ~~ 3
\frac{\sqrt{3}}{2} ~~ \frac{1}{2}\sqrt{3}
\frac{\sqrt3}2 ~~ \dfrac{\sqrt{3}}{2}
2\sqrt{3} ~~ \sqrt{3}\cdot 2
2√3 ~~ 2\times\sqrt 3
\sqrt[3]{5} ~~ \sqrt[3]5
x+1 ~~ 1+x
2x^2-3x+1 ~~ 1 - 3x + 2x^{2}
ab ~~ ba
(x+1)(x-1) ~~ (x-1)(1+x)
\frac{x}{y} ~~ x/y
\frac{1}{x} ~~ x^{-1}
x=5 ~~ 5
x = \frac{1}{3} ~~ \frac13
(1,2) ~~ \left(1, 2\right)
(1,2) ~~ (1.0, \frac{4}{2})
[0,1) ~~ \left[0,1\right)
(-\infty,2] ~~ (-∞, 2]
(-\infty,2)\cup(3,\infty) ~~ (3,\infty)∪(-\infty,2)
x\in[1,2] ~~ [1,2]
\{1,2,3\} ~~ \left\{3, 2, 1\right\}
\{1,1,2\} ~~ \{1,2\}
1,2 ~~ 2, 1
1 \text{ and } 2 ~~ 1,2
\emptyset ~~ \{\}
90^\circ ~~ 90
90^{\circ} ~~ 90°
5\text{ cm} ~~ 5
5 \text{ cm}^2 ~~ 5
12\mathrm{~cm} ~~ 12
18 dollars ~~ 18
\$18 ~~ $18$
50\% ~~ 50
1{,}234 ~~ 1234
1,\!234 ~~ 1,234
1,234 ~~ 1234.0
10{,}000 ~~ 10^4
1.2\times10^{3} ~~ 1200
3\pi ~~ \pi \cdot 3
3\pi\text{ cm} ~~ 3π
\frac{\pi}{3} ~~ \pi/3
\text{Tuesday} ~~ tuesday
\text{(B)} ~~ B
y = 2x+1 ~~ y=1+2x
\sin^2 x ~~ \sin^{2}{x}
\sin(x) ~~ sin x
|x-1| ~~ \lvert -1+x\rvert
a_1 ~~ a_{1}
x≥3 ~~ x \geqslant 3
1\pm\sqrt{2} ~~ 1 ± \sqrt2
3+4i ~~ 4i+3
1+2\mathrm{i} ~~ 1+2i
C_5^2 ~~ C^2_{5}
\begin{pmatrix}1&2\\3&4\end{pmatrix} ~~ \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
−5. ~~ -5
１２ ~~ 12
"""
UNEQUAL = r"""
\frac{1}{2} ~~ \frac{1}{3}
0.33 ~~ \frac{1}{3}
50\% ~~ 0.5
2 ~~ -2
(1,2) ~~ (2,1)
(1,2) ~~ [1,2]
[1,2) ~~ [1,2]
(1,2] ~~ [1,2]
(1,2) ~~ \{1,2\}
\{1,2\} ~~ \{1,2,3\}
1,2 ~~ 1,2,3
1,1 ~~ 1
2+3 ~~ 5
\sqrt{4} ~~ 2
2^3 ~~ 8
x^2 ~~ x^3
x^2 ~~ 2x
x^{12} ~~ x^{1}2
x-1 ~~ 1-x
x/y ~~ y/x
\frac{2}{\sqrt3} ~~ \frac{2\sqrt3}{3}
\sqrt{3} ~~ \sqrt[3]{3}
\sin x ~~ \cos x
\sin x\cos y ~~ \sin y\cos x
\sin(2)x ~~ \sin(2x)
\log_2 3 ~~ \log_3 2
3x ~~ 3
x ~~ y
x ~~ X
i ~~ 1
3+4i ~~ 3-4i
\pi ~~ 3.14
x\le 3 ~~ x<3
x<3 ~~ x>3
\text{Monday} ~~ \text{Tuesday}
listen ~~ silent
A ~~ B
12,34 ~~ 1234
1\pm\sqrt2 ~~ 1+\sqrt2
(x+1)^2 ~~ x^2+2x+1
(x+1)/2 ~~ x+1/2
\begin{pmatrix}1&2\end{pmatrix} ~~ \begin{pmatrix}2&1\end{pmatrix}
(-\infty,2)\cup(3,4) ~~ (-\infty,2)\cap(3,4)
2\frac{1}{2} ~~ 1
x_1 ~~ x^1
|x| ~~ x
n! ~~ n
x=1, y=2 ~~ x=2, y=1
"""


def pairs(table: str) -> list[tuple[str, str]]:
    return [(left, right) for left, _, right in (line.partition(" ~~ ") for line in table.strip().split("\n"))]


@pytest.mark.parametrize("left, right", pairs(EQUAL))
def test_equal(left, right):
    assert latex_equal(left, [right]) == latex_equal(right, [left]) == 1.0
    assert form(left) == form(right)


@pytest.mark.parametrize("left, right", pairs(UNEQUAL))
def test_unequal(left, right):
    assert latex_equal(left, [right]) == latex_equal(right, [left]) == 0.0


COMMANDS = r"\frac \sqrt \pi \sin \cup \infty \text{cm} \\ \{ \}".split()
PIECES = [*COMMANDS, *"1 2 12 10 0.5 { } ( ) [ ] , + - * / ^ _ x y | ! ' = < . $ & and".split()]
FORMULAS = st.one_of(st.text(max_size=30), st.lists(st.sampled_from([*PIECES, " "]), max_size=14).map("".join))


@given(FORMULAS)
def test_every_text_equals_itself(text):
    assert latex_equal(text, [text]) == 1.0


@given(FORMULAS, FORMULAS)
def test_equality_has_no_direction(left, right):
    assert (form(left) == form(right)) == (form(right) == form(left))
    if form(left) == form(right):
        assert latex_equal(left, [right]) == latex_equal(right, [left]) == 1.0


@given(st.fractions(max_denominator=999, min_value=-999, max_value=999))
def test_every_spelling_of_a_fraction_is_the_fraction(value):
    top, bottom = value.numerator, value.denominator
    spellings = [f"{top}/{bottom}", rf"\frac{{{top}}}{{{bottom}}}", rf"$\dfrac{{{2 * top}}}{{{2 * bottom}}}$"]
    assert [number(text) for text in spellings] == [value] * 3 == [canonical(text) for text in spellings]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_commas_zeros_and_units_change_no_number(value):
    expected = Fraction(value)
    for text in (f"{value}", f"{value:,}", f"{value:,}0", f"{value} eggs", f"${value:,}", f"{value:e}"):
        assert number(text) == expected, text


@pytest.mark.parametrize(
    "text, value",
    [
        ("$1,234.00", 1234),
        ("1.234 thousand", 1234),
        ("1 1/2", Fraction(3, 2)),
        ("3 1/2 hours", Fraction(7, 2)),
        ("-$5", -5),
        ("$-5", -5),
        ("3万", 30_000),
        ("5万元", 50_000),
        ("1.5 × 10^3", 1500),
        ("1e-3", Fraction(1, 1000)),
        ("12 cm^2", 12),
        ("5 km/h", 5),
        ("50%", 50),
        ("x = 18.", 18),
        ("２０", 20),
        ("**18**", 18),
        ("18 dollars and cents", 18),
    ],
)
def test_numbers_are_read(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "eggs",
        "1,23",
        "3 4",
        "2 3/2",
        "5 - x",
        "5/x",
        "2^3",
        "5!",
        "3:4",
        "20-30",
        "1/0",
        "1e999999999",
        "9" * 5000,
    ],
)
def test_what_is_no_single_number(text):
    assert number(text) is None


@pytest.mark.parametrize(
    "pred",
    [
        "18",
        "18.0",
        "$18",
        "So 9 · 2 = 18\n#### 18",
        "The answer is about 18 eggs, I think.",
        r"\boxed{18}",
        "36/2",
        "She has 18.",
    ],
)
def test_numeric_equal_reads_whole_outputs(pred):
    assert numeric_equal(pred, ["18"]) == 1.0
    assert numeric_equal(pred, ["81"]) == 0.0
    assert numeric_equal(pred, ["81", "18.00"]) == 1.0  # the best of several references counts


@pytest.mark.parametrize("pred", ["", "none", "<think>18", "18 × x", "1.8", "-18", "0.18"])
def test_numeric_equal_to_nothing(pred):
    assert numeric_equal(pred, ["181"]) == numeric_equal(pred, ["17"]) == 0.0


def test_latex_equal_reads_whole_outputs():
    pred = r"Thus $x^2 = \frac{3}{4}$, so $x = \boxed{\frac{\sqrt{3}}{2}}$."
    assert latex_equal(pred, [r"\frac12\sqrt3"]) == 1.0
    assert latex_equal(pred, [r"\frac{3}{4}"]) == 0.0
    assert latex_equal(r"So the day is \boxed{Tuesday}.", [r"\text{tuesday}"]) == 1.0


@pytest.mark.parametrize("pred", ["x + 18", "18x", "So it is 18 times x", "<think>18"])
def test_the_last_number_is_no_formula(pred):
    assert latex_equal(pred, ["18"]) == 0.0


def test_the_examples_of_the_docstrings():
    tree = ("product", Fraction(1, 2), ("root", Fraction(2), Fraction(3)))
    assert canonical(r"\dfrac12\sqrt{3}") == canonical(r"\frac{\sqrt 3}{2}") == tree
    assert split(r"$x = \left(\dfrac{1}{2}\right)\text{ cm}$") == ["(", "\\frac", "{", "1", "}", "{", "2", "}", ")"]


@pytest.mark.parametrize(
    "text", ["(" * 5000, "{" * 900 + "1" + "}" * 900, "^-" * 900, "10^{400}" * 240 + "x", "\\sqrt" * 390, "9" * 4500]
)
def test_absurd_formulas_are_texts(text):
    tree = canonical(text)
    assert isinstance(tree, tuple) and tree[0] == "text"


def test_references_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="'eggs' is no number.*latex_equal"):
        numeric_equal("18", ["18", "eggs"])
    for scorer in (numeric_equal, latex_equal):
        with pytest.raises(ValueError, match="at least one reference"):
            scorer("18", [])
