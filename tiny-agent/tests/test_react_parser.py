"""A thousand malformed ReAct replies, by rules that are written down here, and whatever hypothesis thinks of.

Each rule spoils a good reply in one way that models are known for. Most must be read as they were meant; some can't be,
and then the correction must name what is wrong. Never an exception, never half an input.
"""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_agent.react import Parsed, parse

TOOLS = ("calculator", "search_notes", "read_file", "date_add")
ARGUMENTS: tuple[dict[str, object], ...] = (
    {"text": "12 * 7"}, {"words": "old mill"}, {"path": "notes.md"}, {"date": "2024-02-28", "days": 3},
    {"text": "say \"hi\""}, {"words": "Action: none"}, {"text": "it's {odd}"}, {"a": [1, 2], "b": {"c": None},
    "d": True},
    {"words": "古井"}, {},
)  # fmt: skip
THOUGHTS = ("I need a tool.", "先算一算。", "The action is clear, so I act.", "", "Let me think:\n1. this\n2. that")


def good(thought, name, arguments):
    text = f"Thought: {thought}\n" if thought else ""
    return f"{text}Action: {name}\nAction Input: {json.dumps(arguments, ensure_ascii=False)}"


# ---- rules: (reply as meant, random numbers) -> spoilt reply --------------------------------------------------------

KEPT = {
    "as it should be": lambda t, n, a, r: good(t, n, a),
    "no line break before Action": lambda t, n, a, r: good(t, n, a).replace("\nAction:", " Action:", 1),
    "all on one line": lambda t, n, a, r: good(t.replace("\n", " "), n, a).replace("\nAction", " Action"),
    "bold headings": lambda t, n, a, r: (
        good(t, n, a).replace("Action:", "**Action:**", 1).replace("Action Input:", "**Action Input:**", 1)
    ),
    "bold words": lambda t, n, a, r: (
        good(t, n, a).replace("Action:", "**Action**:", 1).replace("Action Input:", "**Action Input**:", 1)
    ),
    "markdown headings": lambda t, n, a, r: (
        good(t, n, a).replace("Action:", "### Action:", 1)
        .replace("### Action Input", "### Action Input", 1)
    ),
    "upper case": lambda t, n, a, r: (
        good(t, n, a).replace("Action Input:", "ACTION INPUT:", 1).replace("Action:", "ACTION:", 1)
    ),
    "lower case": lambda t, n, a, r: (
        good(t, n, a).replace("Action Input:", "action input:", 1).replace("Action:", "action:", 1)
    ),
    "underscore": lambda t, n, a, r: good(t, n, a).replace("Action Input:", "Action_Input:", 1),
    "blanks before colons": lambda t, n, a, r: (
        good(t, n, a).replace("Action:", "Action :", 1).replace("Action Input:", "Action Input :", 1)
    ),
    "fenced input": lambda t, n, a, r: (
        good(t, n, a).replace("Action Input: ", "Action Input:\n```json\n", 1) + "\n```"
    ),
    "fenced input on the line": lambda t, n, a, r: (
        good(t, n, a).replace("Action Input: ", "Action Input: ```", 1) + "```"
    ),
    "everything fenced": lambda t, n, a, r: f"```\n{good(t, n, a)}\n```",
    "trailing prose": lambda t, n, a, r: good(t, n, a) + "\n\nI will wait for the result.",
    "trailing prose on the line": lambda t, n, a, r: good(t, n, a) + " and then we will see",
    "invented observation": lambda t, n, a, r: good(t, n, a) + "\nObservation: 42\nThought: fine\nFinal Answer: 42",
    "invented observation in Chinese": lambda t, n, a, r: good(t, n, a) + "\n观察：42\n最终答案：42",
    "answer invented at once": lambda t, n, a, r: good(t, n, a) + "\nFinal Answer: 42",
    "Python's quotes and names": lambda t, n, a, r: good(t, n, {}).removesuffix("{}") + repr(a),
    "trailing comma": lambda t, n, a, r: good(t, n, a)[:-1] + ",}" if a else good(t, n, a),
    "spread over lines": lambda t, n, a, r: (
        good(t, n, {}).removesuffix("{}") + json.dumps(a, indent=2, ensure_ascii=False)
    ),
    "several actions": lambda t, n, a, r: (
        good(t, n, a) + "\n" + good("", "date_add", {"date": "2020-01-01", "days": 1})
    ),
    "Chinese headings": lambda t, n, a, r: (
        good(t, n, a).replace("Thought:", "思考：").replace("Action Input:", "行动输入：", 1)
        .replace("Action:", "行动：", 1)
    ),
    "Chinese headings, ASCII colons": lambda t, n, a, r: (
        good(t, n, a).replace("Action Input:", "动作输入:", 1).replace("Action:", "动作:", 1)
    ),
    "quoted name": lambda t, n, a, r: (
        good(t, n, a)
        .replace(f"Action: {n}", r.choice([f"Action: `{n}`", f'Action: "{n}"', f"Action: [{n}]"]))
    ),
    "full stop after the name": lambda t, n, a, r: good(t, n, a).replace(f"Action: {n}", f"Action: {n}."),
    "input below the name without a heading": lambda t, n, a, r: good(t, n, a).replace("Action Input: ", "", 1),
    "one JSON object": lambda t, n, a, r: (
        f"Thought: {t}\nAction: {json.dumps({'name': n, 'arguments': a}, ensure_ascii=False)}"
    ),
    "carriage returns": lambda t, n, a, r: good(t, n, a).replace("\n", "\r\n"),
    "blank lines": lambda t, n, a, r: good(t, n, a).replace("\n", "\n\n\n"),
    "indented": lambda t, n, a, r: "\n".join("   " + line for line in good(t, n, a).splitlines()),
}  # fmt: skip
CORRECTED = {
    "cut in the input": lambda t, n, a, r: good(t, n, a or {"text": "1"})[: -r.randrange(1, 6)],
    "no input": lambda t, n, a, r: f"Thought: {t}\nAction: {n}",
    "empty input": lambda t, n, a, r: f"Thought: {t}\nAction: {n}\nAction Input:",
    "a list as input": lambda t, n, a, r: f"Action: {n}\nAction Input: [1, 2]",
    "no name": lambda t, n, a, r: f"Action:\nAction Input: {json.dumps(a)}",
    "a sentence as the name": lambda t, n, a, r: f"Action: I would like to use the {n} now\nAction Input: {{}}",
    "only prose": lambda t, n, a, r: "I believe that the answer can be found with a tool.",
    "only an object": lambda t, n, a, r: json.dumps(a),
    "nothing": lambda t, n, a, r: r.choice(["", "  ", "\n\n"]),
    "Action: None": lambda t, n, a, r: "Thought: I know it.\nAction: None\nAction Input: {}",
    "an empty answer": lambda t, n, a, r: "Thought: so.\nFinal Answer:  ",
    "missing quote": lambda t, n, a, r: f'Action: {n}\nAction Input: {{"text: "2 + 2"}}',
}
ANSWERS = {
    "plain": lambda t, w: f"Thought: {t}\nFinal Answer: {w}",
    "on one line": lambda t, w: f"Thought: {t.splitlines()[0] if t else 'so'} Final Answer: {w}",
    "bold": lambda t, w: f"**Final Answer:** {w}",
    "fenced": lambda t, w: f"```\nFinal Answer: {w}\n```",
    "Chinese": lambda t, w: f"思考：{t}\n最终答案：{w}",
    "lower case": lambda t, w: f"final answer: {w}",
    "with more after it": lambda t, w: f"Final Answer: {w}\nObservation: none",
}


def corpus():
    rng = random.Random(1)
    for number in range(1000):
        kind = ("kept", "kept", "kept", "corrected", "answer")[number % 5]
        thought, name, arguments = rng.choice(THOUGHTS), rng.choice(TOOLS), rng.choice(ARGUMENTS)
        if kind == "kept":
            rule = list(KEPT)[(number * 7 // 5 + number) % len(KEPT)]
            yield kind, rule, KEPT[rule](thought, name, arguments, rng), (name, arguments)
        elif kind == "corrected":
            rule = list(CORRECTED)[number // 5 % len(CORRECTED)]
            yield kind, rule, CORRECTED[rule](thought, name, arguments, rng), None
        else:
            rule = list(ANSWERS)[number // 5 % len(ANSWERS)]
            words = rng.choice(("42", "The old mill.", "四十二", "a\nb"))
            yield kind, rule, ANSWERS[rule](thought, words), words


def as_meant(kind, text, wanted):
    found = parse(text)
    if kind == "kept":
        return found.kind == "action" and (found.name, found.arguments) == wanted
    if kind == "corrected":
        return found.kind == "problem" and len(found.problem) > 20
    return found.kind == "answer" and found.answer == wanted


def test_more_than_99_percent_are_read_as_meant_or_corrected():
    cases = list(corpus())
    wrong = [(rule, text, parse(text)) for kind, rule, text, wanted in cases if not as_meant(kind, text, wanted)]
    assert len(cases) == 1000 and {rule for kind, rule, *_ in cases if kind == "kept"} == set(KEPT)
    assert len(wrong) < 10, f"{len(wrong)}: {wrong[:5]}"
    print(f"{len(cases) - len(wrong)} of {len(cases)}")


@pytest.mark.parametrize("rule", [*KEPT, *CORRECTED])
def test_every_rule_is_mastered(rule):
    rng = random.Random(rule)
    for name in TOOLS:
        for arguments in ({"text": "12 * 7"}, {"words": "old mill", "n": 3}):
            text = (KEPT.get(rule) or CORRECTED[rule])("I need a tool.", name, arguments, rng)
            assert as_meant("kept" if rule in KEPT else "corrected", text, (name, arguments)), (text, parse(text))


@given(st.text(max_size=300))
def test_any_text_is_survived(text):
    assert isinstance(parse(text), Parsed)


@given(st.lists(st.sampled_from(["Action:", "Action Input:", "Thought:", "Final Answer:", "Observation:",
                                 "行动：", "{", "}", "[", "]",
                                 '"', "'", "```", "\n", "calculator", '{"text": "1"}', "\\", ":", ",", "(",
                                 ")", "None", "json"]),
                max_size=25))  # fmt: skip
def test_any_mixture_of_the_pieces_is_survived_and_no_half_input_is_taken(pieces):
    text = " ".join(pieces)
    found = parse(text)
    assert found.kind in ("action", "answer", "problem")
    if found.kind == "problem":
        assert found.problem
    if found.kind == "action" and isinstance(found.arguments, str):
        assert not found.arguments.startswith("{")


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8),
        st.text(st.characters(codec="utf-8"), max_size=30),
        max_size=4,
    )
)
def test_every_object_comes_back_whole(arguments):
    found = parse(f"Thought: so\nAction: calculator\nAction Input: {json.dumps(arguments)}\nObservation: made up")
    assert found.kind == "action" and found.arguments == arguments and found.invented


def test_deep_nesting_is_a_correction():
    assert parse("Action: calculator\nAction Input: " + "[" * 100_000).kind == "problem"
    assert parse('Action: calculator\nAction Input: {"a": ' + "[" * 100_000 + "]" * 100_000 + "}").kind == "problem"
