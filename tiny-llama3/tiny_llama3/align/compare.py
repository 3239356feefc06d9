"""Every method from the same base on the same task, several seeds, one table.

The score of a policy is the share of held-out questions that it answers rightly, one answer each, drawn at temperature
1: from the distribution that the methods change, not only its peak. Each seed has its own questions, examples and
chances, so the spread over the seeds holds all of them; the interval is Student's, of the differences to the base on
the same questions.

Shapes: S seeds.
"""

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from statistics import mean, stdev

import torch

from tiny_llama3.align.chat_files import Pair, Prompt
from tiny_llama3.align.dpo import Dpo, EncodedPair
from tiny_llama3.align.encoded import encode_chats, encode_pairs, encode_questions
from tiny_llama3.align.grpo import Grpo
from tiny_llama3.align.judges import checker, reward_model
from tiny_llama3.align.log_probability import answer_log_probabilities
from tiny_llama3.align.lora import LoraConfig, add_lora, merge
from tiny_llama3.align.ppo import Ppo
from tiny_llama3.align.reward import Reward, set_average
from tiny_llama3.align.rollout import Question, sample_answers
from tiny_llama3.align.rows import on_device, one_a_row
from tiny_llama3.align.scorer import Scorer, from_base
from tiny_llama3.align.sft import Sft
from tiny_llama3.align.tuning import Method, Tuner, TuningConfig
from tiny_llama3.chat_template import Message
from tiny_llama3.model import Llama
from tiny_llama3.problem import Problem
from tiny_llama3.tasks.exercise import Exercise, exercises
from tiny_llama3.tokenizer import Tokenizer

POLICIES = ("sft", "lora", "dpo", "ipo", "ppo", "grpo")
FROM_REWARD_MODEL = "ppo-rm"  # PPO that never sees the check, only a reward model's opinion
EXAMPLES = 8000  # to learn from
QUESTIONS = 200  # to be scored with, of each seed
BETA = {"dpo": 0.5, "ipo": 4.0}  # IPO's is per token
LONGEST = 256  # tokens of an example
NEW_TOKENS = 64
MEASURED_AT_ONCE = 100
STUDENT_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

# What suits a model of a million parameters; found by trying a few, see benchmarks/RESULTS.md.
SETTINGS = {
    "sft": TuningConfig(steps=150, learning_rate=1e-3),
    "lora": TuningConfig(steps=90, learning_rate=5e-3),
    "dpo": TuningConfig(steps=80, learning_rate=1e-4),
    "ipo": TuningConfig(steps=80, learning_rate=1e-4),
    "reward": TuningConfig(steps=250, learning_rate=5e-4),
    "ppo": TuningConfig(steps=40, learning_rate=2e-4),
    "ppo-rm": TuningConfig(steps=40, learning_rate=1e-4),
    "grpo": TuningConfig(steps=60, learning_rate=5e-4),
}


def scaled(factor: float) -> dict[str, TuningConfig]:
    """The settings with so many times the steps."""
    if not 0 < factor < math.inf:
        raise Problem(f"the steps can't be multiplied by {factor}; 1 is usual")
    return {name: replace(each, steps=max(1, round(each.steps * factor))) for name, each in SETTINGS.items()}


@dataclass(frozen=True)
class Sample:
    prompt: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    """One method, one seed."""

    method: str
    seed: int
    score: float  # share of right answers, 0 to 1; of a reward model, of pairs told apart
    base_score: float  # of the base on the same questions
    kl: float  # nats an answer that the policy has moved away from the base
    tokens: int  # that went through a model to learn from
    seconds: float
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """What one seed learns from, and is scored with."""

    train: list[Exercise]
    questions: list[Question]
    pairs: list[EncodedPair]
    held_out_pairs: list[EncodedPair]


class Comparison:
    """Runs one method after the other.

    The reward model begins as the fine-tuned model, as is usual: it must know what is right before it can judge. Both
    are made once a seed and kept.
    """

    def __init__(
        self,
        base: Llama,
        tokenizer: Tokenizer,
        task: str,
        language: str,
        settings: dict[str, TuningConfig] = SETTINGS,
        examples: int = EXAMPLES,
        questions: int = QUESTIONS,
    ) -> None:
        self.base, self.tokenizer = base.requires_grad_(False).eval(), tokenizer
        self.task, self.language = task, language
        self.settings = settings
        self.examples, self.questions = examples, questions
        self.judge = checker(task)
        self._fine_tuned: dict[int, tuple[Llama, float, int]] = {}
        self._reward_models: dict[int, tuple[Scorer, Result]] = {}
        self._lessons: dict[int, Lesson] = {}

    def steps(self, method: str, seed: int) -> int:
        """How often `run` will tick."""
        needed = {method}
        if method == FROM_REWARD_MODEL and seed not in self._reward_models:
            needed.add("reward")
        if "reward" in needed and seed in self._reward_models:
            return 0
        if "reward" in needed:
            needed.add("sft")
        if seed in self._fine_tuned:
            needed.discard("sft")
        return sum(self.settings[name].steps for name in needed)

    def run(self, method: str, seed: int, tick: Callable[[], object] = lambda: None) -> Result:
        """`tick` is called after every step. Raises Problem for a method that there isn't."""
        if method == "reward":
            return self._reward_model(seed, tick)[1]
        if method not in (*POLICIES, FROM_REWARD_MODEL):
            known = ", ".join((*POLICIES, FROM_REWARD_MODEL, "reward"))
            raise Problem(f"there is no method {method!r}; choose from {known}")
        lesson = self._lesson(seed)
        if method == "sft":
            policy, seconds, tokens = self._fine_tuning(seed, tick)
        else:
            policy = deepcopy(self.base).requires_grad_(True)
            teacher = self._teacher(method, policy, lesson, seed, tick)
            seconds, tokens = _train(teacher, replace(self.settings[method], seed=seed), tick)
        if method == "lora":
            policy = merge(policy)
        score, kl, samples = self._scored(policy.eval(), lesson.questions, seed)
        base_score = self._scored(self.base, lesson.questions, seed)[0]
        return Result(method, seed, score, base_score, kl, tokens, seconds, samples)

    def _teacher(self, method: str, policy: Llama, lesson: Lesson, seed: int, tick: Callable[[], object]) -> Method:
        questions = self._questions(lesson.train)
        if method == "lora":
            return self._sft(add_lora(policy, LoraConfig(), seed), lesson, seed)
        if method in ("dpo", "ipo"):
            return Dpo(policy, lesson.pairs, loss=method, beta=BETA[method], seed=seed)
        if method == "grpo":
            return Grpo(policy, self.tokenizer, questions, self.judge, max_new_tokens=NEW_TOKENS, seed=seed)
        if method == "ppo":
            critic, judge = from_base(self.base, ["value"]).requires_grad_(True), self.judge
        else:
            scorer = self._reward_model(seed, tick)[0]
            critic, judge = deepcopy(scorer).requires_grad_(True), reward_model(scorer)
        return Ppo(policy, critic, self.tokenizer, questions, judge, max_new_tokens=NEW_TOKENS, seed=seed)

    def _sft(self, policy: Llama, lesson: Lesson, seed: int) -> Sft:
        chats = [(Message("user", each.prompt), Message("assistant", each.answer)) for each in lesson.train]
        return Sft(policy, encode_chats(self.tokenizer, chats, LONGEST)[0], length=LONGEST, seed=seed)

    def _fine_tuning(self, seed: int, tick: Callable[[], object]) -> tuple[Llama, float, int]:
        if seed not in self._fine_tuned:
            policy = deepcopy(self.base).requires_grad_(True)
            config = replace(self.settings["sft"], seed=seed)
            self._fine_tuned[seed] = policy, *_train(self._sft(policy, self._lesson(seed), seed), config, tick)
        return self._fine_tuned[seed]

    def _reward_model(self, seed: int, tick: Callable[[], object]) -> tuple[Scorer, Result]:
        if seed not in self._reward_models:
            lesson = self._lesson(seed)
            scorer = from_base(self._fine_tuning(seed, tick)[0], ["reward"])
            reward = Reward(scorer, lesson.pairs, lesson.held_out_pairs, seed=seed)
            seconds, tokens = _train(reward, replace(self.settings["reward"], seed=seed), tick)
            set_average(scorer, lesson.held_out_pairs)
            accuracy = reward.measure()["accuracy"]
            result = Result("reward", seed, accuracy, 0.5, 0.0, tokens, seconds)
            self._reward_models[seed] = scorer.requires_grad_(False).eval(), result
        return self._reward_models[seed]

    def _lesson(self, seed: int) -> Lesson:
        if seed in self._lessons:
            return self._lessons[seed]
        train = exercises(self.task, self.language, self.examples, seed=seed, split="train")
        test = exercises(self.task, self.language, self.questions, seed=seed, split="test")
        lesson = Lesson(train, self._questions(test), self._pairs(train), self._pairs(test))
        self._lessons[seed] = lesson
        return lesson

    def _pairs(self, given: Sequence[Exercise]) -> list[EncodedPair]:
        pairs = [Pair((Message("user", each.prompt),), each.answer, each.mistake) for each in given]
        return encode_pairs(self.tokenizer, pairs, LONGEST)[0]

    def _questions(self, given: Sequence[Exercise]) -> list[Question]:
        prompts = [Prompt((Message("user", each.prompt),), each.answer) for each in given]
        return encode_questions(self.tokenizer, prompts, LONGEST)[0]

    @torch.no_grad()
    def _scored(self, policy: Llama, questions: list[Question], seed: int) -> tuple[float, float, tuple[Sample, ...]]:
        """Share of right answers, nats away from the base, and three answers of both."""
        answers = []
        for start in range(0, len(questions), MEASURED_AT_ONCE):
            part = questions[start : start + MEASURED_AT_ONCE]
            answers += sample_answers(policy, self.tokenizer, part, NEW_TOKENS, seed + start)
        distances = []
        for start in range(0, len(answers), MEASURED_AT_ONCE):
            batch = one_a_row([each.chat for each in answers[start : start + MEASURED_AT_ONCE]])
            batch = on_device(batch, policy.model.embed_tokens.weight.device)
            distances.append(answer_log_probabilities(policy, batch) - answer_log_probabilities(self.base, batch))
        shown = questions[:3]
        before = sample_answers(self.base, self.tokenizer, shown, NEW_TOKENS, seed)
        samples = tuple(Sample(q.text, b.text, a.text) for q, b, a in zip(shown, before, answers, strict=False))
        return mean(self.judge(answers)), float(torch.cat(distances).mean()), samples


@dataclass(frozen=True)
class Line:
    """One method over its seeds."""

    method: str
    seeds: int
    score: float
    gain: float  # over the base
    margin: float | None  # half the width of the gain's 95% interval; one seed has none
    kl: float
    tokens: float
    seconds: float

    @property
    def beats_base(self) -> bool:
        return self.margin is not None and self.gain > self.margin


def summary(results: Sequence[Result]) -> list[Line]:
    """One line for each method, in the order of their first results."""
    lines = []
    for method in dict.fromkeys(result.method for result in results):
        own = [result for result in results if result.method == method]
        gains = [result.score - result.base_score for result in own]
        score, kl, tokens, seconds = (mean(getattr(each, name) for each in own)
                                      for name in ("score", "kl", "tokens", "seconds"))  # fmt: skip
        lines.append(Line(method, len(own), score, mean(gains), interval_margin(gains), kl, tokens, seconds))
    return lines


def interval_margin(values: Sequence[float]) -> float | None:
    """Half the width of Student's 95% interval of the mean; a single value has none."""
    if len(values) < 2:
        return None
    return STUDENT_95.get(len(values) - 1, 1.96) * stdev(values) / math.sqrt(len(values))


def _train(method: Method, config: TuningConfig, tick: Callable[[], object]) -> tuple[float, int]:
    """To the end; returns seconds and tokens."""
    tuner = Tuner(method, config)
    start, tokens = time.monotonic(), 0.0
    while tuner.step < config.steps:
        tuner.train_step()
        tokens += method.numbers["tokens"]
        tick()
    return time.monotonic() - start, int(tokens)
