"""The shipped tasks' items, made by this script with a fixed seed: invented people, places and numbers, common facts.

python make_tasks.py          # write data/
python make_tasks.py --check  # only check that data/ is what the script makes
"""

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EXAMPLES = 3
Item = dict[str, Any]

# ---- choice: common facts; the right option stands first and is shuffled --------------------------------------------

FACTS_EN = """\
Which of these is a mammal?|bat|crow|trout|gecko
What does a thermometer measure?|temperature|weight|speed|depth
At sea level, water boils at how many degrees Celsius?|100|50|75|150
Which planet is closest to the Sun?|Mercury|Mars|Venus|Earth
How many sides has a hexagon?|six|five|seven|eight
Which gas do plants take from the air to grow?|carbon dioxide|helium|argon|hydrogen
What is the square root of 144?|12|14|16|10
Which organ pumps the blood?|the heart|the liver|the lung|the kidney
In which direction does the Sun rise?|east|west|north|south
Which of these numbers is prime?|29|27|21|33
What is the opposite of "ancient"?|modern|old|distant|quiet
Which instrument has keys and strings?|piano|flute|drum|trumpet
How many minutes are three hours?|180|120|200|90
Which of these metals is liquid at room temperature?|mercury|iron|copper|zinc
What do bees make?|honey|silk|milk|wool
Which ocean lies between Europe and America?|the Atlantic|the Pacific|the Indian Ocean|the Arctic
What is the plural of "goose"?|geese|gooses|goosen|geeses
Which is the longest?|a kilometre|a metre|a centimetre|a millimetre
What is 15 percent of 200?|30|15|20|35
Which of these is a source of light?|a candle|a mirror|the Moon|a window
Who writes the programs that a computer runs?|a programmer|a plumber|a baker|a sailor
Which word is an adverb?|slowly|table|green|jump
How many legs has a spider?|eight|six|ten|four
What is frozen water called?|ice|steam|fog|dew
Which season follows winter in the north?|spring|summer|autumn|winter again
What is 7 times 8?|56|54|64|48
Which of these floats on water?|a cork|a nail|a coin|a brick"""

FACTS_ZH = """\
下列动物中，哪一种是哺乳动物？|蝙蝠|乌鸦|鳟鱼|壁虎
温度计测量的是什么？|温度|重量|速度|深度
在海平面上，水在多少摄氏度沸腾？|100|50|75|150
离太阳最近的行星是哪一颗？|水星|火星|金星|地球
六边形有几条边？|六条|五条|七条|八条
植物生长时从空气中吸收哪种气体？|二氧化碳|氦气|氩气|氢气
144 的算术平方根是多少？|12|14|16|10
哪个器官把血液送往全身？|心脏|肝脏|肺|肾脏
太阳从哪个方向升起？|东方|西方|北方|南方
下列各数中，哪一个是质数？|29|27|21|33
“古老”的反义词是哪一个？|现代|陈旧|遥远|安静
哪种乐器既有琴键又有琴弦？|钢琴|长笛|鼓|小号
三小时等于多少分钟？|180|120|200|90
哪种金属在室温下是液体？|汞|铁|铜|锌
蜜蜂酿造什么？|蜂蜜|蚕丝|牛奶|羊毛
欧洲和美洲之间是哪个大洋？|大西洋|太平洋|印度洋|北冰洋
“守株待兔”的主人公在等什么？|兔子|鹿|狐狸|羊
下列长度中，哪一个最长？|一千米|一米|一厘米|一毫米
200 的百分之十五是多少？|30|15|20|35
下列物体中，哪一个自己会发光？|点燃的蜡烛|镜子|月亮|窗户
《红楼梦》是一部什么？|小说|词典|乐谱|地图
“跑步”这个词属于哪一类？|动词|名词|形容词|副词
蜘蛛有几条腿？|八条|六条|十条|四条
水结冰后变成什么状态？|固态|液态|气态|等离子态
在北半球，冬天之后是哪个季节？|春天|夏天|秋天|还是冬天
7 乘以 8 等于多少？|56|54|64|48
下列东西中，哪一个能浮在水面上？|软木塞|铁钉|硬币|砖头"""


def choice(facts: str, rng: random.Random) -> Iterator[Item]:
    for line in facts.splitlines():
        question, *options = line.split("|")
        order = rng.sample(range(4), 4)
        yield {"input": question, "choices": [options[place] for place in order], "answers": ["ABCD"[order.index(0)]]}


# ---- classification: letters to a library ----------------------------------------------------------------------------

CLASSES_EN = {
    "hours": ["are you open on Sunday", "until when can I come in tonight", "is the reading room shut on holidays",
              "what time do the doors open", "do you close early before the feast", "is anybody there at noon"],
    "lost": ["I left my umbrella by the window", "has anyone handed in a scarf", "my glasses must be on your table",
             "somebody may have found my keys", "I can't find the purse that I had with me",
             "a notebook of mine is gone"],
    "loan": ["may I keep the atlas two weeks longer", "how many books can I borrow at once",
             "please renew the three novels", "is there a fine for a late return", "the book I took out is due today",
             "can I extend my loan from home"],
    "room": ["I would like to reserve the small hall", "is a desk for six free on Tuesday",
             "does the seminar room have a screen", "we need a quiet place to rehearse",
             "how do I book the study cabin",
             "please cancel our booking of the upper room"],
}  # fmt: skip
CLASSES_ZH = {
    "开放时间": ["请问周日开门吗", "今晚几点以前能进馆", "假期阅览室关门吗", "早上几点开门", "过节前会提早闭馆吗",
                 "中午有人值班吗"],
    "失物": ["我把雨伞落在窗边了", "有人捡到一条灰围巾吗", "我的眼镜应该在你们桌上", "也许有人捡到了我的钥匙",
           "随身带的钱包找不到了", "我有个笔记本不见了"],
    "借还": ["那本地图册能多借两周吗", "一次最多能借几本书", "请帮我把三本小说续借一下", "还书晚了要罚款吗",
           "我借的书今天到期", "在家里能续借吗"],
    "场地": ["我想预订小礼堂", "周二有六个人的座位吗", "研讨室里有投影吗", "我们想找个安静的地方排练", "自习间怎么预约",
           "请取消我们订的楼上那间"],
}  # fmt: skip


def classify(classes: dict[str, list[str]], openers: list[str], closers: list[str], rng: random.Random) -> list[Item]:
    made = []
    for name, said in classes.items():
        for number, sentence in enumerate(said):
            mark = ("？" if re.search("吗|几|怎么", sentence) else "。") if openers[0] > "z" else (
                "?" if re.match("are|until|is|what|do|may|how|has|can", sentence) else ".")  # fmt: skip
            text = openers[number % len(openers)] + sentence + mark + closers[(number + len(name)) % len(closers)]
            made.append({"input": text, "answers": [name], "all_classes": list(classes)})
    rng.shuffle(made)
    return made


# ---- questions about a text, and its summary -------------------------------------------------------------------------

PEOPLE_EN = ["Mara Lindt", "Tomas Oki", "Ines Varga", "Paul Achterberg", "Rita Solano", "Emil Hart", "Noor Haddad",
             "Jana Kos", "Ivo Brandt", "Lena Fischer", "Oscar Dunn"]  # fmt: skip
WORKS_EN = ["a bell for the harbour", "a map of the old wells", "a clock without hands", "a bridge of ropes",
            "a garden on the roof", "a lamp that needs no oil", "a book of knots", "a boat of reeds",
            "a mill for salt", "a kite with a camera", "a path through the marsh"]  # fmt: skip
TOWNS_EN = ["Alder Bay", "Stonefield", "Quill Harbour", "Northmere", "Brackwater", "Lindow", "Farrow Hill", "Sandwell",
            "Elmgate", "Dunmouth", "Heronsford"]  # fmt: skip
PEOPLE_ZH = [
    "林若水",
    "周远山",
    "沈知秋",
    "陆云舟",
    "顾青禾",
    "苏晚晴",
    "韩松年",
    "许静安",
    "何望川",
    "罗一鸣",
    "宋清和",
]
WORKS_ZH = ["一口港口的大钟", "一张古井地图", "一座没有指针的时钟", "一座绳桥", "一座屋顶花园", "一盏不用油的灯",
            "一本绳结图谱",
            "一只芦苇船", "一座盐磨坊", "一只带相机的风筝", "一条穿过沼泽的小路"]  # fmt: skip
TOWNS_ZH = [
    "青石镇",
    "白鹭湾",
    "松溪村",
    "望潮港",
    "云岭县",
    "枫桥里",
    "南塘镇",
    "柳河口",
    "雁门坡",
    "石泉乡",
    "竹山镇",
]


def story(number: int, rng: random.Random, chinese: bool) -> dict[str, str]:
    people, works, towns = (PEOPLE_ZH, WORKS_ZH, TOWNS_ZH) if chinese else (PEOPLE_EN, WORKS_EN, TOWNS_EN)
    year, weeks, cost = rng.randrange(1890, 1990), rng.randrange(5, 60), rng.randrange(12, 95) * 10
    return {"who": people[number], "what": works[number], "town": towns[number], "year": str(year),
            "weeks": str(weeks), "cost": str(cost), "helper": people[(number + 4) % len(people)]}  # fmt: skip


def told(s: dict[str, str], chinese: bool) -> str:
    if chinese:
        return (f"{s['town']}的人至今记得{s['year']}年的那个春天。那一年，{s['who']}在镇上造了{s['what']}。"
                f"起初没有人相信能造成，只有{s['helper']}愿意帮忙。两个人干了{s['weeks']}周，一共花了{s['cost']}枚银币。"
                "完工那天下着小雨，全镇的人都来看。如今它还在原来的地方，孩子们放学后常去那里。")  # fmt: skip
    return (f"People in {s['town']} still talk about the spring of {s['year']}. That year {s['who']} built {s['what']} "
            f"for the town. At first nobody thought it could be done, and only {s['helper']} offered to help. The two "
            f"worked for {s['weeks']} weeks and spent {s['cost']} silver coins. On the day it was finished it rained a "
            "little, and the whole town came to look. It still stands where it stood, and children go there after "
            "school.")  # fmt: skip


def reading(chinese: bool, rng: random.Random) -> Iterator[Item]:
    for number in range(9):
        s = story(number, rng, chinese)
        asked = ([(f"谁在{s['town']}造了{s['what']}？", s["who"]), ("他们干了多少周？", s["weeks"] + "周"),
                  ("谁愿意帮忙？", s["helper"])] if chinese else
                 [(f"Who built {s['what']} in {s['town']}?", s["who"]), ("How long did the work take?",
                  s["weeks"] + " weeks"), ("Who offered to help?", s["helper"])])  # fmt: skip
        for question, answer in asked:
            answers = [answer, answer.removesuffix("周")] if chinese and answer.endswith("周") else [answer]
            yield {"input": question, "context": told(s, chinese), "answers": answers, "document": f"text-{number + 1}"}


def summaries(chinese: bool, rng: random.Random) -> Iterator[Item]:
    for number in range(23):
        s = story(number % 11, rng, chinese)
        if number >= 11:  # the same people, another work
            works = WORKS_ZH if chinese else WORKS_EN
            s["what"] = works[(number + 5) % 11]
        short = (f"{s['year']}年，{s['who']}在{s['helper']}的帮助下，用{s['weeks']}周在{s['town']}造了{s['what']}。"
                 if chinese
                 else f"In {s['year']} {s['who']} built {s['what']} in {s['town']}, in {s['weeks']} weeks and with the "
                 f"help of {s['helper']}.")  # fmt: skip
        yield {"input": told(s, chinese), "answers": [short]}


# ---- maths -----------------------------------------------------------------------------------------------------------


def maths(chinese: bool, rng: random.Random) -> Iterator[Item]:
    names = ["小林", "小周", "小沈", "小陆"] if chinese else ["Ada", "Ben", "Cleo", "Dan"]
    for number in range(27):
        a, b, c, name = rng.randrange(12, 90), rng.randrange(3, 12), rng.randrange(2, 9), names[number % 4]
        match number % 5:
            case 0:
                answer = a * b - c
                text = (
                    f"{name}有 {b} 盒铅笔，每盒 {a} 支。送出 {c} 支后，还剩多少支？"
                    if chinese
                    else f"{name} has {b} boxes of {a} pencils and gives {c} pencils away. How many are left?"
                )
                steps = f"{b} × {a} = {b * a}, {b * a} - {c} = {answer}"
            case 1:
                answer = (a + b) * c
                text = (
                    f"一个苹果 {a} 分，一个梨 {b} 分。各买 {c} 个，一共多少分？"
                    if chinese
                    else f"An apple costs {a} cents and a pear {b} cents. How many cents do {c} of each cost?"
                )
                steps = f"{a} + {b} = {a + b}, {a + b} × {c} = {answer}"
            case 2:
                answer = a * c + b
                text = (
                    f"火车每小时行 {a} 千米，行了 {c} 小时，再走 {b} 千米就到站。全程多少千米？"
                    if chinese
                    else f"A train goes {a} km an hour for {c} hours; then {b} km are left. How long is the whole way "
                    "in km?"
                )
                steps = f"{a} × {c} = {a * c}, {a * c} + {b} = {answer}"
            case 3:
                answer = a
                text = (
                    f"{a * c} 颗糖平均分给 {c} 个孩子，每人几颗？"
                    if chinese
                    else f"{a * c} sweets are shared equally by {c} children. How many does each get?"
                )
                steps = f"{a * c} ÷ {c} = {answer}"
            case _:
                answer = a - b
                text = (
                    f"{name}今年 {a} 岁，比妹妹大 {b} 岁。妹妹今年多少岁？"
                    if chinese
                    else f"{name} is {a} years old and has a sister who is {b} years younger. How old is the sister?"
                )
                steps = f"{a} - {b} = {answer}"
        yield {"input": text, "answers": [str(answer)], "solution": f"{steps}\n#### {answer}"}


# ---- code: name, what it does in two languages, a solution, tests --------------------------------------------------

CODE = [
    ("double", "n", "twice n", "n 的两倍", "return 2 * n", ["(4) == 8", "(-3) == -6", "(0) == 0"]),
    ("largest", "numbers", "the largest of a list of numbers", "一组数中最大的数", "return max(numbers)",
     ["([3, 9, 2]) == 9", "([-5, -7]) == -5", "([1]) == 1"]),
    ("count_vowels", "text", "how many of the letters a, e, i, o, u are in text, in either case",
     "text 中字母 a、e、i、o、u 的个数，不分大小写", "return sum(c in 'aeiou' for c in text.lower())",
     ["('Eagle') == 3", "('rhythm') == 0", "('') == 0"]),
    ("reverse_words", "text", "the words of text in reverse order, with one blank between them",
     "把 text 中的单词倒序排列，中间空一格", "return ' '.join(text.split()[::-1])",
     ["('one two three') == 'three two one'", "('a') == 'a'", "('') == ''"]),
    ("is_palindrome", "text", "True if text reads the same backwards, otherwise False",
     "text 倒着读也一样时为 True，否则为 False", "return text == text[::-1]",
     ["('level') is True", "('lever') is False", "('') is True"]),
    ("factorial", "n", "the product of 1 to n, and 1 for n = 0", "从 1 乘到 n 的积，n = 0 时为 1",
     "return 1 if n == 0 else n * factorial(n - 1)", ["(0) == 1", "(5) == 120", "(10) == 3628800"]),
    ("is_prime", "n", "True if n is a prime number, otherwise False", "n 是质数时为 True，否则为 False",
     "return n > 1 and all(n % k for k in range(2, int(n ** 0.5) + 1))",
     ["(2) is True", "(9) is False", "(1) is False", "(97) is True"]),
    ("unique", "items", "the items without repetition, each at its first place",
     "去掉重复元素，保留每个元素第一次出现的位置", "return list(dict.fromkeys(items))",
     ["([3, 1, 3, 2, 1]) == [3, 1, 2]", "([]) == []"]),
    ("digit_sum", "n", "the sum of the decimal digits of n, which is not negative", "非负整数 n 各位数字之和",
     "return sum(map(int, str(n)))", ["(123) == 6", "(0) == 0", "(9999) == 36"]),
    ("gcd", "a, b", "the greatest common divisor of two positive numbers", "两个正整数的最大公约数",
     "return a if not b else gcd(b, a % b)", ["(12, 18) == 6", "(7, 5) == 1", "(100, 100) == 100"]),
    ("fibonacci", "n", "the n-th Fibonacci number; the 0th is 0 and the 1st is 1",
     "第 n 个斐波那契数，第 0 个是 0，第 1 个是 1",
     "a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
     ["(0) == 0", "(1) == 1", "(10) == 55", "(50) == 12586269025"]),
    ("flatten", "lists", "the elements of all the lists in one list", "把几个列表的元素依次放进一个列表",
     "return [item for part in lists for item in part]", ["([[1], [2, 3], []]) == [1, 2, 3]", "([]) == []"]),
    ("word_lengths", "text", "a dictionary from each word of text to its length", "从 text 的每个单词到其长度的字典",
     "return {word: len(word) for word in text.split()}",
     ["('to be or') == {'to': 2, 'be': 2, 'or': 2}", "('') == {}"]),
    ("median", "numbers", "the median of a list of numbers; of an even count the mean of the middle two",
     "一组数的中位数；个数为偶数时取中间两数的平均",
     "n = sorted(numbers)\n    k = len(n) // 2\n    return n[k] if len(n) % 2 else (n[k - 1] + n[k]) / 2",
     ["([3, 1, 2]) == 2", "([1, 2, 3, 4]) == 2.5"]),
    ("to_binary", "n", "n, which is not negative, in binary, without a prefix", "非负整数 n 的二进制表示，不带前缀",
     "return bin(n)[2:]", ["(0) == '0'", "(5) == '101'", "(255) == '11111111'"]),
    ("chunks", "items, size", "the items cut into lists of that size; the last may be shorter",
     "把 items 按 size 个一组切开，最后一组可以短些",
     "return [items[i:i + size] for i in range(0, len(items), size)]",
     ["([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]", "([], 3) == []"]),
    ("caesar", "text, shift", "text with each lower-case letter a to z moved on by shift, round the alphabet",
     "把 text 中的小写字母 a 到 z 向后移动 shift 位，循环",
     "return ''.join(chr((ord(c) - 97 + shift) % 26 + 97) if 'a' <= c <= 'z' else c for c in text)",
     ["('abc', 1) == 'bcd'", "('xyz!', 3) == 'abc!'", "('A b', 2) == 'A d'"]),
    ("balanced", "text", "True if the round brackets in text close as they open, otherwise False",
     "text 中的圆括号正确配对时为 True，否则为 False",
     "depth = 0\n    for c in text:\n        depth += (c == '(') - (c == ')')\n        if depth < 0:\n"
     "            return False\n    return depth == 0",
     ["('(a(b))') is True", "(')(') is False", "('((') is False", "('') is True"]),
    ("intersection", "a, b", "the sorted elements that both lists have, each once",
     "两个列表共有的元素，去重并从小到大",
     "return sorted(set(a) & set(b))", ["([3, 1, 2, 3], [3, 2, 9]) == [2, 3]", "([], [1]) == []"]),
    ("transpose", "rows", "the columns of a table given as a list of rows, as lists",
     "把按行给出的表格转置，各列为列表",
     "return [list(column) for column in zip(*rows)]", ["([[1, 2], [3, 4], [5, 6]]) == [[1, 3, 5], [2, 4, 6]]"]),
]  # fmt: skip


def code(chinese: bool) -> Iterator[Item]:
    for name, parameters, english, chinese_text, solution, tests in CODE:
        about = f"写一个 Python 函数 {name}({parameters})，返回{chinese_text}。" if chinese else (
            f"Write a Python function {name}({parameters}) that returns {english}.")  # fmt: skip
        yield {"id": name, "input": about, "answers": ["passed"], "entry_point": name,
               "tests": "\n".join(f"assert {name}{test}" for test in tests),
               "solution": f"def {name}({parameters}):\n    {solution}\n"}  # fmt: skip


# ---- all of it -------------------------------------------------------------------------------------------------------


def everything() -> Iterator[tuple[str, list[Item]]]:
    """File names and items; of some tasks the last three become the examples of few-shot prompts."""
    for language, chinese in (("en", False), ("zh", True)):
        rng = random.Random(f"tasks {language}")
        openers = ["您好，", "麻烦问一下，", "你好！"] if chinese else ["Hello, ", "Good morning: ", "A question: "]
        closers = ["谢谢。", "麻烦您了。", ""] if chinese else [" Thank you.", " Can you help me?", ""]
        made = {
            "choice": list(choice(FACTS_ZH if chinese else FACTS_EN, rng)),
            "classify": classify(CLASSES_ZH if chinese else CLASSES_EN, openers, closers, rng),
            "qa": list(reading(chinese, rng)),
            "summary": list(summaries(chinese, rng)),
            "maths": list(maths(chinese, rng)),
            "code": list(code(chinese)),
        }
        for kind, items in made.items():
            kept = len(items) - (EXAMPLES if kind in ("choice", "qa", "summary", "maths") else 0)
            numbered = [{"id": f"{kind}-{number}", **item} for number, item in enumerate(items, 1)]
            yield f"{kind}-{language}.jsonl", numbered[:kept]
            if kept < len(items):
                yield f"{kind}-{language}.examples.jsonl", numbered[kept:]


def main() -> None:
    folder = HERE / "data"
    folder.mkdir(exist_ok=True)
    for name, items in everything():
        text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        if "--check" in sys.argv[1:]:
            if (folder / name).read_text(encoding="utf-8") != text:
                sys.exit(f"data/{name} is not what make_tasks.py makes")
        else:
            (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
