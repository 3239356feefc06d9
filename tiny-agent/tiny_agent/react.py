r"""Reading what a model wrote in the ReAct form (Yao et al. 2023, arXiv:2210.03629), as models really write it.

    Thought: I need the product.
    Action: calculator
    Action Input: {"text": "12 * 7"}

parse() finds the first action with its input, or the final answer, or says exactly what to correct. It never guesses at
half an input: an object that doesn't parse is a correction, not a tool call with what could be read of it.

What it puts up with: headings in the middle of a line, in bold, in other case, in Chinese (思考 行动 行动输入 观察
最终答案); code fences; JSON with single quotes, Python's True and None, a trailing comma, or as a call such as
`calculator(text="2+2")`; text after the object; invented observations (everything from there on is dropped); several
actions (the first counts).
"""

import ast
import json
import re
from dataclasses import dataclass, field
from typing import Any

HEADINGS = {
    "thought": ("thought", "thoughts", "思考", "想法"),
    "input": ("action input", "action_input", "actioninput", "action inputs", "行动输入", "动作输入", "输入"),
    "action": ("action", "行动", "动作"),
    "observation": ("observation", "observations", "观察", "观察结果"),
    "answer": ("final answer", "final_answer", "finalanswer", "最终答案", "最终回答", "最后答案"),
}
KIND = {word: kind for kind, words in HEADINGS.items() for word in words}
_WORDS = "|".join(sorted((re.escape(word).replace(r"\ ", r"[ \t]+") for word in KIND), key=len, reverse=True))
# A heading stands at the start, after white space, or after the end of a sentence; a word before it makes it prose.
HEADING = re.compile(rf"(?:^|(?<=[\s.!?。！？;；,，`>)}}\]\"'*#]))[*_#`]{{0,3}}[ \t]*({_WORDS})"
                     r"[*_`]{0,3}[ \t]*[:：][*_`]{0,3}", re.IGNORECASE | re.MULTILINE)  # fmt: skip
CALL = re.compile(r"([A-Za-z_][\w.\-]*)\s*\((.*)\)\s*\Z", re.DOTALL)
NAME = re.compile(r"[A-Za-z_][\w.\-]{0,63}\Z")
SHAPE = 'Action: TOOL_NAME\nAction Input: {"argument": "value"}\n\nor, when you are done:\n\nFinal Answer: ...'


@dataclass(frozen=True)
class Parsed:
    """`kind` is action, answer, or problem. `arguments` of an action are an object, or the text of a bare input.

    `problem` is what to tell the model; `ignored` counts actions after the first, `invented` says that the model went
    on to write an observation itself.
    """

    kind: str
    name: str = ""
    arguments: dict[str, Any] | str = field(default_factory=dict)
    answer: str = ""
    thought: str = ""
    problem: str = ""
    ignored: int = 0
    invented: bool = False


def parse(text: str) -> Parsed:
    """What the model wants; never raises."""
    if not text.strip():
        return Parsed("problem", problem=f"Your reply was empty. Write:\n\n{SHAPE}")
    sections, invented = _sections(text)
    thought = "\n".join(body for kind, body in sections if kind in ("thought", "")).strip()
    kinds = [kind for kind, _ in sections]
    first_action = kinds.index("action") if "action" in kinds else -1
    first_answer = kinds.index("answer") if "answer" in kinds else -1
    if first_action >= 0 and (first_answer < 0 or first_action < first_answer):
        return _action(sections, first_action, thought, kinds.count("action") - 1, invented)
    if first_answer >= 0:
        answer = _without_fences(sections[first_answer][1]).strip()
        if not answer:
            return Parsed("problem", thought=thought, problem="Nothing stands after 'Final Answer:'. Write the answer.")
        return Parsed("answer", answer=answer, thought=thought, invented=invented)
    if "input" in kinds:
        return Parsed("problem", thought=thought, problem=f"There is an Action Input but no Action. Write:\n\n{SHAPE}")
    return Parsed("problem", thought=thought, problem="Your reply has neither 'Action:' nor 'Final Answer:'. Write:\n\n"
                  f"{SHAPE}", invented=invented)  # fmt: skip


def _sections(text: str) -> tuple[list[tuple[str, str]], bool]:
    """(kind, text) from heading to heading, up to the first observation, which only we may write."""
    protected = _strings(text)
    found = [match for match in HEADING.finditer(text) if not any(a < match.start(1) < b for a, b in protected)]
    sections = [("", text[: found[0].start()] if found else text)]
    for place, match in enumerate(found):
        word = re.sub(r"[ \t]+", " ", match[1]).lower()
        kind = KIND[word]
        if kind == "observation":
            return sections, True
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        sections.append((kind, text[match.end() : end]))
    return sections, False


def _strings(text: str) -> list[tuple[int, int]]:
    """Where JSON strings of an input are, in which a heading is somebody's text: {"text": "Action: none"}."""
    spans = []
    for match in re.finditer(r'"(?:[^"\\\n]|\\.)*"', text):
        before = text[: match.start()].rstrip()[-1:]
        after = text[match.end() :].lstrip()[:1]
        if before in ("{", ":", ",", "[", "(", "=") and after in ("}", ":", ",", "]", ")"):
            spans.append(match.span())
    return spans


def _action(sections: list[tuple[str, str]], place: int, thought: str, ignored: int, invented: bool) -> Parsed:
    head = _without_fences(sections[place][1]).strip()
    body = None
    if place + 1 < len(sections) and sections[place + 1][0] == "input":
        body = sections[place + 1][1]

    def problem(words: str) -> Parsed:
        return Parsed("problem", thought=thought, problem=words, ignored=ignored, invented=invented)

    name, inline = _name(head)
    if inline is None and body is None and "\n" in head:  # the input on the lines after the name, without a heading
        first, _, rest = head.partition("\n")
        name, body = _clean(first), rest
    if not NAME.match(name):
        shown = " ".join(head.split())[:60]
        return problem(f"'{shown}' is no name of a tool. Write the bare name after 'Action:'.")
    if name.lower() in ("none", "n/a", "null"):
        return problem("'Action: None' does nothing. If you know the answer, write 'Final Answer: ...'.")
    if body is None and inline is not None:
        return Parsed("action", name, inline, thought=thought, ignored=ignored, invented=invented)
    if body is None:
        return problem(f"There is no 'Action Input:' after 'Action: {name}'. Write:\n\n{SHAPE}")
    arguments, wrong = arguments_of(body)
    if wrong:
        return problem(f'The Action Input of {name} {wrong}. Write one JSON object, such as {{"argument": "value"}}.')
    return Parsed("action", name, arguments, thought=thought, ignored=ignored, invented=invented)


def _name(head: str) -> tuple[str, dict[str, Any] | str | None]:
    """The tool's name, and its input if both are written as a call or as one JSON object."""
    if head.startswith("{"):
        value, _ = _object(head)
        if isinstance(value, dict):
            name = value.get("name") or value.get("action") or value.get("tool")
            inside = next((value[key] for key in ("arguments", "action_input", "input", "parameters", "args")
                           if key in value), None)  # fmt: skip
            if isinstance(name, str) and isinstance(inside, (dict, str)):
                return name, inside
    call = CALL.match(head)
    if call:
        arguments = _call(call[2])
        if arguments is not None:
            return call[1], arguments
    return _clean(head.partition("\n")[0] if "\n" not in head else head), None


def _clean(name: str) -> str:
    return name.strip().strip("`*_\"'[]<>「」“” \t.").strip()


def _call(inside: str) -> dict[str, Any] | str | None:
    """The arguments of `tool(a=1, b="x")` or `tool("x")`; None if they are no literals."""
    try:
        tree = ast.parse(f"f({inside})", mode="eval").body
        if not isinstance(tree, ast.Call) or len(tree.args) > 1 or (tree.args and tree.keywords):
            return None
        if tree.args:
            value = ast.literal_eval(tree.args[0])
            return value if isinstance(value, (dict, str)) else json.dumps(value)
        return {word.arg: ast.literal_eval(word.value) for word in tree.keywords if word.arg}
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def arguments_of(body: str) -> tuple[dict[str, Any] | str, str]:
    """An object, or a bare text; and what is wrong, if it is neither."""
    text = _without_fences(body).strip()
    if not text:
        return {}, "is empty"
    if text[0] not in "{[":
        return _bare(text), ""
    value, rest = _object(text)
    if isinstance(value, dict):
        return value, ""
    if value is not None:
        return {}, "is a list, not an object"
    return {}, rest


def _bare(text: str) -> str:
    """A text without an object: its first paragraph, without the quotes around it."""
    text = text.partition("\n\n")[0].strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1]
    return text


def _object(text: str) -> tuple[Any, str]:
    """The value that the text begins with, or (None, what is wrong). What follows the value is dropped."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
        return value, ""
    except ValueError as error:
        wrong = str(error)
    except RecursionError:
        return None, "is nested too deeply"
    end = _closing(text)
    if end is None:
        return None, "ends in the middle: a bracket or a quote isn't closed"
    inner = text[:end]
    repaired = re.sub(r",(\s*[}\]])", r"\1", inner)
    try:
        return json.loads(repaired), ""
    except (ValueError, RecursionError):
        pass
    try:
        value = ast.literal_eval(inner)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None, f"isn't JSON ({wrong})"
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return None, "holds something that JSON doesn't have"
    return value, ""


def _closing(text: str) -> int | None:
    """Where the bracket that the text begins with is closed; None if it isn't. Quotes of either kind are minded."""
    depth, quote, place = 0, "", 0
    while place < len(text):
        character = text[place]
        if quote:
            if character == "\\":
                place += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return None


def _without_fences(text: str) -> str:
    """The inside of the first fenced block, or the text without stray fences."""
    if "```" not in text:
        return text
    before, _, rest = text.partition("```")
    rest = re.sub(r"\A[ \t]*\w*[ \t]*(?:\n|(?=[{\[]))", "", rest)
    inside = rest.partition("```")[0]
    if not before.strip():
        return inside
    return f"{before}\n{inside}" if inside.strip() else before
