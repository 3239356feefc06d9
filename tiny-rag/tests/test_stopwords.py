"""Function words, and the guess at the language that rests on them."""

import pytest

from tiny_rag.stopwords import CHINESE, CHINESE_PARTICLES, ENGLISH, OTHER_LANGUAGES, is_english


@pytest.mark.parametrize(
    "sentence",
    [
        "when does the observatory open at night",
        "telescope",
        "boundary layer flow",
        "",
        "the die is cast and an hour is long",  # "die" is German, too
        "a visit to la scala in the evening",
    ],
)
def test_english_and_bare_keywords_pass_as_english(sentence):
    assert is_english(sentence.split())


@pytest.mark.parametrize(
    "sentence",
    [
        "die hunde sind nicht im haus und der garten ist offen",
        "le chien est dans la maison et les fleurs sont ouvertes",
        "los perros no están en la casa y el jardín es grande",
        "il cane non è nella casa e gli alberi sono alti",
        "o cão não está em casa e os livros são para uma amiga",
        "de hond is niet in het huis en de tuin wordt een park",
    ],
)
def test_other_languages_are_told_apart(sentence):
    assert not is_english(sentence.split())


def test_words_that_are_also_english_count_for_neither_side():
    assert len(OTHER_LANGUAGES) == 6
    assert not any(words & ENGLISH for words in OTHER_LANGUAGES.values())


def test_lists_hold_single_lower_case_words():
    assert all(word == word.lower() and word.isascii() and word.isalpha() for word in ENGLISH)
    assert {"什么", "什麼", "的", "the"} <= CHINESE | ENGLISH
    assert CHINESE_PARTICLES <= CHINESE and all(len(particle) == 1 for particle in CHINESE_PARTICLES)
