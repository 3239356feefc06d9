"""The command `data make`: a data set from your own documents. Part of main.py's wiring."""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from tiny_llama3.make.items import Item, Reject
    from tiny_llama3.make.passages import Passage

KINDS = ("sft", "preference", "eval", "rag")
FORMS = ("turned", "finish", "gap")


def add_command(group: Any, command: Any) -> None:
    sub = command(group, "make", make, "make a data set from your own documents: pairs, preferences, tasks, retrieval")
    sub.add_argument("documents", type=Path, metavar="DOCS", help="a .txt or .md file, or a folder of them")
    sub.add_argument("--kind", choices=KINDS, required=True, help="sft: chats; preference: pairs; eval: tiny-eval's "
                     "tasks; rag: BEIR's files, --out is then a folder")  # fmt: skip
    sub.add_argument("--out", type=Path, required=True, metavar="F", help="rejects go to F.rejects.jsonl")
    sub.add_argument("--per-passage", type=cli.positive, default=2, metavar="N", help="questions (default: 2)")
    sub.add_argument("--longest", type=cli.positive, default=700, metavar="N", help="characters of a passage")
    sub.add_argument("--eval-share", type=share, default=0.2, metavar="P", help="passages kept for eval (default: 0.2)")
    sub.add_argument("--no-text", action="store_true", help="ask without the passage in front of the question")
    sub.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS, help="of questions without a model: sentences "
                     "turned round, to be finished, with a gap (default: all)")  # fmt: skip
    sub.add_argument("--by-model", action="store_true", help="let the model of OPENAI_BASE_URL and OPENAI_MODEL write")
    cli.add_seed(sub)


def share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1 (got {text})")
    return value


def make(args: argparse.Namespace) -> None:
    from tiny_shared.files import atomic_write

    from tiny_llama3.make import formats, items, offline, passages

    texts, unread = passages.read_sources(args.documents)
    pieces = list(passages.passages(texts, args.longest))
    if not pieces:
        raise UserError(f"{args.documents.as_posix()} has no paragraph that is long enough to ask about; add some")
    found: list[Item] = []
    rejects = [items.Reject(why, name) for name, why in unread.items()]
    if args.by_model:
        for each in asked(args, pieces):
            (found if isinstance(each, items.Item) else rejects).append(each)  # type: ignore[arg-type]
    else:
        found = list(offline.made(pieces, args.per_passage, args.seed, args.forms))
    train, held, dropped = items.kept(found, texts, args.eval_share)
    rejects += dropped
    chosen = held if args.kind in ("eval", "rag") else train
    if not chosen:
        raise UserError(f"nothing could be made for {args.kind} of {len(pieces)} passages ({len(rejects)} rejects); "
                        "give more text, or another --eval-share")  # fmt: skip
    with_text = not args.no_text
    if args.kind == "rag":
        contents = {args.out / name: text for name, text in formats.retrieval(chosen, pieces).items()}
        count = len(chosen)
    else:
        kind = {"sft": formats.sft, "preference": formats.preference, "eval": formats.evaluation}[args.kind]
        rows = kind(chosen, with_text)
        contents, count = {args.out: formats.lines(rows)}, len(rows)
    rejected = args.out.with_name(f"{args.out.name}.rejects.jsonl")
    contents[rejected] = formats.lines([vars(reject) for reject in rejects])
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text)
    result = {"out": args.out.as_posix(), "kind": args.kind, "made": count, "rejected": len(rejects),
              "passages": len(pieces), "files": len(texts), "unread": unread,
              "rejects": rejected.as_posix()}  # fmt: skip
    said = f"{args.out.as_posix()}: {count} of {args.kind} from {len(pieces)} passages in {len(texts)} files; "
    for name, why in unread.items():
        print(f"note: {name} isn't read: {why}", file=sys.stderr)
    cli.show(result, args.json, f"{said}{len(rejects)} rejects with reasons in {rejected.as_posix()}")


def asked(args: argparse.Namespace, pieces: "list[Passage]") -> "Iterator[Item | Reject]":
    """Every passage's reply; those of an earlier run are read from F.replies.jsonl, so nothing is paid twice."""
    from tiny_shared.chat import Chat
    from tiny_shared.files import read_jsonl

    from tiny_llama3.make import by_model

    chat = Chat()
    kept = args.out.with_name(f"{args.out.name}.replies.jsonl")
    kept.parent.mkdir(parents=True, exist_ok=True)
    replies: dict[str, str] = {}
    if kept.is_file():
        data = kept.read_bytes()
        if data and not data.endswith(b"\n"):  # a run was cut off within a line
            kept.write_bytes(data[: data.rfind(b"\n") + 1])
        replies = {row["key"]: row["reply"] for row in read_jsonl(kept)}
    with open(kept, "a", encoding="utf-8") as out:
        for passage in cli.progress(pieces, unit="passage", desc="asked"):
            question = by_model.prompt(passage, args.per_passage)
            key = hashlib.sha256(f"{chat.settings.model}\n{question}".encode()).hexdigest()
            if key not in replies:
                replies[key] = chat.complete([{"role": "user", "content": question}], temperature=0.3).text
                out.write(json.dumps({"key": key, "reply": replies[key]}, ensure_ascii=False) + "\n")
                out.flush()
            yield from by_model.read_reply(replies[key], passage, args.per_passage)
