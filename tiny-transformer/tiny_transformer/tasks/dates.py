"""Dates as people write them, in English and Chinese, to ISO: 3rd of March, 2021 or 二零二一年三月三日 -> 2021-03-03.

Years 1950 to 2049. Slashes: Y/M/D or M/D/Y; dots: D.M.Y; a year of two digits from 50 on is 19xx, below it is 20xx.
The parts are split by date: no date of the test was ever seen in training, in any form.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta

from tiny_transformer.characters import Characters
from tiny_transformer.tasks.task import Task, Texts

FIRST, LAST = date(1950, 1, 1), date(2049, 12, 31)
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
HELD_OUT = 2_000  # dates for validation, and as many for the test
DIGITS = "零一二三四五六七八九"


def ordinal(day: int) -> str:
    """1st, 2nd, 3rd, 4th, ... 11th, 12th, 13th, ... 21st"""
    suffix = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def chinese_number(n: int) -> str:
    """1 to 31: 一, 十, 十一, 二十, 三十一"""
    tens, ones = divmod(n, 10)
    return ("" if tens < 2 else DIGITS[tens]) + ("十" if tens else "") + (DIGITS[ones] if ones else "")


def english(day: date, rng: random.Random) -> str:
    """Month names long and short, ordinals, zeros in front, commas, weekdays, in the orders that are in use."""
    month = MONTHS[day.month - 1]
    month = rng.choice([month, month, month[:3], f"{month[:3]}.", "Sept" if day.month == 9 else month])
    number = rng.choice([f"{day.day}", f"{day.day:02}", ordinal(day.day)])
    comma = rng.choice([",", ""])
    text = rng.choice([
        f"{month} {number}{comma} {day.year}",
        f"{number} {month}{comma} {day.year}",
        f"{rng.choice(['the ', ''])}{ordinal(day.day)} of {month}{comma} {day.year}",
        f"{month} the {ordinal(day.day)}{comma} {day.year}",
        f"{day.day:02}-{month[:3]}-{day.year}",
    ])  # fmt: skip
    if rng.random() < 0.15:
        weekday = WEEKDAYS[day.weekday()]
        text = f"{rng.choice([weekday, weekday[:3]])}{rng.choice([',', ''])} {text}"
    return rng.choice([text, text, text, text.lower(), text.upper(), text[0].upper() + text[1:]])


def chinese(day: date, rng: random.Random) -> str:
    """Digits or characters, 日 or 号, zeros in front, spaces, weekdays."""
    last = rng.choice("日日号")
    if rng.random() < 0.5:
        year = "".join(DIGITS[int(digit)] for digit in str(day.year)).replace("零", rng.choice("零〇"))
        text = f"{year}年{chinese_number(day.month)}月{chinese_number(day.day)}{last}"
    else:
        year = rng.choice([f"{day.year}", f"{day.year}", f"{day.year}", f"{day.year % 100:02}"])
        zeros = rng.choice(["", "02"])
        text = f"{year}年{day.month:{zeros}}月{day.day:{zeros}}{last}"
        if rng.random() < 0.15:
            text = text.replace("年", " 年 ").replace("月", " 月 ").replace(last, f" {last}")
    if rng.random() < 0.1:
        text += rng.choice(["星期", "周"]) + "一二三四五六日"[day.weekday()]
    return text


def in_digits(day: date, rng: random.Random) -> str:
    """Slashes, dots and hyphens; who comes first follows from the sign and the length of the year."""
    zeros = rng.choice(["", "02"])
    month, number = f"{day.month:{zeros}}", f"{day.day:{zeros}}"
    return rng.choice([
        f"{day.year}/{month}/{number}",
        f"{month}/{number}/{day.year % 100:02}",
        f"{month}/{number}/{day.year % 100:02}",
        f"{month}/{number}/{day.year}",
        f"{number}.{month}.{day.year}",
        f"{day.year}-{month}-{number}",
    ])  # fmt: skip


WRITERS: list[Callable[[date, random.Random], str]] = [english, chinese, in_digits]


def written(day: date, rng: random.Random) -> str:
    """The date as somebody might write it."""
    return rng.choice(WRITERS)(day, rng)


def dates_task(seed: int = 0) -> Task:
    """All 36,525 dates in random order: 2,000 for the test, 2,000 for validation, the rest for training."""
    rng = random.Random(f"dates {seed}")
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    rng.shuffle(days)

    def pairs(days: list[date]) -> list[Texts]:
        return [(written(day, rng), day.isoformat()) for day in days]

    test, valid, train = pairs(days[:HELD_OUT]), pairs(days[HELD_OUT : 2 * HELD_OUT]), pairs(days[2 * HELD_OUT :])
    return Task(
        name="dates",
        metric="exact_match",
        train=train,
        valid=valid,
        test=test,
        source_vocabulary=Characters("".join(source for source, _ in train)),
        target_vocabulary=Characters("0123456789-"),
        model={"d_model": 64, "n_heads": 4, "n_layers": 2, "d_ff": 128, "dropout": 0.0, "max_len": 64},
        training={"epochs": 6, "batch_tokens": 1024, "warmup_steps": 400, "rate_factor": 0.6, "average": 3},
    )
