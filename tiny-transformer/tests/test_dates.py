"""Dates: a strict reader, written from the conventions alone, gives back the date from every form of every writer."""

import calendar
import random
import re
from collections import Counter
from datetime import date, timedelta

import pytest

from tiny_transformer.tasks.dates import FIRST, LAST, WRITERS, chinese_number, dates_task, ordinal, written

MONTHS = [name.lower() for name in calendar.month_name]
SHORT = [name.lower() for name in calendar.month_abbr]
DAY = r"(?P<day>\d{1,2})(?P<suffix>st|nd|rd|th)?"
MONTH = r"(?P<month>[a-z]+)\.?"
YEAR = r"(?P<year>\d{4})"
# form: its pattern, in lower case
ENGLISH = {
    "March 3, 2021": rf"{MONTH} {DAY},? {YEAR}",
    "3 March 2021": rf"{DAY} {MONTH},? {YEAR}",
    "the 3rd of March, 2021": rf"(?:the )?{DAY} of {MONTH},? {YEAR}",
    "March the 3rd, 2021": rf"{MONTH} the {DAY},? {YEAR}",
    "03-Mar-2021": rf"{DAY}-{MONTH}-{YEAR}",
}
DIGITS = {
    "2021/3/3": r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
    "3/3/21": r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{2})",
    "3/3/2021": r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
    "3.3.2021": r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
    "2021-03-03": r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    "2021年3月3日": (
        r"(?P<year>\d{4}|\d\d) ?年 ?(?P<month>\d{1,2}) ?月 ?(?P<day>\d{1,2}) ?[日号](?P<weekday>(?:星期|周).)?"
    ),
}
ONE_TO_TEN = "[一二三四五六七八九十]"
CHINESE = (
    rf"(?P<year>[零〇一二三四五六七八九]{{4}})年(?P<month>{ONE_TO_TEN}{{1,2}})月(?P<day>{ONE_TO_TEN}{{1,3}})[日号]"
    r"(?P<weekday>(?:星期|周).)?"
)
CHINESE_1_TO_31 = (
    "一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八 十九 二十 "
    "二十一 二十二 二十三 二十四 二十五 二十六 二十七 二十八 二十九 三十 三十一"
).split()


def read(text):
    """The date and the form, or an error: never a guess."""
    for form, pattern in DIGITS.items():
        if found := re.fullmatch(pattern, text):
            year = found["year"]
            # two digits: from 50 on it is 19xx
            full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= 50 else 2000)
            day = date(full, int(found["month"]), int(found["day"]))
            check_chinese_weekday(found, day)
            return day, form if len(year) == 4 or "/" in form else "21年3月3日"
    if found := re.fullmatch(CHINESE, text):
        year = int("".join(str("零一二三四五六七八九".index(sign)) for sign in found["year"].replace("〇", "零")))
        assert len(set(found["year"]) & {"零", "〇"}) < 2
        day = date(year, *(1 + CHINESE_1_TO_31.index(found[part]) for part in ("month", "day")))
        check_chinese_weekday(found, day)
        return day, "二零二一年三月三日"
    return read_english(text)


def check_chinese_weekday(found, day):
    if "weekday" in found.groupdict() and found["weekday"]:
        assert found["weekday"][-1] == "一二三四五六日"[day.weekday()]


def read_english(text):
    assert text in (text.lower(), text.upper()) or re.fullmatch(r"[A-Z0-9t][^A-Z]*([ -][A-Z][a-z]+.*)?", text), text
    named = r"(?:((?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun),? )?(.*)"
    weekday, rest = re.findall(f"^{named}$", text.lower())[0]
    for form, pattern in ENGLISH.items():
        if found := re.fullmatch(pattern, rest):
            name = found["month"]
            number = MONTHS.index(name) if name in MONTHS else 9 if name == "sept" else SHORT.index(name)
            day = date(int(found["year"]), number, int(found["day"]))
            assert not weekday or calendar.day_name[day.weekday()].lower().startswith(weekday)
            # 11th, 12th, 13th; 1st, 21st, 31st; ...
            suffixes = {"st": (1, 21, 31), "nd": (2, 22), "rd": (3, 23)}
            right = next((suffix for suffix, days in suffixes.items() if day.day in days), "th")
            assert found["suffix"] in (None, right)
            return day, form
    raise AssertionError(f"no form is like {text!r}")


ISSUE = [
    *("the 3rd of March, 2021", "March 03, 2021", "03 Mar 2021", "二零二一年三月三日", "2021年3月3日"),
    *("2021/3/3", "3/3/21", "3.3.2021"),
]


@pytest.fixture(scope="module")
def task():
    return dates_task()


def test_the_reader_reads_what_people_write():
    for text in ISSUE:
        assert read(text)[0] == date(2021, 3, 3)
    assert read("2/1/50")[0] == date(1950, 2, 1) and read("2/1/49")[0] == date(2049, 2, 1)
    assert read("二〇〇五年十二月三十一日")[0] == date(2005, 12, 31)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_every_writer_is_read_back(writer):
    rng = random.Random(writer.__name__)
    for _ in range(4000):
        day = FIRST + timedelta(days=rng.randrange((LAST - FIRST).days + 1))
        text = writer(day, rng)
        assert read(text)[0] == day, text


def test_the_forms_that_were_promised_occur():
    rng = random.Random(0)
    day = date(2021, 3, 3)
    assert set(ISSUE) <= {written(day, rng) for _ in range(20_000)}


def test_the_task_holds_what_is_read_in_it(task):
    """Every tenth pair of the training, and all others; all forms are there, none of them rare."""
    forms: Counter[str] = Counter()
    for source, target in [*task.train[::10], *task.test, *task.valid]:
        day, form = read(source)
        assert day.isoformat() == target
        forms[form] += 1
    assert forms.keys() == {*ENGLISH, *DIGITS, "二零二一年三月三日", "21年3月3日"}
    assert min(forms.values()) > 0.01 * forms.total()


def test_no_date_of_the_test_was_seen_in_training(task):
    parts = [{target for _, target in part} for part in (task.train, task.valid, task.test)]
    assert len(task.test) == len(task.valid) == 2000
    assert len(parts[0]) + len(parts[1]) + len(parts[2]) == len(parts[0] | parts[1] | parts[2]) == 36_525
    assert min(parts[0]).startswith("195") and max(parts[0]).startswith("2049")


def test_no_text_means_two_dates(task):
    meaning: dict[str, str] = {}
    for source, target in [*task.train, *task.valid, *task.test]:
        assert meaning.setdefault(source, target) == target


def test_the_vocabularies_know_every_sign_and_every_text_fits(task):
    known = set(task.source_vocabulary.characters)
    assert all(set(source) <= known for source, _ in [*task.valid, *task.test])
    assert max(task.tokens_in(pair) for part in (task.train, task.valid, task.test) for pair in part) < 63


def test_the_seed_decides(task):
    again, other = dates_task(0), dates_task(1)
    assert (again.train, again.valid, again.test) == (task.train, task.valid, task.test)
    assert other.test != task.test


def test_ordinals_and_chinese_numbers():
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)] == (
        "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 31st".split())  # fmt: skip
    assert [chinese_number(n) for n in range(1, 32)] == CHINESE_1_TO_31
