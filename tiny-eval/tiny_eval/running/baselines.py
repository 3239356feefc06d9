"""Models that need no model: what a score is worth shows beside them.

    majority   always the commonest answer of all items
    lead       the first sentences of the context (lead-3, See et al. 2017, for news)
    overlap    the sentence, option or class that shares most words with the question
    ngram      a language model of characters, counted on the spot from the items' own texts

A score below one of them means that something is broken, in the model or in the measuring.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from tiny_eval.metrics import words_en, words_zh
from tiny_eval.problem import EvalProblem
from tiny_eval.running.items import LETTERS
from tiny_eval.running.question import Answer, Json, Question
from tiny_eval.running.task import Fields, Task

NAMES = ("majority", "lead", "overlap", "ngram")
SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
CHINESE = re.compile(r"[\u3400-\u9fff]")


class Baseline:
    """One of NAMES for one task. Apart from the majority it never looks at an answer."""

    def __init__(self, name: str, task: Task, items: Sequence[Fields]) -> None:
        if name not in NAMES:
            raise EvalProblem(f"there is no baseline {name!r}; choose one of {', '.join(NAMES)}")
        self.kind, self.task, self.items = name, task, items
        self.name = f"baseline-{name}"
        self.identity = f"{self.name} 1"

    def request(self, question: Question) -> Json:
        known = {name: value for name, value in question.item.items() if name != "answers"}
        continuation = {} if question.continuation is None else {"continuation": question.continuation}
        return {"item": known, "text": question.prompt.text, "of": len(self.items), **continuation}

    async def answer(self, question: Question) -> Answer:
        if question.continuation is not None:
            if self.kind != "ngram":
                raise EvalProblem(f"baseline:{self.kind} knows no probabilities; take baseline:ngram")
            if self.task.kind == "perplexity":
                return Answer(logprobs=self._as_they_come[question.item["id"]])
            return Answer(logprobs=self._ngrams.logprobs(question.prompt.text, question.continuation))
        text = getattr(self, f"_{self.kind}")(question.item)
        return Answer(text, prompt_tokens=question.prompt.tokens)

    # ---- what each of them says ------------------------------------------------------------------------------------

    def _majority(self, item: Fields) -> str:
        return max(sorted(self._answers), key=self._answers.__getitem__)

    def _lead(self, item: Fields) -> str:
        said = sentences(item.get("context") or item["input"])
        chinese = CHINESE.search("".join(said[:1]))
        return ("" if chinese else " ").join(said[:3])

    def _overlap(self, item: Fields) -> str:
        question = words(item["input"])
        options = self._options(item)
        if options:
            asked = words(item["input"] + " " + (item.get("context") or ""))
            return max(options, key=lambda option: shared(asked, words(options[option])))
        said = sentences(item.get("context") or item["input"])
        return max(said, key=lambda sentence: shared(question, words(sentence)))

    def _ngram(self, item: Fields) -> str:
        options = self._options(item)
        before = (item.get("context") or "") + "\n" + item["input"] + "\n"
        if options:

            def likely(name: str) -> float:
                found = self._ngrams.logprobs(before, options[name])
                return sum(found) / len(found)

            return max(options, key=likely)
        return self._ngrams.write(before, 60)

    # ---- what they know --------------------------------------------------------------------------------------------

    @staticmethod
    def _options(item: Fields) -> dict[str, str]:
        """What is answered, and the text that stands for it."""
        if item.get("choices"):
            return dict(zip(LETTERS, item["choices"], strict=False))
        return {name: name for name in item.get("all_classes") or []}

    @cached_property
    def _answers(self) -> Counter[str]:
        return Counter(item["answers"][0] for item in self.items)

    @cached_property
    def _ngrams(self) -> "Ngrams":
        return Ngrams([(item.get("context") or "") + "\n" + item["input"] for item in self.items])

    @cached_property
    def _as_they_come(self) -> dict[str, list[float]]:
        """Each text predicted from those before it: whoever has counted a text already predicts it too well."""
        ngrams, found = Ngrams([]), {}
        for item in self.items:
            found[item["id"]] = ngrams.logprobs("", item["input"])
            ngrams.count(item["input"])
        return found


class Ngrams:
    """Characters after up to `order` others: p = (count + λ · p of the shorter context) / (total + λ), and at the
    bottom all characters alike (Dirichlet smoothing, MacKay & Peto 1995, with λ fixed)."""

    LAMBDA = 2.0

    def __init__(self, texts: Sequence[str], order: int = 5) -> None:
        self.order = order
        self.counts: dict[str, Counter[str]] = {}
        self.totals: Counter[str] = Counter()
        for text in texts:
            self.count(text)

    def count(self, text: str) -> None:
        for place, character in enumerate(text):
            for length in range(min(self.order, place) + 1):
                context = text[place - length : place]
                self.counts.setdefault(context, Counter())[character] += 1
                self.totals[context] += 1

    def probability(self, context: str, character: str) -> float:
        p = 1 / 0x110000  # every character that Unicode has room for
        for length in range(min(self.order, len(context)) + 1):
            counts = self.counts.get(context[len(context) - length :])
            if counts is None:
                break
            total = self.totals[context[len(context) - length :]]
            p = (counts[character] + self.LAMBDA * p) / (total + self.LAMBDA)
        return p

    def logprobs(self, before: str, text: str) -> list[float]:
        """ln p of each character of `text` after `before`."""
        whole = before + text
        return [math.log(self.probability(whole[max(0, place - self.order) : place], whole[place]))
                for place in range(len(before), len(whole))]  # fmt: skip

    def write(self, before: str, longest: int) -> str:
        """The likeliest character, again and again, to the end of the line."""
        text = before
        for _ in range(longest):
            context = text[len(text) - self.order :]
            while context and context not in self.counts:
                context = context[1:]
            character = max(sorted(self.counts[context]), key=lambda c: self.probability(text[-self.order :], c))
            if character == "\n":
                break
            text += character
        return text[len(before) :]


def sentences(text: str) -> list[str]:
    return [found.strip() for found in SENTENCE.findall(text) if found.strip()] or [text]


def words(text: str) -> set[str]:
    return set(words_zh.words(text) if CHINESE.search(text) else words_en.words(text))


def shared(ours: set[str], theirs: set[str]) -> float:
    """Cosine of the two sets: long sentences share more by chance."""
    return len(ours & theirs) / math.sqrt(len(ours) * len(theirs)) if ours and theirs else 0.0
