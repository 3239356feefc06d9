"""From an item to the text that the model reads: strict templates, examples, chat templates, cutting in the middle.

    fill("{{input}} One word.", {"input": "Capital of Peru?"})     "Capital of Peru? One word."
    fill("{{question}}", {"input": "..."})                         EvalProblem: there is no 'question'; there is 'input'

A template has no logic. A list of choices is written with letters, one a line; any other list by its first text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiny_eval.problem import EvalProblem
from tiny_eval.running.items import LETTERS
from tiny_eval.running.task import Fields, Task

VARIABLE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
# A stand-in for a tokenizer that we don't have: Chinese by the character, words in pieces of four letters.
PIECE = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]{1,4}|\d{1,3}|[^\w\s]|_|\s")
GAP = " … "

Message = dict[str, str]
Cut = Callable[[str, int], tuple[str, int]]


@dataclass(frozen=True)
class Prompt:
    """`messages` for a chat, `text` for a completion; `tokens` is an estimate; `cut` says how many were left out."""

    messages: list[Message]
    text: str
    tokens: int
    cut: int = 0


def fill(template: str, item: Fields, place: str = "the prompt") -> str:
    """The template with the item's fields in it; EvalProblem for a name that the item doesn't have."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in item or item[name] is None:
            raise EvalProblem(f"{place} asks for {{{{{name}}}}}, and item {item.get('id')!r} has no {name!r}; it has "
                              f"{', '.join(item)}")  # fmt: skip
        return written(name, item[name])

    return VARIABLE.sub(value, template)


def written(name: str, value: object) -> str:
    if isinstance(value, list):
        if name == "choices":
            return "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, value, strict=False))
        return ", ".join(map(str, value)) if name == "all_classes" else str(value[0])
    return str(value)


def build(
    task: Task,
    item: Fields,
    examples: Sequence[Fields] = (),
    chat_template: str = "plain",
    longest: int | None = None,
    cut: Cut | None = None,
) -> Prompt:
    """The whole prompt. If it is longer than `longest` tokens, the item's own text is cut in the middle."""
    cut = cut or cut_by_pieces
    place = f"the prompt of {task.name}"
    turns: list[Message] = [{"role": "system", "content": fill(task.system, item, place)}] if task.system else []
    for example in examples:
        turns.append({"role": "user", "content": fill(task.prompt, example, place)})
        turns.append({"role": "assistant", "content": fill(task.answer, example, f"the answer of {task.name}")})
    asked = fill(task.prompt, item, place)
    tokens = sum(cut(turn["content"], 10**9)[1] for turn in turns)
    dropped = 0
    if longest is not None:
        whole = cut(asked, 10**9)[1]
        left = longest - tokens
        if whole > left:
            if left < 16:
                raise EvalProblem(f"{tokens} tokens of examples and system text leave no room for {task.name}'s items "
                                  f"in {longest}; raise --max-prompt-tokens or lower --few-shot")  # fmt: skip
            asked, _ = cut(asked, left)
            dropped = whole - left
    turns.append({"role": "user", "content": asked})
    tokens += cut(asked, 10**9)[1]
    return Prompt(turns, in_one_text(turns, chat_template), tokens, dropped)


def cut_by_pieces(text: str, longest: int) -> tuple[str, int]:
    """The text in at most `longest` pieces, its middle left out, as LongBench does; and its length in pieces."""
    pieces = PIECE.findall(text)
    counted = [place for place, piece in enumerate(pieces) if not piece.isspace()]
    if len(counted) <= longest:
        return text, len(counted)
    half = longest // 2
    ends = [found.end() for found in PIECE.finditer(text)]
    starts = [found.start() for found in PIECE.finditer(text)]
    head = text[: ends[counted[half - 1]]]
    tail = text[starts[counted[len(counted) - (longest - half)]] :]
    return head + GAP + tail, longest


def cut_by_tokenizer(path: str) -> Cut:
    """The same with a model's own tokenizer.json."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise EvalProblem("--tokenizer needs a package; run: python -m pip install tokenizers") from None
    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the package has one class for everything
        raise EvalProblem(f"{path}: not a tokenizer.json ({str(error)[:80]}); name the model's") from None

    def cut(text: str, longest: int) -> tuple[str, int]:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if len(ids) <= longest:
            return text, len(ids)
        half = longest // 2
        return tokenizer.decode(ids[:half]) + GAP + tokenizer.decode(ids[len(ids) - (longest - half) :]), longest

    return cut


def in_one_text(turns: Sequence[Message], chat_template: str) -> str:
    """A conversation for an interface that only knows texts; it ends where the answer begins."""
    match chat_template:
        case "plain":
            return "\n\n".join(turn["content"] for turn in turns)
        case "chatml":
            said = "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)
            return said + "<|im_start|>assistant\n"
        case "llama3":
            said = "".join(f"<|start_header_id|>{turn['role']}<|end_header_id|>\n\n{turn['content']}<|eot_id|>"
                           for turn in turns)  # fmt: skip
            return f"<|begin_of_text|>{said}<|start_header_id|>assistant<|end_header_id|>\n\n"
        case _:
            raise EvalProblem(f"there is no chat template {chat_template!r}; choose plain, chatml or llama3")
