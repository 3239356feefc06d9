"""Chats to fine-tune another model on: the same questions and solutions, as the ReAct engine would tell them.

    python -m training.chats --kind sums --tools calculator --count 2000 --out runs/agent-chats.jsonl

One {"messages": [...]} a line: the engine's own instructions and tools, the question, what to write, what it is told.
The model that learns from them is then driven by `ask`, `eval` and `chat`, with --only TOOL for each of these tools.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tiny_agent.react_engine import React
from tiny_agent.tools import Tool
from training.questions import Example, examples

KINDS = ("sums", "units", "dates", "notes", "other")


def chat(example: Example, tools: Sequence[Tool]) -> dict[str, list[dict[str, str]]]:
    """The conversation that the engine has with a model that makes no mistake."""
    messages = [{"role": each["role"], "content": each["content"]} for each in React().opening(example.question, tools)]
    for said, told in example.steps:
        messages.append({"role": "assistant", "content": said})
        if told:
            messages.append({"role": "user", "content": f"Observation: {told}"})
    return {"messages": messages}


def main() -> None:
    from tiny_shared.files import write_jsonl

    from tiny_agent.tools.shipped import shipped_tools

    parser = argparse.ArgumentParser(description="Write chats to fine-tune a model on.")
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=KINDS, help="of the questions (default: all)")
    parser.add_argument("--tools", nargs="+", metavar="TOOL", help="only these in the instructions (default: all)")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", default="chats", help="any text; other numbers and names (default: chats)")
    parser.add_argument("--held-out", action="store_true", help="questions put in the words that are kept for tests")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")
    args = parser.parse_args()
    tools = [tool for tool in shipped_tools(Path("sample/notes")) if not args.tools or tool.name in args.tools]
    if unknown := set(args.tools or ()) - {tool.name for tool in tools}:
        parser.error(f"there is no tool {', '.join(sorted(unknown))}")
    chosen = (each for each in examples(args.seed, held=args.held_out) if each.kind in args.kind)
    rows = [chat(each, tools) | {"question": each.question, "answer": each.answer}
            for each in islice(chosen, args.count)]  # fmt: skip
    write_jsonl(args.out, rows)
    print(f"{args.out.as_posix()}: {len(rows)} chats")


if __name__ == "__main__":
    main()
