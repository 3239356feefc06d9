"""Student's t distribution (Student 1908), for intervals from few items, without a statistics package.

Its distribution function is an incomplete beta function, here by the continued fraction of Abramowitz & Stegun 26.5.8
in Lentz's form; the quantile is found by bisection, since the function only rises.

With 9 degrees of freedom 95 % of the distribution lie within ±2.262, not within the normal distribution's ±1.960: from
ten items the error itself is only roughly known.
"""

import math

TINY = 1e-300


def t_cdf(t: float, freedom: float) -> float:
    """Probability of a value up to `t`; `freedom` is the degrees of freedom, above 0."""
    if freedom <= 0:
        raise ValueError(f"degrees of freedom must be above 0 (got {freedom})")
    square = t * t
    tail = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + square), square / (freedom + square)) / 2
    return 1 - tail if t > 0 else tail


def t_quantile(probability: float, freedom: float) -> float:
    """The value below which `probability` of the distribution lies."""
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1 (got {probability})")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        low, high = high, high * 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if t_cdf(middle, freedom) < probability else (low, middle)
    return middle


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function I_x(a, b); `rest` is 1 - x, which near x = 1 can't be had from x."""
    if x <= 0 or rest <= 0:
        return float(rest <= 0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast only on the other side of the mean
        return 1 - _incomplete_beta(b, a, rest, x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    return math.exp(front) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    numerator, denominator = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = denominator
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            denominator = 1 / _away_from_zero(1 + step * denominator)
            numerator = _away_from_zero(1 + step / numerator)
            value *= numerator * denominator
        if abs(numerator * denominator - 1) < 1e-15:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
