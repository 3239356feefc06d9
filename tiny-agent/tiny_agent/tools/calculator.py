"""Arithmetic from a text, by a parser of our own: nothing is evaluated but numbers, operators and a few functions.

    calculate("(1,200 + 3) * 2^3")    "9624"
    calculate("7 / 2")                "3.5"         calculate("sqrt(2)")    "1.41421356237"

Whole numbers and fractions are exact as long as they can be. What would take for ever is refused: a text of more than
1,000 characters, a result of more than 1,000 digits.

The grammar, each line binding tighter than the one before (a precedence climber, Pratt 1973):

    sum      = product (("+" | "-") product)*
    product  = factor (("*" | "/" | "//" | "%") factor)*       also × · ÷
    factor   = ("-" | "+") factor | power
    power    = atom (("^" | "**") factor)?                     from right to left
    atom     = number "%"? | name | name "(" sum ("," sum)* ")" | "(" sum ")"
"""

import math
import re
from collections.abc import Callable
from fractions import Fraction

LONGEST, MOST_DIGITS = 1000, 1000
TOKEN = re.compile(
    r"\s*(?:(\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-zπ]+)|(\*\*|//|.))"
)
SAME = {
    "×": "*",
    "·": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "（": "(",
    "）": ")",
    "，": ",",
    "**": "^",
    "＋": "+",
    "％": "%",
}
Number = Fraction | float
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}


class CalculationError(ValueError):
    """The text is no arithmetic, or the result too large; the message says where and what."""


def calculate(text: str) -> str:
    """The value of an arithmetic text, as text; CalculationError if it has none."""
    if len(text) > LONGEST:
        raise CalculationError(f"the text has {len(text)} characters; at most {LONGEST} are calculated")
    parser = _Parser(text)
    value = parser.sum()
    if parser.token:
        raise CalculationError(f"{parser.token!r} is left over after a whole calculation in {text[:80]!r}")
    return written(value)


def written(value: Number) -> str:
    """Whole numbers whole, others with up to 12 digits."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        try:
            value = float(value)
        except OverflowError:
            raise CalculationError("the result is too large for a decimal") from None
    if math.isnan(value) or math.isinf(value):
        raise CalculationError("the result is no number (a division by zero, or too large)")
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.12g}"


class _Parser:
    """One token ahead; every method reads what its line of the grammar says."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.token, self.depth = text, 0, "", 0
        self.advance()

    def advance(self) -> None:
        match = TOKEN.match(self.text, self.place)
        if not match:
            self.token = ""
            return
        self.place = match.end()
        self.token = SAME.get(match[0].strip(), match[0].strip())

    def take(self, wanted: str) -> None:
        if self.token != wanted:
            raise CalculationError(f"{wanted!r} is missing before {self.token or 'the end'!r} in {self.text[:80]!r}")
        self.advance()

    def sum(self) -> Number:
        self.depth += 1
        if self.depth > 50:
            raise CalculationError("more than 50 brackets inside each other")
        value = self.product()
        while self.token in ("+", "-"):
            sign = self.token
            self.advance()
            right = self.product()
            value = _exact(_SUMS[sign], value, right)
        self.depth -= 1
        return value

    def product(self) -> Number:
        value = self.factor()
        while self.token in ("*", "/", "//", "%"):
            operator = self.token
            self.advance()
            right = self.factor()
            if operator != "*" and right == 0:
                raise CalculationError("a division by zero")
            value = _exact(_PRODUCTS[operator], value, right)
        return value

    def factor(self) -> Number:
        signs = 0
        while self.token in ("-", "+"):
            signs += self.token == "-"
            self.advance()
        value = self.power()
        return -value if signs % 2 else value

    def power(self) -> Number:
        value = self.atom()
        if self.token == "^":
            self.advance()
            return _power(value, self.factor())
        return value

    def atom(self) -> Number:
        token = self.token
        if re.match(r"[\d.]", token):
            self.advance()
            try:
                value: Number = Fraction(token.replace(",", ""))
            except ValueError:
                raise CalculationError(f"{token!r} is no number") from None
            if abs(value) > 10**MOST_DIGITS:
                raise CalculationError(f"{token[:20]!r} is too large")
            if self.token == "%" and not self._operand_follows():
                self.advance()
                value = value / 100
            return value
        if re.match(r"[A-Za-zπ]", token):
            return self.named(token)
        if token == "(":
            self.advance()
            value = self.sum()
            self.take(")")
            return value
        raise CalculationError(f"a number is missing before {token or 'the end'!r} in {self.text[:80]!r}")

    def _operand_follows(self) -> bool:
        """Whether a % is the remainder, `7 % 3`, or percent, `7% + 1`."""
        return bool(re.match(r"\s*[\d.(A-Za-zπ]", self.text[self.place :]))

    def named(self, name: str) -> Number:
        self.advance()
        lower = name.lower()
        if lower in CONSTANTS and self.token != "(":
            return CONSTANTS[lower]
        if lower not in FUNCTIONS:
            raise CalculationError(f"there is no {name!r} here; there are {', '.join([*FUNCTIONS, *CONSTANTS])}")
        self.take("(")
        arguments = [self.sum()]
        while self.token == ",":
            self.advance()
            arguments.append(self.sum())
        self.take(")")
        function, fewest, most = FUNCTIONS[lower]
        if not fewest <= len(arguments) <= most:
            raise CalculationError(f"{lower} takes {fewest if fewest == most else f'{fewest} to {most}'} numbers "
                                   f"(got {len(arguments)})")  # fmt: skip
        try:
            return function(*arguments)
        except (ValueError, OverflowError, TypeError) as error:
            raise CalculationError(f"{lower} can't be calculated: {error}") from None


def _exact(operation: Callable[[Number, Number], Number], left: Number, right: Number) -> Number:
    """Fractions stay fractions; a float on either side makes a float."""
    if isinstance(left, float) or isinstance(right, float):
        try:
            return operation(float(left), float(right))
        except OverflowError:
            raise CalculationError("the result is too large") from None
    value = operation(left, right)
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator).bit_length() > 3.33 * MOST_DIGITS:
        raise CalculationError(f"the result has more than {MOST_DIGITS} digits")
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(exponent, Fraction) and exponent.denominator == 1 and isinstance(base, Fraction):
        power = exponent.numerator
        if base == 0 and power < 0:
            raise CalculationError("a division by zero")
        size = max(abs(base.numerator), base.denominator).bit_length() * abs(power)
        if size > 3.4 * MOST_DIGITS:
            raise CalculationError(f"the result has more than {MOST_DIGITS} digits")
        return base**power
    try:
        value = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        raise CalculationError("the result is too large, or a division by zero") from None
    if isinstance(value, complex):
        raise CalculationError("a root of a negative number is no real number")
    return float(value)


def _factorial(n: Number) -> Number:
    if isinstance(n, float) or n.denominator != 1 or not 0 <= n <= 400:
        raise ValueError("it takes a whole number from 0 to 400")
    return Fraction(math.factorial(n.numerator))


def _root(x: Number) -> Number:
    if x < 0:
        raise ValueError("a negative number has no real root")
    if isinstance(x, Fraction):
        up, down = math.isqrt(x.numerator), math.isqrt(x.denominator)
        if up * up == x.numerator and down * down == x.denominator:
            return Fraction(up, down)
    return math.sqrt(x)


_SUMS: dict[str, Callable[[Number, Number], Number]] = {"+": lambda a, b: a + b, "-": lambda a, b: a - b}
_PRODUCTS: dict[str, Callable[[Number, Number], Number]] = {
    "*": lambda a, b: a * b, "/": lambda a, b: a / b, "//": lambda a, b: Fraction(a // b), "%": lambda a, b: a % b,
}  # fmt: skip
FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "sqrt": (_root, 1, 1), "abs": (abs, 1, 1), "min": (min, 1, 50), "max": (max, 1, 50),
    "round": (lambda x, n=Fraction(0): round(Fraction(x), int(n)) if n else Fraction(round(x)), 1, 2),
    "floor": (lambda x: Fraction(math.floor(x)), 1, 1), "ceil": (lambda x: Fraction(math.ceil(x)), 1, 1),
    "factorial": (_factorial, 1, 1), "gcd": (lambda a, b: Fraction(math.gcd(int(a), int(b))), 2, 2),
    "log": (lambda x, base=None: math.log(x) if base is None else math.log(x, base), 1, 2),
    "ln": (lambda x: math.log(x), 1, 1), "exp": (lambda x: math.exp(x), 1, 1),
    "sin": (lambda x: math.sin(x), 1, 1), "cos": (lambda x: math.cos(x), 1, 1), "tan": (lambda x: math.tan(x), 1, 1),
}  # fmt: skip
