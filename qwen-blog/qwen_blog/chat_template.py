"""The chat format, ChatML: who speaks is written into the text, between tokens that no user's text can contain.

    <|im_start|>user
    What is 2 + 3?<|im_end|>
    <|im_start|>assistant
    5<|im_end|>

The official folders have it as a Jinja program; here it is written out. Two formats are in use:

qwen2.5   begins with a default system message if none is given
qwen3     has none; an answer may begin with its thoughts in <think> tags, which earlier turns lose again

Tools are listed in the system message, calls stand in <tool_call> tags, results come back as a user's message.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwen_blog.problem import Problem
from qwen_blog.tokenizer import Tokenizer

START, END = "<|im_start|>", "<|im_end|>"
ROLES = ("system", "user", "assistant", "tool")
Message = Mapping[str, Any]  # role, content, and for an assistant tool_calls and reasoning_content


@dataclass(frozen=True)
class Format:
    """What the two formats differ in."""

    default_system: str | None = None
    thinking: bool = False


QWEN25 = Format("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.")
QWEN3 = Format(None, thinking=True)


def format_of(tokenizer: Tokenizer) -> Format:
    """The format of a folder's template. Raises Problem for a folder without one, or with one of another kind."""
    template = tokenizer.chat_template
    if template is None or START not in template:
        raise Problem("the folder has no chat template of a Qwen, so it knows no chats; take an instruct model")
    default = re.search(r"<\|im_start\|>system\\n([^'\"{}]*)<\|im_end\|>", template)
    return Format(default[1] if default and default[1] else None, "enable_thinking" in template)


Parts = list[tuple[str, bool]]  # pieces; True where one is the format's own


def chat_parts(messages: Sequence[Message], format: Format, tools: Sequence[Any] = (),
               add_generation_prompt: bool = False, enable_thinking: bool = True) -> Parts:  # fmt: skip
    """The conversation in pieces; True where the piece is the format's own and its special tokens count."""
    for message in messages:
        if message.get("role") not in ROLES:
            raise Problem(f"a message has the role {str(message.get('role'))[:40]!r}; use one of {', '.join(ROLES)}")
    out = _system(messages, format, tools)
    last_question = _last_question(messages)
    for place, message in enumerate(messages):
        role, content = message["role"], message.get("content") or ""
        if role == "user" or (role == "system" and place > 0):
            out += [(f"{START}{role}\n", True), (content, False), (f"{END}\n", True)]
        elif role == "assistant":
            out += _assistant(message, content, format, place > last_question, place == len(messages) - 1)
        elif role == "tool":  # results that follow each other share one message
            if place == 0 or messages[place - 1]["role"] != "tool":
                out.append((f"{START}user", True))
            out += [("\n<tool_response>\n", True), (content, False), ("\n</tool_response>", True)]
            if place == len(messages) - 1 or messages[place + 1]["role"] != "tool":
                out.append((f"{END}\n", True))
    if add_generation_prompt:
        out.append((f"{START}assistant\n", True))
        if format.thinking and not enable_thinking:  # thoughts that are empty, and over already
            out.append(("<think>\n\n</think>\n\n", True))
    return out


def chat_text(messages: Sequence[Message], format: Format, tools: Sequence[Any] = (),
              add_generation_prompt: bool = False, enable_thinking: bool = True) -> str:  # fmt: skip
    """The whole conversation as one text, character for character what `apply_chat_template` makes of it."""
    return "".join(part for part, _ in chat_parts(messages, format, tools, add_generation_prompt, enable_thinking))


def chat_ids(tokenizer: Tokenizer, messages: Sequence[Message], tools: Sequence[Any] = (),
             add_generation_prompt: bool = True, enable_thinking: bool = True) -> list[int]:  # fmt: skip
    """The tokens of a conversation; a message that contains the name of a special token stays text."""
    ids: list[int] = []
    text = ""
    # pieces of the same kind are encoded together: a pre-token may reach from the format into a message
    for part, ours in chat_parts(messages, format_of(tokenizer), tools, add_generation_prompt, enable_thinking):
        cut = re.split(f"({re.escape(START)}|{re.escape(END)})", part) if ours else [part]
        for piece in cut:
            if ours and piece in (START, END):
                ids += [*tokenizer.encode(text, allow_special=False), special_id(tokenizer, piece)]
                text = ""
            else:
                text += piece
    return ids + tokenizer.encode(text, allow_special=False)


def special_id(tokenizer: Tokenizer, name: str) -> int:
    if name not in tokenizer.special:
        raise Problem(f"the tokenizer has no {name}, so it knows no chats; take an instruct model")
    return tokenizer.special[name]


def _system(messages: Sequence[Message], format: Format, tools: Sequence[Any]) -> Parts:
    given = messages[0].get("content") or "" if messages and messages[0]["role"] == "system" else None
    system = format.default_system if given is None else given
    if not tools:
        if system is None:
            return []
        return [(f"{START}system\n", True), (system, False), (f"{END}\n", True)]
    listed = "".join("\n" + _json(tool) for tool in tools)
    return [
        (f"{START}system\n", True),
        ("" if system is None else system + "\n\n", False),
        ("# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
         "function signatures within <tools></tools> XML tags:\n<tools>", True),
        (listed, False),
        ("\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
         '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n'
         f"</tool_call>{END}\n", True),
    ]  # fmt: skip


def _assistant(message: Message, content: str, format: Format, is_new: bool, is_last: bool) -> Parts:
    calls = message.get("tool_calls") or ()
    if not format.thinking:
        if not calls:
            return [(f"{START}assistant\n", True), (content, False), (f"{END}\n", True)]
        out = [(f"{START}assistant", True)] + ([("\n", True), (content, False)] if content else [])
        return [*out, *(_call(call, "\n") for call in calls), (f"{END}\n", True)]
    thoughts = message.get("reasoning_content")
    if not isinstance(thoughts, str):
        thoughts = ""
        if "</think>" in content:
            thoughts = content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n")
            content = content.split("</think>")[-1].lstrip("\n")
    out = [(f"{START}assistant\n", True)]
    if is_new and (is_last or thoughts):  # thoughts on an earlier question would only fill the context
        out.append((f"<think>\n{thoughts.strip(chr(10))}\n</think>\n\n{content.lstrip(chr(10))}", False))
    else:
        out.append((content, False))
    for place, call in enumerate(calls):
        out.append(_call(call, "\n" if content or place else "", as_text=True))
    return [*out, (f"{END}\n", True)]


def _call(call: Any, before: str, as_text: bool = False) -> tuple[str, bool]:
    call = call.get("function") or call
    arguments = call["arguments"]
    written = arguments if as_text and isinstance(arguments, str) else _json(arguments)
    return f'{before}<tool_call>\n{{"name": "{call["name"]}", "arguments": {written}}}\n</tool_call>', False


def _last_question(messages: Sequence[Message]) -> int:
    """The place of the last message that a person wrote, not a tool."""
    for place in range(len(messages) - 1, -1, -1):
        content = messages[place].get("content")
        is_result = (isinstance(content, str) and content.startswith("<tool_response>")
                     and content.endswith("</tool_response>"))  # fmt: skip
        if messages[place]["role"] == "user" and isinstance(content, str) and not is_result:
            return place
    return len(messages) - 1


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
