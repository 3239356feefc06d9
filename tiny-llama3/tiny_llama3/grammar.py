"""A probabilistic grammar with memory: sampling, the probability of a text, and the exact entropy.

A rule reads `symbol = text | text | ...`; a number in front of a text is its weight (1 otherwise). `{symbol}` stands
for one of that symbol's texts, chosen where it first occurs and kept to the end: a hero stays who she is.
`hero.she.her = Lily / she / her | ...` gives each text further forms, written `{hero.she}`. Forms may hold symbols
too, so that what can come later depends on what was said before.

Entropy and probability are exact if no two derivations give the same text; a test proves that for stories.py.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import log2
from typing import NamedTuple

from tiny_llama3.problem import Problem


class Slot(NamedTuple):
    """Where a symbol stands, and which form of its text is wanted ("" the text itself)."""

    symbol: str
    form: str


Parts = tuple[str | Slot, ...]
START: Parts = (Slot("story", ""),)


@dataclass(frozen=True, eq=False)  # compared by identity: two symbols may have equal texts
class Text:
    """One of the texts of a symbol, with its probability."""

    share: float
    forms: Mapping[str, Parts]


Chosen = Mapping[str, Text]  # what each symbol stands for from now on


class Grammar:
    """Raises Problem for a slot that no rule defines, and for a symbol that contains itself."""

    def __init__(self, rules: str) -> None:
        self.texts: dict[str, list[Text]] = {}
        for rule in re.sub(r"\n +", " ", rules).split("\n"):
            if rule.strip():
                head, _, body = rule.partition(" = ")
                symbol, *forms = head.split(".")
                self.texts[symbol] = _texts(("", *forms), body, rule)
        self._reach = {symbol: self._symbols_in(symbol) for symbol in self.texts}
        self._limits = {symbol: list(accumulate(text.share for text in texts)) for symbol, texts in self.texts.items()}

    def _symbols_in(self, symbol: str, around: tuple[str, ...] = ()) -> set[str]:
        """The symbols that may be needed to replace this one, itself included."""
        if symbol in around:
            raise Problem(f"{symbol} contains itself ({' > '.join((*around, symbol))}); take it out of one of them")
        symbols = {symbol}
        for slot in (slot for text in self.texts[symbol] for parts in text.forms.values() for slot in _slots(parts)):
            if slot.symbol not in self.texts or slot.form not in self.texts[slot.symbol][0].forms:
                raise Problem(f"{symbol} asks for {'.'.join(filter(None, slot))}, which no rule defines; add it")
            symbols |= self._symbols_in(slot.symbol, (*around, symbol))
        return symbols

    def sample(self, rng: random.Random) -> str:
        """One text, each choice made with its probability."""
        written: list[str] = []
        chosen: dict[str, Text] = {}
        rest = list(START)
        while rest:
            part = rest.pop()
            if isinstance(part, str):
                written.append(part)
                continue
            symbol, form = part
            if symbol not in chosen:
                chosen[symbol] = rng.choices(self.texts[symbol], cum_weights=self._limits[symbol])[0]
            rest += reversed(chosen[symbol].forms[form])
        return "".join(written)

    def derivations(self, text: str) -> list[float]:
        """log2 of the probability of each way to derive exactly this text; empty if there is none."""
        found: list[float] = []
        to_try: list[tuple[int, Parts, Chosen, float]] = [(0, START, {}, 0.0)]
        while to_try:
            at, rest, chosen, log2_share = to_try.pop()
            if not rest:
                found += [log2_share] if at == len(text) else []
                continue
            part, rest = rest[0], rest[1:]
            if isinstance(part, str):
                if text.startswith(part, at):
                    to_try.append((at + len(part), rest, chosen, log2_share))
            elif part.symbol in chosen:
                to_try.append((at, chosen[part.symbol].forms[part.form] + rest, chosen, log2_share))
            else:
                for choice in self.texts[part.symbol]:
                    now = {**chosen, part.symbol: choice}
                    to_try.append((at, choice.forms[part.form] + rest, now, log2_share + log2(choice.share)))
        return found

    @cached_property
    def entropy_bits(self) -> float:
        """The expected -log2 probability of a text, by the chain rule: each choice adds the entropy of its shares."""
        known: dict[tuple[Parts, tuple[Text | None, ...]], float] = {}

        def bits_of(rest: Parts, chosen: Chosen) -> float:
            """What the choices still to be made are expected to add."""
            slot, after = _next_choice(rest, chosen)
            if slot is None:
                return 0.0
            # a choice matters only if its symbol can occur again: so few cases are left that all can be gone through
            relevant = sorted(set().union(*(self._reach[symbol] for symbol, _ in _slots((slot, *after)))))
            case = (slot, *after), tuple(chosen.get(symbol) for symbol in relevant)
            if case not in known:
                texts = self.texts[slot.symbol]
                bits = -sum(text.share * log2(text.share) for text in texts)
                # whichever plain word it is, what follows has the same entropy: follow one for all
                plain = self._reach[slot.symbol] == {slot.symbol}
                for share, text in [(1.0, texts[0])] if plain else [(text.share, text) for text in texts]:
                    bits += share * bits_of(text.forms[slot.form] + after, {**chosen, slot.symbol: text})
                known[case] = bits
            return known[case]

        return bits_of(START, {})


def _next_choice(rest: Parts, chosen: Chosen) -> tuple[Slot | None, Parts]:
    """The first slot whose symbol has no text yet, and what comes after it."""
    while rest:
        part, rest = rest[0], rest[1:]
        if isinstance(part, Slot):
            if part.symbol not in chosen:
                return part, rest
            rest = chosen[part.symbol].forms[part.form] + rest
    return None, ()


def _slots(parts: Parts) -> list[Slot]:
    return [part for part in parts if isinstance(part, Slot)]


def _texts(forms: tuple[str, ...], body: str, rule: str) -> list[Text]:
    """The right side of a rule."""
    weighted: list[tuple[int, list[str]]] = []
    for alternative in body.split(" | "):
        weight, written = re.findall(r"^(?:([1-9]\d*) )?(.*)$", alternative.strip())[0]
        weighted.append((int(weight or 1), written.split(" / ")))
        if len(weighted[-1][1]) != len(forms):
            raise Problem(
                f"{alternative!r} needs {len(forms)} forms with / between them; correct the rule {rule[:60]!r}"
            )
    total = sum(weight for weight, _ in weighted)
    return [
        Text(weight / total, {form: _parts(text) for form, text in zip(forms, written, strict=True)})
        for weight, written in weighted
    ]


def _parts(written: str) -> Parts:
    """`a {colour} hat` -> ("a ", Slot("colour", ""), " hat")"""
    pieces = re.split(r"\{(\w+)(?:\.(\w+))?\}", written)
    parts: list[str | Slot] = [pieces[0]]
    for symbol, form, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        parts += [Slot(symbol, form or ""), text]
    return tuple(part for part in parts if part)
