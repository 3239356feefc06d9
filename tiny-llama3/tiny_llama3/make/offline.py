"""Questions without a model, in three forms: sentences turned round, sentences to be finished, gaps in sentences.

The first two are answered by a whole sentence of the text, the third by a few words. To finish a sentence is the
easiest for a small model: an induction head does little else.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tiny_llama3.make.items import Item, plain
from tiny_llama3.make.passages import Passage, sentences, unwrapped

GAP = "____"
FORMS = ("turned", "finish", "gap")
# What makes a good gap: something that only this text can know.
NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\d(?![\w])|(?<![\w.,])\d(?![\w.,])")
NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w'-]+(?: (?:of |the )?[A-Z][\w'-]+)*")
NUMERAL, UNITS = "〇零一二三四五六七八九十百千万两", "年|月|日|天|米|公里|人|元|个|座|次|岁|层|间|本"
CHINESE = re.compile(rf"《[^》]{{1,20}}》|(?<![{NUMERAL}第])(?:\d+|[{NUMERAL}]{{1,8}})(?:{UNITS})")
TURNED = [
    (re.compile(r"^((?:The |A |An )?[A-Z][^,.;:()]{2,48}?) (is|was|are|were) [^.]{8,}\.$"), "What {1} {0}?"),
    (re.compile(r"^([A-Z][^,.;:()]{2,48}?) (has|had|have) [^.]{8,}\.$"), "What does {0} have?"),
]
TURNED_CHINESE = [
    (re.compile(r"^([^，。；：、“”]{2,14}?)是[^。]{4,}。$"), "{0}是什么？"),
    (re.compile(r"^([^，。；：、“”]{2,14}?)位于[^。]{2,}。$"), "{0}位于哪里？"),
    (re.compile(r"^([^，。；：、“”]{2,14}?)(?:建于|始建于|成立于)[^。]{2,}。$"), "{0}建于何时？"),
]


def made(passages: list[Passage], per_passage: int = 2, seed: int = 0, forms: Sequence[str] = FORMS) -> Iterator[Item]:
    """At most `per_passage` items of each passage: turned sentences first, then the other forms in turn."""
    common = Counter(word for passage in passages for word in set(plain(passage.text).split()))
    for passage in passages:
        chance = random.Random(f"{seed} {passage.id}")
        turned = list(_turned(passage)) if "turned" in forms else []
        finish = _unfinished(passage, chance) if "finish" in forms else []
        gaps = _gaps(passage, common, chance) if "gap" in forms else []
        others = [each for pair in zip_longest(finish, gaps) for each in pair if each]
        yield from [*turned, *others][:per_passage]


def _turned(passage: Passage) -> Iterator[Item]:
    for start, quote in sentences(passage):
        sentence = quote.replace("\n", " ")
        for form, question in (*TURNED, *TURNED_CHINESE):
            if match := form.match(sentence):
                subject = match[1][0].lower() + match[1][1:] if match[1].startswith(("The ", "A ", "An ")) else match[1]
                asked = question.format(subject, *match.groups()[1:])
                yield Item(asked, sentence, quote, passage, start, start + len(quote), "template")
                break


def _unfinished(passage: Passage, chance: random.Random) -> list[Item]:
    """The first words are given, the whole sentence is the answer."""
    items = []
    for start, quote in sentences(passage):
        sentence = quote.replace("\n", " ")
        if _is_chinese(sentence):
            beginning = sentence[: chance.randint(4, 12)]
            asked, rest = f"把句子写完：{beginning}……", len(sentence) - len(beginning)
        else:
            words = sentence.split(" ")
            beginning = " ".join(words[: chance.randint(3, 6)])
            asked, rest = f"Finish the sentence: {beginning} …", len(words) - len(beginning.split(" "))
        if rest >= 3 and len(sentence) <= 200 and unwrapped(passage.text).count(beginning) == 1:
            items.append(Item(asked, sentence, quote, passage, start, start + len(quote), "finish"))
    chance.shuffle(items)
    return items


def _is_chinese(text: str) -> bool:
    return len(re.findall(r"[\u4e00-\u9fff]", text)) * 3 > len(text)


def _gaps(passage: Passage, common: Counter[str], chance: random.Random) -> list[Item]:
    items = []
    for start, quote in sentences(passage):
        sentence = quote.replace("\n", " ")
        if not 12 <= len(sentence) <= 320:
            continue
        places = [match for form in (NUMBER, NAME, CHINESE) for match in form.finditer(sentence)]
        if not places:  # the rarest long word
            words = list(re.finditer(r"(?<=[\w,;] )[a-z]{6,}(?=[\s,.;])", sentence))
            places = sorted(words, key=lambda match: (common[match.group()], -len(match.group())))[:1]
        places = [match for match in places if sentence.count(match.group()) == 1]
        if places:
            match = chance.choice(places)
            asked = sentence[: match.start()] + GAP + sentence[match.end() :]
            question = f"把空填上：{asked}" if _is_chinese(sentence) else f"Fill the gap: {asked}"
            items.append(Item(question, match.group(), quote, passage, start, start + len(quote), "cloze"))
    chance.shuffle(items)
    return items
