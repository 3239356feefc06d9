"""How many items would settle it (Cohen 1988): enough to see a difference of this size four times out of five.

The error of a mean falls with the square root of the number of items. A difference d shows up at level 5 % with a
probability of 80 % when d is 1.960 + 0.842 = 2.802 standard errors:

    items = n · (2.802 · se / d)²        with se measured on n items

Worked example: 200 items, a difference of 2 points, standard error 2 points: 200 · 2.802² = 1,570 items. Half the
difference needs four times the items.
"""

import math
from statistics import NormalDist


def items_needed(n: int, stderr: float, difference: float, level: float = 0.95, power: float = 0.8) -> int:
    """Items for a true difference of this size to be seen; `stderr` is its error on n items. ValueError for 0."""
    if not difference:
        raise ValueError("no number of items shows a difference of 0; name the smallest one that matters")
    normal = NormalDist()
    wanted = normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)
    return math.ceil(n * (wanted * stderr / difference) ** 2)
