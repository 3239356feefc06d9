"""The calculator against Python's own fractions, and against whoever wants it to work for ever."""

import contextlib
import math
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_agent.tools.calculator import CalculationError, calculate


@pytest.mark.parametrize(("text", "value"), [
    ("2 + 3 * 4", "14"), ("(2 + 3) * 4", "20"), ("2 ^ 3 ^ 2", "512"), ("-2 ^ 2", "-4"), ("2 ** -1", "0.5"),
    ("7 // 2", "3"), ("7 % 3", "1"), ("50%", "0.5"), ("200 * 15%", "30"), ("10% + 1", "1.1"), ("1,234.5 * 2", "2469"),
    ("12 × 3 ÷ 4", "9"), ("（1+2）×3", "9"), ("sqrt(16)", "4"), ("sqrt(2)", "1.41421356237"), ("sqrt(1/4)", "0.5"),
    ("max(1, 2, 3) - min(4, 5)", "-1"), ("round(2.567, 2)", "2.57"), ("factorial(20)", "2432902008176640000"),
    ("0.1 + 0.2", "0.3"), ("1/3 * 3", "1"), ("1e3 + .5", "1000.5"), ("--5", "5"), ("pi * 2", "6.28318530718"),
    ("gcd(12, 18)", "6"), ("log(8, 2)", "3"), ("abs(-3.5)", "3.5"), ("floor(-1.5) + ceil(1.2)", "0"),
    ("2" * 30, "2" * 30),
])  # fmt: skip
def test_by_hand(text, value):
    assert calculate(text) == value


@pytest.mark.parametrize(("text", "says"), [
    ("", "a number is missing"), ("2 +", "a number is missing before 'the end'"), ("(2 + 3", "')' is missing"),
    ("2 3", "left over"), ("1 / 0", "division by zero"), ("5 % 0", "division by zero"), ("0 ^ -1", "division by zero"),
    ("9 ^ 9 ^ 9 ^ 9", "more than 1000 digits"), ("10 ^ 100000", "more than 1000 digits"),
    ("factorial(10000)", "0 to 400"),
    ("sqrt(-1)", "no real root"), ("(-8) ^ 0.5", "no real number"), ("os", "there is no 'os'"),
    ("__import__", "missing"),
    ("open('x')", "there is no 'open'"), ("1" * 1001, "at most 1000"), ("(" * 60 + "1", "more than 50 brackets"),
    ("log(-1)", "can't be calculated"), ("max()", "missing"), ("sqrt(1, 2)", "takes 1 numbers"), ("exp(1000)", "can't"),
    ("1e999999", "too large"), ("2 ^ 0.5 ^ -9999", "more than 1000 digits"), ("a = 1", "there is no 'a'"),
    ("1; 2", "left over"),
])  # fmt: skip
def test_what_is_refused(text, says):
    with pytest.raises(CalculationError, match=says.replace("(", r"\(").replace(")", r"\)")):
        calculate(text)


numbers = st.integers(0, 10**6)


@st.composite
def expressions(draw, depth=0):
    """A text, and its value by Python's fractions."""
    if depth > 3 or draw(st.booleans()):
        number = draw(numbers)
        return str(number), Fraction(number)
    (left, a), (right, b) = draw(expressions(depth + 1)), draw(expressions(depth + 1))
    sign = draw(st.sampled_from("+-*/"))
    if sign == "/" and b == 0:
        sign = "+"
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a}[sign]
    return f"({left} {sign} {right})", value


@given(expressions())
def test_exact_as_fractions(case):
    text, value = case
    if len(text) > 1000:
        return
    found = calculate(text)
    assert found == str(value) if value.denominator == 1 else math.isclose(float(found), float(value), rel_tol=1e-11)


@given(st.text(alphabet="0123456789+-*/%^().,eE pisqrtmax", max_size=60))
def test_any_text_is_a_number_or_a_refusal_and_quick(text):
    start = time.perf_counter()
    with contextlib.suppress(CalculationError):
        assert calculate(text)
    assert time.perf_counter() - start < 1
