"""Stories: the entropy against enumeration and samples, every story parsed back, no text with two derivations."""

import random
import re
from itertools import combinations, product
from math import isclose, log2, sqrt
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3 import grammar as grammar_module
from tiny_llama3.grammar import Grammar, Slot
from tiny_llama3.problem import Problem
from tiny_llama3.stories import CHINESE, ENGLISH, entropy_bits, floor_bits_per_byte, log2_probability, stories

LANGUAGES = ["en", "zh"]
RULES = {"en": ENGLISH, "zh": CHINESE}
# words, pronouns, a place that decides what can be said later, a symbol that only one of the plots needs
SMALL = """
story = {who} went {place}. {plot}
who.He = {girl} / She | 3 {boy} / He
girl = Mia | Ida
boy = 2 Tom | Ben
place.spot = 3 to the lake / {lake} | to the farm / {farm}
lake = 2 in the sand | in the reeds | under a pier
farm = in the hay
plot = 2 {who.He} sang. | {who.He} met {friend} {place.spot}, {friend} sat {place.spot}. | {friend} came, {who} left.
friend = Otto | 4 Hugo
"""


def enumerated(grammar):
    """Every story of a small grammar with its probability, by another way: all texts of all symbols, chosen in advance.

    A story that never asks for some symbol comes out once for each of that symbol's texts; the probabilities add up.
    """
    stories: dict[str, float] = {}
    for texts in product(*grammar.texts.values()):
        chosen = dict(zip(grammar.texts, texts, strict=True))

        def written(symbol, form, chosen=chosen):
            parts = chosen[symbol].forms[form]
            return "".join(part if isinstance(part, str) else written(*part) for part in parts)

        story = written("story", "")
        share = 1.0
        for text in texts:
            share *= text.share
        stories[story] = stories.get(story, 0.0) + share
    return stories


def test_the_entropy_equals_that_of_all_stories_of_a_small_grammar():
    grammar = Grammar(SMALL)
    all_stories = enumerated(grammar)
    assert isclose(sum(all_stories.values()), 1) and len(all_stories) == 56
    assert isclose(grammar.entropy_bits, -sum(p * log2(p) for p in all_stories.values()))
    for story, share in all_stories.items():
        (found,) = grammar.derivations(story)
        assert isclose(found, log2(share))


def rules():
    """Small grammars: symbols a, b, c with two forms each, in any order and number in the story and in each other."""
    slots = st.sampled_from(["{a}", "{a.x}", "{b}", "{b.x}", "{c}", "{c.x}"])
    story = st.lists(slots, min_size=1, max_size=5).map(" ".join)
    form = st.lists(st.sampled_from(["{b}", "{b.x}", "{c}", "{c.x}"]), min_size=1, max_size=2).map(" ".join)
    weight = st.integers(1, 5)
    return st.builds(
        lambda ones, a, weights: (
            "\n".join([
                "story = " + " | ".join(f"{n}:{one}" for n, one in enumerate(ones)),
                "a.x = " + " | ".join(f"{w} {n}<{one}> / {other}" for n, (w, one, other) in enumerate(a)),
                f"b.x = {weights[0]} m / {{c}} | {weights[1]} n / {{c.x}}",
                f"c.x = {weights[2]} o / O | {weights[3]} p / P | q / Q",
            ])
        ),
        st.lists(story, min_size=1, max_size=3),
        st.lists(st.tuples(weight, form, form), min_size=1, max_size=3),
        st.tuples(weight, weight, weight, weight),
    )  # fmt: skip


@given(rules())
def test_any_small_grammar_has_the_entropy_of_its_derivations(rules):
    """Derivations, as texts of these grammars may be ambiguous: each is named by the choices that it made."""
    grammar = Grammar(rules)
    shares: dict[tuple, float] = {}
    for texts in product(*grammar.texts.values()):
        chosen, made = dict(zip(grammar.texts, texts, strict=True)), {}
        rest: list[str | Slot] = [Slot("story", "")]
        while rest:
            part = rest.pop(0)
            if isinstance(part, Slot):
                made[part.symbol] = chosen[part.symbol]
                rest = [*chosen[part.symbol].forms[part.form], *rest]
        key = tuple((symbol, id(text)) for symbol, text in made.items())
        share = 1.0
        for text in made.values():
            share *= text.share
        assert shares.setdefault(key, share) == share
    assert isclose(sum(shares.values()), 1)
    assert isclose(grammar.entropy_bits, -sum(p * log2(p) for p in shares.values()), abs_tol=1e-9)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_story_is_read_back_and_the_samples_have_the_entropy(language):
    grammar = Grammar(RULES[language])
    bits = []
    for story in stories(language, 20_000, seed=1):
        (one,) = grammar.derivations(story)
        assert log2_probability(story, language) == one
        bits.append(-one)
    assert abs(mean(bits) - entropy_bits(language)) < 4 * stdev(bits) / sqrt(len(bits))


def test_the_probability_is_that_of_the_choices_that_were_made():
    """The sampler's own draws, recorded, against what the reader finds in the text."""

    class Recorder(random.Random):
        def choices(self, population, *args, **options):
            (text,) = super().choices(population, *args, **options)
            self.bits = getattr(self, "bits", 0.0) + log2(text.share)
            return [text]

    for language, seed in product(LANGUAGES, range(200)):
        rng = Recorder(seed)
        story = Grammar(RULES[language]).sample(rng)
        assert isclose(log2_probability(story, language) or 0, rng.bits)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_derivations_have_the_same_text(language, monkeypatch):
    """Wherever a choice is made, no alternative's text is the beginning of another's, or the same.

    So a reader from left to right always knows which one it is, and finds one derivation only.
    """
    grammar = Grammar(RULES[language])
    for slot in choices_of(grammar, monkeypatch):
        for one, other in combinations([text.forms[slot.form] for text in grammar.texts[slot.symbol]], 2):
            assert any(told_apart(grammar, one, other, within) for within in (1, 4, 8, 16, 24, 32)), slot


def test_texts_that_begin_alike_are_noticed():
    grammar = Grammar("story = {a}{b}\na = x{c} | xy | z\nb = y | yy\nc = y | yz")
    a, b = grammar.texts["a"], grammar.texts["b"]
    assert not told_apart(grammar, a[0].forms[""], a[1].forms[""], 9)
    assert told_apart(grammar, a[0].forms[""], a[2].forms[""], 9)
    assert not told_apart(grammar, b[0].forms[""], b[1].forms[""], 9)
    assert len(grammar.derivations("xyyy")) == 2  # that is what happens


def choices_of(grammar, monkeypatch):
    """Every slot at which a text is chosen in some story: the entropy goes through all cases."""
    slots = set()

    def recorded(*case, real=grammar_module._next_choice):
        slot, after = real(*case)
        slots.add(slot)
        return slot, after

    monkeypatch.setattr(grammar_module, "_next_choice", recorded)
    assert grammar.entropy_bits > 0
    assert {slot.symbol for slot in slots - {None}} == set(grammar.texts)
    return slots - {None}


def told_apart(grammar, one, other, within):
    """Is each text of these parts, cut off after so many characters, different from the other's from the start?

    A symbol counts as anything that it may be, chosen before or not: more texts than there are.
    """

    def beginnings(parts):
        found = {""}
        for part in parts:
            if isinstance(part, str):
                more = {part}
            else:
                more = {text for choice in grammar.texts[part.symbol] for text in beginnings(choice.forms[part.form])}
            found = {(start + end)[:within] for start in found for end in more}
            if all(len(text) == within for text in found):
                break
        return found

    ones, others = beginnings(one), beginnings(other)
    starts = [{text[:size] for text in texts for size in range(len(text) + 1)} for texts in (ones, others)]
    return not (ones & starts[1] or others & starts[0])


def test_a_story_that_contradicts_itself_is_none():
    story = (
        "Once there was a shy rabbit named Lily who had a red kite from her aunt. On a windy morning, she carried it "
        "to the forest. But soon the kite was gone. Lily began to cry. Otto the owl found the red kite in a hollow "
        "log. Lily gave him a cookie, and they played in the wind until noon."
    )
    assert (log2_probability(story) or 0) < -30
    for wrong in [
        story.replace("Lily began", "Mia began"),  # another hero
        story.replace("Lily began", "Otto began"),
        story.replace("she carried", "he carried"),
        story.replace("from her aunt", "from his aunt"),
        story.replace("gave him", "gave her"),
        story.replace("the red kite", "the blue kite"),
        story.replace("the kite was", "the drum was"),
        story.replace("hollow log", "hollow tree"),
        story.replace("in a hollow log", "in the reeds"),  # there are none in a forest
        story.replace("in the wind", "in the rain"),
        story.replace("until noon", "until dinner"),
        story.replace("cookie, and", "cookie and"),
        story + " ",
        story[:-1],
        "",
    ]:
        assert wrong != story and log2_probability(wrong) is None, wrong
    ending = (
        "Then Otto, a wise owl, flew up and brought it down. Lily hugged him, and at home Lily told her aunt about "
    )
    story = story[: story.index("But soon")] + "But it got stuck on a roof. Lily felt very sad. " + ending
    assert log2_probability(story + "the wise owl.") is not None
    assert log2_probability(story + "the kind owl.") is None
    assert log2_probability(story + "the wise goat.") is None
    assert log2_probability((story + "the wise owl.").replace("told her aunt", "told her uncle")) is None
    assert log2_probability((story + "the wise owl.").replace("flew", "climbed")) is None


def test_a_chinese_story_that_contradicts_itself_is_none():
    story = (
        "从前有一只害羞的小兔，名叫朵朵。她有一面红色的小鼓，是奶奶送的。一个刮风的早晨，朵朵带着它来到森林。"
        "在那里，它撞到石头，裂了一道缝。朵朵哭了起来。猫头鹰大山把它粘好了。朵朵抱了抱他，"
        "回家后朵朵给奶奶讲了善良的猫头鹰的故事。"
    )
    assert (log2_probability(story) or 0) < -30
    for right, wrong in [
        ("朵朵哭", "花花哭"), ("她有", "他有"), ("一面", "一条"), ("抱他", "抱她"), ("给奶奶", "给爷爷"),
        ("裂了一道缝", "破了一个洞"), ("粘好", "补好"), ("善良的猫头鹰", "善良的山羊"), ("，回家", "。回家"),
    ]:  # fmt: skip
        assert right in story and log2_probability(story.replace(right, wrong)) is None, wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_damage_at_random_is_noticed(language):
    """A word of a story in place of another one: another story if it occurs once, none if it was to be repeated."""
    rng = random.Random(2)
    seen = {True: 0, False: 0}
    for story in stories(language, 300, seed=2):
        words = re.findall(r"\w+", story) if language == "en" else list(story)
        one, other = rng.sample(sorted(set(words)), 2)
        place = rng.choice([found.start() for found in re.finditer(rf"\b{one}\b" if language == "en" else one, story)])
        damaged = story[:place] + other + story[place + len(one) :]
        seen[log2_probability(damaged, language) is None] += 1
    assert seen[True] > 290


def test_numbers_that_other_texts_quote():
    assert round(entropy_bits("en"), 2) == 49.39 and round(entropy_bits("zh"), 2) == 49.28
    assert isclose(entropy_bits("both"), 1 + (entropy_bits("en") + entropy_bits("zh")) / 2)
    story = stories("en", 1)[0]
    assert isclose(log2_probability(story, "en") or 0, (log2_probability(story) or 0) + 1)


def test_stories_are_short_many_and_without_gaps():
    for language, shortest, longest in (("en", 150, 370), ("zh", 60, 140)):
        made = stories(language, 20_000, seed=3)
        assert len(set(made)) == len(made)
        assert min(map(len, made)) >= shortest and max(map(len, made)) <= longest
        for story in made[:2000]:
            assert not re.search(r"  |[{}|/]|[ ][.,!?]|[.,]{2}|[，。]{2}|\s$|^\s", story), story
            assert story[0].isupper() or language == "zh"
            assert not re.search(r"[.!?] [a-z]", re.sub(r'"[^"]*"', "", story)), story
            assert 4 <= len(re.findall(r"[.。]", story)) <= 7
    words = {word for story in stories("en", 5000) for word in re.findall(r"[A-Za-z]+", story)}
    assert 200 < len(words) < 300


def test_seeds_and_languages():
    assert stories("en", 5, seed=7) == stories("en", 9, seed=7)[:5] != stories("en", 5, seed=8)
    both = stories("both", 400, seed=7)
    english = sum(story.isascii() for story in both)
    assert 150 < english < 250
    assert all((log2_probability(story, "en") is None) != (log2_probability(story, "zh") is None) for story in both)
    assert stories("zh", 0) == []
    for wrong in (lambda: stories("de", 1), lambda: entropy_bits("fr"), lambda: log2_probability("a", "")):
        with pytest.raises(Problem, match="choose en, zh or both"):
            wrong()


def test_mistakes_in_a_grammar_are_named():
    for rules, message in [
        ("story = {who} sang.", "story asks for who, which no rule defines"),
        ("story = {who} {who.she} sang.\nwho = Mia", "story asks for who.she, which"),
        ("story = {who} sang.\nwho.she = Mia / she | Tom", "'Tom' needs 2 forms"),
        ("story = {who} sang.\nwho = the {one}\none = {who}", "story > who > one > who|who > one > who"),
    ]:
        with pytest.raises(Problem, match=message):
            Grammar(rules)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_floor_is_what_the_stories_need(language):
    texts = stories(language, 300, seed=4)
    needed = -sum(log2_probability(text, language) or 0.0 for text in texts) / sum(len(text.encode()) for text in texts)
    assert floor_bits_per_byte(language, texts) == pytest.approx(needed, rel=0.03)
