r"""A canonical form for LaTeX results, without a computer algebra system (rules after MATH, arXiv:2103.03874).

A recursive-descent parser turns the text into a tree of tuples; the elements of sums, products, sets and lists are
sorted, so results that differ in writing only share a tree:

    \dfrac12\sqrt{3}  →  ("product", 1/2, ("root", 2, 3))  ←  \frac{\sqrt 3}{2}

Units, degree and percent signs, \left, \text and dollar signs go first. Numbers are exact fractions; their products and
quotients are worked out, sums, roots and powers (but for powers of ten) aren't.
"""

from collections.abc import Sequence
from fractions import Fraction

from tiny_eval.metrics.latex_tokens import split

Node = Fraction | tuple  # a number, or ("head", children …)

# No result has more, and Python has limits: of ten's exponent, of nested atoms, of a text, of a number's bits.
LARGEST_POWER, _DEEPEST, _LONGEST, _LARGEST = 400, 40, 2000, 10_000
_FUNCTIONS = frozenset(r"\sin \cos \tan \cot \sec \csc \log \ln \lg \exp \arcsin \arccos \arctan \max \min".split())
_ACCENTS = frozenset(r"\overline \bar \vec \hat \overrightarrow".split())
_RELATIONS = frozenset(r"= < > \le \ge \ne \in \approx \to".split())
_CLOSERS = frozenset([*r"+ - * / , ) ] } \} ^ _ ! ' \pm \mp \cup \cap".split(), *_RELATIONS, ""])
_NAMES = frozenset(
    r"\pi \infty \alpha \beta \gamma \delta \epsilon \varepsilon \theta \lambda \mu \nu \rho \sigma \tau \phi \varphi "
    r"\omega \Delta \Omega \Gamma \Sigma".split()
)


class _UnreadableError(ValueError):
    """The text is no formula that the parser knows."""


def canonical(text: str) -> Node:
    """The tree that equal results share; what can't be parsed is a text without blanks."""
    tokens = split(text)
    try:
        if len(text) > _LONGEST:
            raise _UnreadableError("too long")
        return _Parser(tokens).everything()
    except _UnreadableError:
        return ("text", "".join(tokens).casefold())


def _times(factors: Sequence[Node]) -> Node:
    number = Fraction(1)
    others: list[Node] = []
    for factor in factors:
        if isinstance(factor, Fraction):
            number *= factor
        elif factor[0] == "product":
            number *= factor[1]
            others += factor[2:]
        else:
            others.append(factor)
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > _LARGEST:
        raise _UnreadableError("a number too large")
    if not others or not number:
        return number
    return others[0] if number == 1 and len(others) == 1 else ("product", number, *sorted(others, key=repr))


def _power(base: Node, exponent: Node) -> Node:
    if exponent == 1:
        return base
    if base == 10 and isinstance(exponent, Fraction) and exponent.denominator == 1 and abs(exponent) <= LARGEST_POWER:
        return Fraction(10) ** int(exponent)  # part of how a number is written
    return ("power", base, exponent)


def _inverse(node: Node) -> Node:
    if isinstance(node, Fraction):
        if not node:
            raise _UnreadableError("division by zero")
        return 1 / node
    if node[0] == "product":
        return _times([1 / node[1], *map(_inverse, node[2:])])
    if node[0] == "power" and isinstance(node[2], Fraction):
        return _power(node[1], -node[2])
    return ("power", node, Fraction(-1))


class _Parser:
    """Recursive descent: list → relation → union → sum → product → power → atom."""

    def __init__(self, tokens: list[str]):
        self.tokens = [f"\\{token}" if f"\\{token}" in _FUNCTIONS else token for token in tokens]  # sin is \\sin
        self.place = self.depth = self.bars = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """The next token, if it's one of `wanted` (or nothing special is); otherwise the text is unreadable."""
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise _UnreadableError(token)
        self.place += 1
        return token

    def everything(self) -> Node:
        elements = self.elements()
        if self.peek():
            raise _UnreadableError(self.peek())
        return elements[0] if len(elements) == 1 else ("list", *sorted(elements, key=repr))

    def elements(self) -> list[Node]:
        found = [self.relation()]
        while self.peek() == ",":
            self.take()
            found.append(self.relation())
        return found

    def relation(self) -> Node:
        parts: list[Node] = [self.union()]
        while self.peek() in _RELATIONS:
            parts += [(self.take(),), self.union()]
        return parts[0] if len(parts) == 1 else ("relation", *parts)

    def union(self) -> Node:
        sets, sign = [self.sum()], self.peek()
        while sign in ("\\cup", "\\cap") and self.peek() == sign:
            self.take()
            sets.append(self.sum())
        return sets[0] if len(sets) == 1 else (sign, *sorted(sets, key=repr))

    def sum(self) -> Node:
        terms: list[Node] = []
        while not terms or self.peek() in ("+", "-", "\\pm", "\\mp"):
            sign = self.take() if self.peek() in ("+", "-", "\\pm", "\\mp") else "+"
            term = self.product()
            terms.append(term if sign == "+" else _times([Fraction(-1), term]) if sign == "-" else (sign, term))
        return terms[0] if len(terms) == 1 else ("sum", *sorted(terms, key=repr))

    def product(self) -> Node:
        factors = [self.power()]
        while True:
            if self.peek() in ("*", "/"):
                factors.append(self.power() if self.take() == "*" else _inverse(self.power()))
            elif self.begins_atom():
                mixed = self.peek() == "\\frac" and self.tokens[self.place - 1].isdecimal()  # 1\frac{1}{2}
                factor = self.power()
                whole = factors[-1]
                if mixed and isinstance(factor, Fraction) and isinstance(whole, Fraction) and 0 < factor < 1:
                    factors[-1] = whole + factor
                else:
                    factors.append(factor)
            else:
                return _times(factors)

    def begins_atom(self) -> bool:
        return self.peek() not in _CLOSERS and not (self.bars and self.peek() == "|")

    def power(self) -> Node:
        node, scripts = self.atom(), {}
        while (mark := self.peek()) in ("^", "_", "!", "'"):
            self.take()
            if mark in "!'":
                node = (mark, node)
            elif mark in scripts:
                raise _UnreadableError(mark)
            else:
                scripts[mark] = self.argument()
        if "_" in scripts:
            node = ("index", node, scripts["_"])
        return _power(node, scripts["^"]) if "^" in scripts else node

    def argument(self, digit: bool = False) -> Node:
        """What a command or ^ applies to: a group or one atom; in TeX, \\frac12 takes single digits."""
        if self.peek() == "-":
            self.take()
            return _times([Fraction(-1), self.atom()])
        if digit and len(self.peek()) > 1 and self.peek().isdecimal():
            digits = self.tokens[self.place]
            self.tokens[self.place : self.place + 1] = [digits[0], digits[1:]]
        return self.atom()

    def atom(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _UnreadableError("nested too deeply")
        node = self._atom(self.take())
        self.depth -= 1
        return node

    def _atom(self, token: str) -> Node:
        if token in "([":
            return self.bracket(token)
        if token == "{":
            node = self.relation()
            self.take("}")
            return node
        if token == "\\{":
            members = [] if self.peek() == "\\}" else self.elements()
            self.take("\\}")
            return ("set", *sorted(set(members), key=repr))
        if token == "|":
            return self.between_bars()
        if token == "\\frac":
            top = self.argument(digit=True)
            return _times([top, _inverse(self.argument(digit=True))])
        if token == "\\sqrt":
            return self.root()
        if token == "\\emptyset":
            return ("set",)
        if token in _FUNCTIONS:
            return self.function(token)
        if token in _ACCENTS:
            return (token, self.argument())
        if token[0].isdecimal() or (token[0] == "." and len(token) > 1):
            return Fraction(token)
        if token in _NAMES or token.isalpha():
            return ("name", token.casefold() if len(token) > 1 and token.isalpha() else token)
        raise _UnreadableError(token)

    def bracket(self, opening: str) -> Node:
        bars, self.bars = self.bars, 0
        elements, closing = self.elements(), self.take(")", "]")
        self.bars = bars
        if len(elements) > 1:
            return ("tuple", opening + closing, *elements)
        if opening + closing in ("()", "[]"):
            return elements[0]
        raise _UnreadableError(closing)

    def between_bars(self) -> Node:
        self.bars += 1
        node = self.sum()
        self.take("|")
        self.bars -= 1
        return ("absolute", node)

    def root(self) -> Node:
        degree: Node = Fraction(2)
        if self.peek() == "[":
            self.take()
            degree = self.sum()
            self.take("]")
        return ("root", degree, self.argument(digit=True))

    def function(self, name: str) -> Node:
        r"""\sin 2x is sin(2x), but \sin(2)x is sin(2)·x; another function ends the argument."""
        scripts = {}
        while self.peek() in ("^", "_"):
            mark = self.take()
            scripts[mark] = self.argument()
        if self.peek() in ("(", "{"):
            argument = self.atom()
        else:
            factors = [self.power()]
            while self.begins_atom() and self.peek() not in _FUNCTIONS:
                factors.append(self.power())
            argument = _times(factors)
        return (name, argument, *sorted(scripts.items()))
