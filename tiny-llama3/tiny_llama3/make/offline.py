"""Questions without a model: gaps in sentences, and a few forms of sentences that can be turned round."""

import random
import re
from collections import Counter
from collections.abc import Iterator

from tiny_llama3.make.items import Item, plain
from tiny_llama3.make.passages import Passage, sentences

GAP = "____"
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


def made(passages: list[Passage], per_passage: int = 2, seed: int = 0) -> Iterator[Item]:
    """At most `per_passage` items of each passage: turned sentences first, then gaps."""
    common = Counter(word for passage in passages for word in set(plain(passage.text).split()))
    for passage in passages:
        chance = random.Random(f"{seed} {passage.id}")
        found = [*_turned(passage), *_gaps(passage, common, chance)]
        yield from found[:per_passage]


def _turned(passage: Passage) -> Iterator[Item]:
    for start, sentence in sentences(passage):
        for form, question in (*TURNED, *TURNED_CHINESE):
            if match := form.match(sentence):
                subject = match[1][0].lower() + match[1][1:] if match[1].startswith(("The ", "A ", "An ")) else match[1]
                asked = question.format(subject, *match.groups()[1:])
                yield Item(asked, sentence, sentence, passage, start, start + len(sentence), "template")
                break


def _gaps(passage: Passage, common: Counter[str], chance: random.Random) -> list[Item]:
    items = []
    for start, sentence in sentences(passage):
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
            is_chinese = len(re.findall(r"[\u4e00-\u9fff]", sentence)) * 3 > len(sentence)
            question = f"把空填上：{asked}" if is_chinese else f"Fill the gap: {asked}"
            items.append(Item(question, match.group(), sentence, passage, start, start + len(sentence), "cloze"))
    chance.shuffle(items)
    return items
