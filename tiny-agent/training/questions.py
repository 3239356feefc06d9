"""Questions with their whole solution: what the small model is taught, and tested on with other numbers and words.

Each kind has templates in both languages. Some templates (`HELD_OUT`) are never trained on: can the model do a question
that is put in other words? Numbers, names and notes are drawn anew for every question.
"""

import datetime as dt
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tiny_agent.tools import dates, units
from tiny_agent.tools.calculator import calculate


@dataclass(frozen=True)
class Example:
    """`steps` are (what the model writes, what it is told); the last one's second half is empty."""

    question: str
    steps: tuple[tuple[str, str], ...]
    kind: str
    answer: str
    held_out: bool = False


THOUGHTS = {
    "sums": ("This is a sum.", "这是一道算术题。"), "units": ("I convert the units.", "要换算单位。"),
    "dates": ("I count the days.", "要推算日期。"), "notes": ("I look it up in the notes.", "查一查笔记。"),
}  # fmt: skip
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def solved(
    question: str, tool: str, arguments: dict[str, object], told: str, answer: str, kind: str, held: bool
) -> Example:
    thought = THOUGHTS[kind][CHINESE.search(question) is not None]
    act = f"Thought: {thought}\nAction: {tool}\nAction Input: {json.dumps(arguments, ensure_ascii=False)}"
    return Example(question, ((act, told), (f"Final Answer: {answer}", "")), kind, answer, held)


# ---- names that nobody has -----------------------------------------------------------------------------------------

# The 3,755 common characters of GB 2312's first level: all of them are in the vocabulary. Drawn at random they teach
# copying, not names. Only 151 of them are drawn: a character that is hardly ever seen is not learnt to be copied.
COMMON = "".join(bytes([high, low]).decode("gb2312") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)
                 if (high, low) < (0xD7, 0xFA))  # fmt: skip
DRAWN = COMMON[::25]
SYLLABLES = [first + vowel + last for first in "b c d f g h k l m n p r s t v w z sh br st".split() for vowel in "aeiou"
             for last in ("", "", "n", "r", "l", "s", "m")]  # fmt: skip


def person(rng: random.Random, chinese: bool) -> str:
    """Every second one is of characters or syllables drawn at random."""
    if chinese:
        given = rng.choice(GIVEN_ZH) if rng.random() < 0.3 else "".join(rng.choices(DRAWN, k=rng.choice((1, 2, 2))))
        return rng.choice(FAMILY_ZH if rng.random() < 0.5 else DRAWN) + given
    first = rng.choice(NAMES_EN) if rng.random() < 0.4 else word(rng).capitalize()
    last = rng.choice(FAMILY_EN) if rng.random() < 0.4 else word(rng).capitalize()
    return f"{first} {last}"


def word(rng: random.Random) -> str:
    return "".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3))))


KINDS_EN = "garden house mill room hall bridge tower store yard gate shop well school market".split()


def place_name(rng: random.Random, chinese: bool) -> str:
    if rng.random() < 0.4:
        return rng.choice(PLACES_ZH if chinese else PLACES_EN)
    if chinese:
        return "".join(rng.choices(DRAWN, k=rng.choice((1, 2, 2)))) + rng.choice("园屋房厅桥楼院门铺坑井市馆塔")
    return f"{word(rng)} {rng.choice(KINDS_EN)}"


# ---- arithmetic ------------------------------------------------------------------------------------------------------

NAMES_EN = ("Ada Ben Carl Dina Emma Finn Gina Hugo Ida Jack Kim Lena Max Nora Otto Pia Quin Rosa Sam Tina Uli Vera "
            "Will Yara Zoe").split()  # fmt: skip
NAMES_ZH = "小林 小周 小陈 小王 小李 小赵 小孙 小吴 小郑 小何 老张 老刘 阿明 阿芳 小梅 小兰".split()
THINGS_EN = "apples books coins stamps pens eggs cups stones cards nails tickets plates shells buttons".split()
THINGS_ZH = "苹果 书 硬币 邮票 铅笔 鸡蛋 杯子 石子 卡片 钉子 车票 盘子 贝壳 纽扣".split()
# (template, expression); the ones marked with ! are held out
SUMS_EN = """\
What is {a} plus {b}?|{a} + {b}
What is {a} minus {b}?|{a} - {b}
What is {a} times {b}?|{a} * {b}
What is {a} divided by {b}?|{a} / {b}
Calculate {a} + {b} * {c}.|{a} + {b} * {c}
How much is ({a} + {b}) * {c}?|({a} + {b}) * {c}
Add {a} and {b}.|{a} + {b}
Multiply {a} by {b}.|{a} * {b}
Subtract {b} from {a}.|{a} - {b}
What is {p}% of {a}?|{a} * {p} / 100
{n} has {a} {t} and buys {b} more. How many {t} does {n} have?|{a} + {b}
{n} has {a} {t} and gives {b} away. How many are left?|{a} - {b}
{n} buys {a} boxes with {b} {t} each. How many {t} is that?|{a} * {b}
{n} packs {a} {t} into boxes of {b}. How many boxes is that?|{a} / {b}
One of the {t} costs {a} cents. What do {b} of them cost?|{a} * {b}
{n} reads {a} pages a day. How many pages is that in {b} days?|{a} * {b}
{n} saves {a} coins a week for {b} weeks and spends {c}. How many are left?|{a} * {b} - {c}
Tell me the sum of {a} and {b}.|{a} + {b}
Tell me the product of {a} and {b}.|{a} * {b}
Please work out {a} - {b}.|{a} - {b}
What do you get if you multiply {a} by {b}?|{a} * {b}
What do you get if you take {b} from {a}?|{a} - {b}
What is the sum if you add {b} to {a}?|{a} + {b}
Please add {a} and {b} for me.|{a} + {b}
Please multiply {a} and {b}.|{a} * {b}
Please subtract {b} from {a} for me.|{a} - {b}
Work out {a} plus {b}, please.|{a} + {b}
Work out {a} minus {b}.|{a} - {b}
Can you work out {a} times {b}?|{a} * {b}
Can you tell me {a} divided by {b}?|{a} / {b}
{n} gets {b} {t} and has {a} already. How many does {n} have now?|{a} + {b}
{n} loses {b} {t} and had {a} before. How many {t} is that now?|{a} - {b}
{n} finds {b} {t}. Before there were {a}. How many are there now?|{a} + {b}
!What do you get if you add {b} to {a}?|{a} + {b}
!Please multiply {a} and {b} for me.|{a} * {b}
!{n} finds {b} {t} and has {a} already. How many {t} is that?|{a} + {b}
!Work out {a} times {b}, please.|{a} * {b}"""
SUMS_ZH = """\
{a} 加 {b} 等于多少？|{a} + {b}
{a} 减 {b} 等于多少？|{a} - {b}
{a} 乘以 {b} 等于多少？|{a} * {b}
{a} 除以 {b} 等于多少？|{a} / {b}
计算 {a} + {b} * {c}。|{a} + {b} * {c}
({a} + {b}) * {c} 是多少？|({a} + {b}) * {c}
把 {a} 和 {b} 相加。|{a} + {b}
把 {a} 和 {b} 相乘。|{a} * {b}
从 {a} 里减去 {b}。|{a} - {b}
{a} 的 {p}% 是多少？|{a} * {p} / 100
{n}有 {a} 个{t}，又买了 {b} 个，现在有多少个？|{a} + {b}
{n}有 {a} 个{t}，送出 {b} 个，还剩多少个？|{a} - {b}
{n}买了 {a} 盒{t}，每盒 {b} 个，一共多少个？|{a} * {b}
{n}把 {a} 个{t}装进盒子，每盒 {b} 个，要几盒？|{a} / {b}
一个{t} {a} 分钱，{b} 个要多少分钱？|{a} * {b}
{n}每天读 {a} 页，{b} 天读多少页？|{a} * {b}
{n}每周存 {a} 元，存了 {b} 周，花掉 {c} 元，还剩多少元？|{a} * {b} - {c}
求 {a} 与 {b} 的和。|{a} + {b}
求 {a} 与 {b} 的积。|{a} * {b}
请算一下 {a} - {b}。|{a} - {b}
{a} 再减去 {b} 是多少？|{a} - {b}
{a} 加上 {b} 是多少？|{a} + {b}
{a} 再乘以 {b} 等于多少？|{a} * {b}
请把 {a} 加上 {b}。|{a} + {b}
请把 {a} 除以 {b}。|{a} / {b}
请算出 {a} 加 {b}。|{a} + {b}
请算出 {a} 减 {b} 的结果。|{a} - {b}
帮我算 {a} 乘以 {b}。|{a} * {b}
{n}又买了 {b} 个{t}，原来有 {a} 个，一共多少个？|{a} + {b}
{n}用掉 {b} 个{t}，原来有 {a} 个，现在有多少个？|{a} - {b}
!{a} 再加上 {b} 是多少？|{a} + {b}
!请把 {a} 乘以 {b}。|{a} * {b}
!{n}又得到 {b} 个{t}，原来有 {a} 个，现在有多少个？|{a} + {b}
!请算出 {a} 乘以 {b}。|{a} * {b}"""


def number(rng: random.Random) -> int:
    """Of one to four digits, all lengths about as often."""
    digits = rng.choice((1, 2, 2, 3, 3, 4))
    return rng.randrange(max(2, 10 ** (digits - 1)), 10**digits)


def someone(rng: random.Random, chinese: bool) -> str:
    if rng.random() < 0.6:
        return rng.choice(NAMES_ZH if chinese else NAMES_EN)
    return rng.choice("小老阿") + rng.choice(DRAWN) if chinese else word(rng).capitalize()


def arithmetic(rng: random.Random, chinese: bool, held: bool) -> Example:
    template, expression = _template(SUMS_ZH if chinese else SUMS_EN, rng, held)
    parts: dict[str, object] = {"a": number(rng), "b": number(rng), "c": rng.randrange(2, 100),
             "p": rng.randrange(2, 99),
             "n": someone(rng, chinese), "t": rng.choice(THINGS_ZH if chinese else THINGS_EN)}  # fmt: skip
    text = expression.format(**parts)
    result = calculate(text)
    return solved(template.format(**parts), "calculator", {"text": text}, result, result, "sums", held)


# ---- units -----------------------------------------------------------------------------------------------------------

# of each kind: the word as it is asked, plural, and as the tool knows it
UNITS_EN = (
    (("kilometres", "km"), ("miles", "mile"), ("metres", "m"), ("feet", "foot"), ("inches", "inch"),
     ("centimetres", "cm"), ("yards", "yard")),
    (("kilograms", "kg"), ("pounds", "pound"), ("grams", "g"), ("ounces", "ounce")),
    (("litres", "l"), ("gallons", "gallon"), ("millilitres", "ml")),
    (("hours", "h"), ("minutes", "min"), ("seconds", "s"), ("days", "day")),
    (("degrees Celsius", "c"), ("degrees Fahrenheit", "f")),
)  # fmt: skip
UNITS_ZH = (
    (("公里", "km"), ("英里", "mile"), ("米", "m"), ("英尺", "foot"), ("英寸", "inch"), ("厘米", "cm")),
    (("公斤", "kg"), ("磅", "pound"), ("克", "g"), ("斤", "斤")),
    (("升", "l"), ("加仑", "gallon"), ("毫升", "ml")),
    (("小时", "h"), ("分钟", "min"), ("秒", "s"), ("天", "day")),
    (("摄氏度", "c"), ("华氏度", "f")),
)  # fmt: skip
CONVERSIONS_EN = """\
Convert {v} {u} to {w}.
How many {w} are {v} {u}?
What is {v} {u} in {w}?
{v} {u} in {w}?
Please convert {v} {u} into {w}.
I have {v} {u}. How much is that in {w}?
Give me the number of {w} in {v} {u}.
Change {v} {u} into {w}.
Tell me {v} {u} in {w}.
!Give me {v} {u} in {w}.
!Turn {v} {u} into {w}."""
CONVERSIONS_ZH = """\
把 {v} {u}换算成{w}。
{v} {u}是多少{w}？
{v} {u}等于多少{w}？
{v} {u}合多少{w}？
请把 {v} {u}化成{w}。
我有 {v} {u}，也就是多少{w}？
{v} {u}换成{w}。
请将 {v} {u}换成{w}。
{v} {u}换算为{w}是多少？
!{v} {u}换成{w}是多少？
!请将 {v} {u}换算为{w}。"""


def conversion(rng: random.Random, chinese: bool, held: bool) -> Example:
    first, second = rng.sample(rng.choice(UNITS_ZH if chinese else UNITS_EN), 2)
    value: float | int = number(rng) if rng.random() < 0.6 else round(rng.uniform(1, 300), rng.choice((1, 2)))
    template, _ = _template(CONVERSIONS_ZH if chinese else CONVERSIONS_EN, rng, held)
    told = units.convert(value, first[1], second[1])
    answer = f"{told} {second[0]}"
    arguments: dict[str, object] = {"value": value, "unit": first[1], "to": second[1]}
    return solved(
        template.format(v=value, u=first[0], w=second[0]), "convert_units", arguments, told, answer, "units", held
    )


# ---- dates -----------------------------------------------------------------------------------------------------------

AFTER_EN = """\
What date is {d} days after {s}?
Which date is {d} days after {s}?
What is the date {d} days after {s}?
!Which day comes {d} days after {s}?"""
BEFORE_EN = """\
What date is {d} days before {s}?
Which date was {d} days before {s}?
!Which day came {d} days before {s}?"""
BETWEEN_EN = """\
How many days are there from {s} to {e}?
How many days lie between {s} and {e}?
How many days is it from {s} to {e}?
!Count the days from {s} to {e}."""
WEEKDAY_EN = """\
What day of the week is {s}?
Which weekday was {s}?
On which day of the week falls {s}?
!What weekday is {s}?"""
AFTER_ZH = """\
{s} 之后 {d} 天是哪一天？
{s} 往后 {d} 天是几月几日？
从 {s} 起再过 {d} 天是哪天？
{s} 再过 {d} 天是哪一天？
过了 {s} 再数 {d} 天是哪天？
!{s} 过 {d} 天是哪一天？"""
BEFORE_ZH = """\
{s} 之前 {d} 天是哪一天？
{s} 往前 {d} 天是几月几日？
{s} 前 {d} 天是哪一天？
{s} 的前 {d} 天是哪天？
!{s} 的 {d} 天前是哪一天？"""
BETWEEN_ZH = """\
从 {s} 到 {e} 有多少天？
{s} 和 {e} 之间相差多少天？
{s} 到 {e} 一共多少天？
!请数一数从 {s} 到 {e} 有几天。"""
WEEKDAY_ZH = """\
{s} 是星期几？
{s} 那天是周几？
请问 {s} 是星期几？
!{s} 这一天是星期几？"""
DAYS_ZH = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


def date(rng: random.Random, chinese: bool, held: bool) -> Example:
    start = dt.date(1950, 1, 1) + dt.timedelta(rng.randrange(36_000))
    s, days = start.isoformat(), rng.randrange(2, 900)
    match rng.randrange(4):
        case 0 | 1 as which:
            template, _ = _template(((AFTER_ZH, BEFORE_ZH) if chinese else (AFTER_EN, BEFORE_EN))[which], rng, held)
            shift = -days if which else days
            told = dates.shifted(s, shift)
            arguments: dict[str, object] = {"date": s, "days": shift}
            return solved(template.format(s=s, d=days), "date_add", arguments, told, told, "dates", held)
        case 2:
            end = (start + dt.timedelta(rng.randrange(1, 3000))).isoformat()
            template, _ = _template(BETWEEN_ZH if chinese else BETWEEN_EN, rng, held)
            told = dates.between(s, end)
            answer = f"{told} 天" if chinese else f"{told} days"
            return solved(
                template.format(s=s, e=end), "date_between", {"start": s, "end": end}, told, answer, "dates", held
            )
        case _:
            template, _ = _template(WEEKDAY_ZH if chinese else WEEKDAY_EN, rng, held)
            told = dates.weekday(s)
            answer = DAYS_ZH[start.weekday()] if chinese else told
            return solved(template.format(s=s), "weekday", {"date": s}, told, answer, "dates", held)


# ---- notes -----------------------------------------------------------------------------------------------------------

PLACES_EN = ("north garden|boat house|old mill|reading room|music hall|stone bridge|bell tower|salt store|rose yard|"
             "east gate|lamp shop|clay pit|town well|upper school|fish market|rope walk").split("|")  # fmt: skip
FAMILY_EN = ("Lindt Oki Varga Solano Hart Haddad Kos Brandt Fischer Dunn Moreau Petrov Rossi Silva Novak Berg Costa "
             "Weber Lang Marsh").split()  # fmt: skip
PLACES_ZH = "北花园|船屋|老磨坊|阅览室|音乐厅|石桥|钟楼|盐仓|玫瑰院|东门|灯铺|陶土坑|古井|高小|鱼市|绳廊".split("|")
FAMILY_ZH = "林周沈陆顾苏韩许何罗宋程姜方石秦".strip()
GIVEN_ZH = "若水 远山 知秋 云舟 青禾 晚晴 松年 静安 望川 一鸣 清和 小满 雨辰 子墨 书言 天佑".split()
NOTES_EN = (
    ("The {p} is looked after by {w}.",
     "Who looks after the {p}?|Who takes care of the {p}?|!Who is in charge of the {p}?"),
    ("The {p} was built in {y}.",
     "When was the {p} built?|In which year was the {p} built?|!What year was the {p} built?"),
    ("The {p} opens at {h} o'clock.",
     "When does the {p} open?|At what time does the {p} open?|!What time does the {p} open?"),
)  # fmt: skip
NOTES_ZH = (
    ("{p}由{w}照看。", "{p}由谁照看？|谁在照看{p}？|{p}是谁在照看？|!{p}归谁照看？"),
    ("{p}建于{y}年。", "{p}建于哪一年？|{p}是什么时候建的？|{p}是哪一年建的？|!{p}是哪年建的？"),
    ("{p}{h}点开门。", "{p}几点开门？|{p}什么时候开门？|{p}早上什么时候开门？|!{p}早上几点开门？"),
)  # fmt: skip
FILES = ("garden.md", "town.md", "harbour.md", "notes.md", "2024.md")


def lookup(rng: random.Random, chinese: bool, held: bool) -> Example:
    form = rng.randrange(3)
    sentence, asked = (NOTES_ZH if chinese else NOTES_EN)[form]
    place, who = place_name(rng, chinese), person(rng, chinese)
    year, hour = str(rng.randrange(1700, 2020)), str(rng.randrange(6, 12))
    note = sentence.format(p=place, w=who, y=year, h=hour)
    question, _ = _template("\n".join(asked.split("|")), rng, held)
    answer = (who, year, hour)[form]
    if chinese and form:
        answer += ("", "年", "点")[form]
    elif form == 2:
        answer += " o'clock"
    told = f"{rng.choice(FILES)}:{rng.randrange(1, 40)}: {note}"
    key = ("照看 建 开门" if chinese else "looked built opens").split()[form]
    words = f"{place} {key}"
    return solved(question.format(p=place), "search_notes", {"words": words}, told, answer, "notes", held)


# ---- everything else -------------------------------------------------------------------------------------------------

ONLY_EN = "I can only do sums, convert units, count days and look things up in the notes."
ONLY_ZH = "我只会算数、换算单位、推算日期，还有查笔记。"
OTHER_EN = """\
Who wrote {x}?
What is the capital of {x}?
Tell me a joke about {x}.
Write a poem about {x}.
Why is {x} so famous?
How do I cook {x}?
What is the meaning of {x}?
Do you like {x}?
Translate {x} into French.
Summarise the history of {x}.
What do you know about {x}?
Describe {x} in one line.
Explain why people like {x}.
Tell a child about {x}.
!What do you think of {x}?
!Explain {x} to a child."""
OTHER_ZH = """\
{x}是谁写的？
{x}的首都是哪里？
讲一个关于{x}的笑话。
写一首关于{x}的诗。
{x}为什么有名？
{x}怎么做？
{x}是什么意思？
你喜欢{x}吗？
把{x}翻译成法语。
介绍一下{x}的历史。
你了解{x}吗？
用一句话说说{x}。
为什么大家喜欢{x}？
给我讲讲{x}。
!你觉得{x}怎么样？
!给孩子讲讲{x}。"""
TOPICS_EN = ("Hamlet|Peru|cats|the sea|Paris|soup|freedom|jazz|good morning|Rome|tea|rain|football|the moon|Kenya|"
             "bread|honesty|trains|winter|chess|the piano|Mars|happiness|coffee|Iceland|rice|dragons|physics"
             ).split("|")  # fmt: skip
TOPICS_ZH = ("红楼梦|秘鲁|猫|大海|巴黎|汤|自由|爵士乐|早上好|罗马|茶|雨|足球|月亮|肯尼亚|面包|诚实|火车|冬天|象棋|钢琴|"
             "火星|幸福|咖啡|冰岛|米饭|龙|物理").split("|")  # fmt: skip


def other(rng: random.Random, chinese: bool, held: bool) -> Example:
    template, _ = _template(OTHER_ZH if chinese else OTHER_EN, rng, held)
    question = template.format(x=rng.choice(TOPICS_ZH if chinese else TOPICS_EN))
    answer = ONLY_ZH if chinese else ONLY_EN
    return Example(question, ((f"Final Answer: {answer}", ""),), "other", answer, held)


KINDS = (arithmetic, conversion, date, lookup, other)
WEIGHTS = (5, 4, 4, 4, 1)


def examples(seed: str, chinese: bool | None = None, held: bool = False) -> Iterator[Example]:
    """Without end; the same seed, the same questions."""
    rng = random.Random(seed)
    while True:
        kind = rng.choices(KINDS, WEIGHTS)[0]
        language = rng.random() < 0.5 if chinese is None else chinese
        yield kind(rng, language, held)


def _template(lines: str, rng: random.Random, held: bool) -> tuple[str, str]:
    chosen = [line.removeprefix("!") for line in lines.splitlines() if line.startswith("!") == held]
    template, _, rest = rng.choice(chosen).partition("|")
    return template, rest
