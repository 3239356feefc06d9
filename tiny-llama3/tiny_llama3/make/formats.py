"""The same items in four forms: chats to learn from, preference pairs, tiny-eval's tasks, BEIR's retrieval data."""

import json
from collections.abc import Sequence
from typing import Any

from tiny_llama3.make.items import Item, plain
from tiny_llama3.make.passages import Passage, unwrapped

ASK = {False: "Read the text and answer the question.\n\n{text}\n\nQuestion: {question}",
       True: "请阅读下面的文本并回答问题。\n\n{text}\n\n问题：{question}"}  # fmt: skip


def sft(items: Sequence[Item], with_text: bool) -> list[dict[str, Any]]:
    return [{"messages": [{"role": "user", "content": asked(item, with_text)},
                          {"role": "assistant", "content": item.answer}], "source": source(item)}
            for item in items]  # fmt: skip


def preference(items: Sequence[Item], with_text: bool) -> list[dict[str, Any]]:
    """The wrong answer is the right one of another question of the same kind: fluent, and not what was asked."""
    rows = []
    for number, item in enumerate(items):
        others = [other for other in (*items[number + 1 :], *items[:number])
                  if other.how == item.how and plain(other.answer) != plain(item.answer)]  # fmt: skip
        if others:
            rows.append({"prompt": [{"role": "user", "content": asked(item, with_text)}], "chosen": item.answer,
                         "rejected": others[0].answer, "source": source(item)})  # fmt: skip
    return rows


def evaluation(items: Sequence[Item], with_text: bool) -> list[dict[str, Any]]:
    """tiny-eval's rows: id, input, answers, context."""
    rows = []
    for item in items:
        row = {
            "id": f"{item.passage.file}:{item.start}:{item.how}",
            "input": asked(item, with_text),
            "answers": [item.answer],
        }
        rows.append(row | {"context": item.passage.text, "source": source(item)})
    return rows


def retrieval(items: Sequence[Item], passages: Sequence[Passage]) -> dict[str, str]:
    """BEIR's files: name -> content. Every passage is in the corpus; each question has its own as the right one."""
    corpus = [{"_id": passage.id, "title": passage.file, "text": passage.text} for passage in passages]
    queries = [{"_id": f"q{number}", "text": item.question} for number, item in enumerate(items)]
    pairs = "".join(f"q{number}\t{item.passage.id}\t1\n" for number, item in enumerate(items))
    return {"corpus.jsonl": lines(corpus), "queries.jsonl": lines(queries),
            "qrels/test.tsv": "query-id\tcorpus-id\tscore\n" + pairs}  # fmt: skip


def asked(item: Item, with_text: bool) -> str:
    if not with_text:
        return item.question
    chinese = sum("\u4e00" <= sign <= "\u9fff" for sign in item.question) * 3 > len(item.question)
    return ASK[chinese].format(text=unwrapped(item.passage.text), question=item.question)


def source(item: Item) -> dict[str, Any]:
    return {"file": item.passage.file, "start": item.start, "end": item.end, "quote": item.quote, "how": item.how}


def lines(rows: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
