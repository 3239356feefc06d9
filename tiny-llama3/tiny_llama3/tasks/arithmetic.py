"""Sums and differences of numbers below 100, with the steps written out: ones, tens, together.

    What is 47 + 38?     7 + 8 = 15, 40 + 30 = 70, 70 + 15 = 85. Answer: 85
    What is 62 - 27?     62 - 20 = 42, 42 - 7 = 35. Answer: 35

An answer is right if its last number is, and if every step that it writes is true.
"""

import random
import re

PROMPTS = {
    "en": ("What is {a} {sign} {b}?", "Work out {a} {sign} {b}.", "{a} {sign} {b} = ?"),
    "zh": ("{a} {sign} {b} 等于多少？", "请计算 {a} {sign} {b}。", "{a} {sign} {b} 是几？"),
}
ANSWER = {"en": ". Answer: ", "zh": "。答案："}
SUM = re.compile(r"(\d+) ([+-]) (\d+)")
STEP = re.compile(r"(\d+) ([+-]) (\d+) = (\d+)")
FINAL = re.compile(r"(?:Answer: |答案：)(\d+)$")


def make(chance: random.Random, language: str) -> tuple[str, str, str]:
    """Prompt, answer, mistake."""
    a, b, sign = chance.randint(10, 99), chance.randint(1, 99), chance.choice("+-")
    if sign == "-" and a < b:
        a, b = b, a
    prompt = chance.choice(PROMPTS[language]).format(a=a, b=b, sign=sign)
    steps, result = worked(a, b, sign)
    wrong = chance.choice([slipped_step, wrong_end, no_end])(chance, steps, result, ANSWER[language])
    return prompt, ", ".join(steps) + f"{ANSWER[language]}{result}", wrong


def worked(a: int, b: int, sign: str) -> tuple[list[str], int]:
    """The steps and the result."""
    ones, tens = b % 10, b - b % 10
    if sign == "-":
        middle = a - tens
        return [f"{a} - {tens} = {middle}", f"{middle} - {ones} = {middle - ones}"], a - b
    low, high = a % 10 + ones, a - a % 10 + tens
    return [f"{a % 10} + {ones} = {low}", f"{a - a % 10} + {tens} = {high}", f"{high} + {low} = {a + b}"], a + b


def slipped_step(chance: random.Random, steps: list[str], result: int, ending: str) -> str:
    """One step is off, and so is what follows from it."""
    off = chance.choice([-10, -1, 1, 10])
    if result + off < 0:
        off = abs(off)
    place = chance.randrange(len(steps))
    left, _, value = steps[place].rpartition(" = ")
    wrong = [*steps[:place], f"{left} = {max(int(value) + off, 0) if int(value) + off != int(value) else 0}"]
    return ", ".join([*wrong, *steps[place + 1 :]]) + f"{ending}{result + off}"


def wrong_end(chance: random.Random, steps: list[str], result: int, ending: str) -> str:
    """The steps are right, the result is miscopied."""
    digits = str(result)
    swapped = int(digits[::-1])
    return ", ".join(steps) + f"{ending}{swapped if swapped != result else result + chance.choice([1, 2, 10])}"


def no_end(chance: random.Random, steps: list[str], result: int, ending: str) -> str:
    """It stops before the result."""
    return ", ".join(steps)


def check(prompt: str, answer: str) -> bool | None:
    asked = SUM.search(prompt)
    if asked is None:
        return None
    final = FINAL.search(answer)
    if final is None or len(final[1]) > 4 or int(final[1]) != value(*asked.groups()):
        return False
    steps = STEP.findall(answer)
    return bool(steps) and all(value(a, sign, b) == int(result) for a, sign, b, result in steps)


def value(a: str, sign: str, b: str) -> int:
    return int(a) + int(b) if sign == "+" else int(a) - int(b)
