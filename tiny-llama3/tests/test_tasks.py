"""Built-in tasks: right answers pass, mistakes don't, and the splits never meet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.problem import Problem
from tiny_llama3.tasks import arithmetic, rewriting, verses
from tiny_llama3.tasks.exercise import LANGUAGES, TASKS, check, exercises, is_test
from tiny_llama3.tasks.files import as_rows

KINDS = [(task, language) for task in TASKS for language in LANGUAGES]


@pytest.mark.parametrize(("task", "language"), KINDS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_answers_pass_and_mistakes_do_not(task, language, split):
    for each in exercises(task, language, 150 if split == "test" else 1500, split=split):
        assert (each.task, each.language) == (task, language)
        assert check(task, each.prompt, each.answer), each
        assert not check(task, each.prompt, each.mistake), each
        assert is_test(each.prompt) == (split == "test")
        assert len(each.prompt.encode()) <= 90 and len(each.answer.encode()) <= 100


@pytest.mark.parametrize(("task", "language"), KINDS)
def test_splits_seeds_and_counts(task, language):
    train, test = (exercises(task, language, 100, split=split) for split in ("train", "test"))
    assert not {each.prompt for each in train} & {each.prompt for each in test}
    assert len({each.prompt for each in test}) == 100
    assert exercises(task, language, 40) == train[:40]
    assert exercises(task, language, 100, seed=1) != train


@pytest.mark.parametrize(("task", "language"), KINDS)
@given(place=st.integers(0, 99), garbage=st.text(max_size=60))
def test_garbage_is_wrong_and_raises_nothing(task, language, place, garbage):
    each = exercises(task, language, 100)[place]
    assert not check(task, each.prompt, garbage) or garbage == each.answer
    assert not check(task, each.prompt, each.answer + garbage + "!")
    assert not check(task, each.prompt, "")


@given(place=st.integers(0, 199), off=st.integers(-50, 50).filter(bool))
def test_sums_are_pythons(place, off):
    """Another result is wrong, and so is a false step before a right result."""
    each = exercises("arithmetic", "en", 200)[place]
    a, sign, b = re.findall(r"(\d+) ([+-]) (\d+)", each.prompt)[0]
    result = int(a) + int(b) if sign == "+" else int(a) - int(b)
    begin, _, _ = each.answer.rpartition(" ")
    assert each.answer == f"{begin} {result}"
    assert not check("arithmetic", each.prompt, f"{begin} {abs(result + off)}") or abs(result + off) == result
    wrong = re.sub(r"= (\d+)", lambda found: f"= {abs(int(found[1]) + off)}", each.answer, count=1)
    assert not check("arithmetic", each.prompt, wrong) or wrong == each.answer
    assert not check("arithmetic", each.prompt, f"Answer: {result}")  # no steps at all


def test_many_short_forms_are_right():
    prompt = "Say it in 4 words: the little red fox sleeps in the warm garden"
    for right in ("the fox sleeps garden", "the red fox garden", "the in the garden"):
        assert check("rewriting", prompt, right)
    for wrong in ("the fox garden", "the sleeps fox garden", "the fox sleeps warm", "a fox sleeps garden",
                  "the fox  garden", "The fox sleeps garden"):  # fmt: skip
        assert not check("rewriting", prompt, wrong)
    assert check("rewriting", "用四个字说：小红猫在花园睡觉", "小猫睡觉")
    assert not check("rewriting", "用四个字说：小红猫在花园睡觉", "小猫觉")
    assert check("rewriting", "去掉颜色：小红猫在白花园睡觉", "小猫在花园睡觉")
    assert check("rewriting", "Write it in capitals: a b", "A B")


def test_verses_must_have_their_form():
    prompt = "Two lines of 4 words about the moon, with still, in rhyme."
    assert check("verses", prompt, "the quiet moon night\nso still all light")
    for wrong in ("the quiet moon night\nso still all night", "the quiet moon night\nso still all stone",
                  "the quiet moon night\nall light", "the quiet sea night\nso still all light",
                  "the quiet moon night\nso far all light", "the quiet moon night so\nstill all light",
                  "the quiet moon night"):  # fmt: skip
        assert not check("verses", prompt, wrong)
    prompt = "写两句五言诗，题为“明月”，含“花”字。"
    assert check("verses", prompt, "明月夜江树\n花云石路眠")
    assert not check("verses", prompt, "明月夜江树\n花云石路雪")
    assert not check("verses", prompt, "明月夜江\n花云石路眠")


def test_no_filling_word_rhymes():
    for language in LANGUAGES:
        rows = verses.RHYMES[language]
        rhyming = [word for row in rows for word in row]
        assert len(set(rhyming)) == len(rhyming)
        assert not set(rhyming) & set(verses.FILLING[language])


def test_refusals():
    for arguments, words in (
        (("maths", "en", 1), "no task"),
        (("verses", "de", 1), "no exercises in"),
        (("verses", "en", 1, 0, "dev"), "split must be"),
        (("verses", "en", 5000, 0, "test"), "ask for fewer"),
    ):
        with pytest.raises(Problem, match=words):
            exercises(*arguments)
    for task in TASKS:
        with pytest.raises(Problem, match="is no exercise in"):
            check(task, "How are you?", "Fine.")
    with pytest.raises(Problem, match="no task"):
        check("maths", "", "")
    with pytest.raises(Problem, match="kind must be"):
        list(as_rows([], "tables"))


def test_rows_of_files():
    made = exercises("all", "both", 200)
    assert {each.task for each in made} == set(TASKS) and {each.language for each in made} == set(LANGUAGES)
    chats, half = list(as_rows(made, "chats")), list(as_rows(made, "chats", 0.5))
    assert [row["messages"][1]["content"] for row in chats] == [each.answer for each in made]
    right = sum(row["messages"][1]["content"] == each.answer for row, each in zip(half, made, strict=True))
    assert 70 < right < 130
    assert next(as_rows(made[:1], "pairs"))["rejected"] == made[0].mistake
    assert next(as_rows(made[:1], "prompts"))["answer"] == made[0].answer


def test_modules_name_themselves():
    for module in (arithmetic, rewriting, verses):
        assert module.check("", "") is None
