"""tiny-rag on the command line; without a command it runs the offline demonstration.

This file only wires: parse, open, call, show. The lesson is in tiny_rag/; `python main.py read` lists it in order.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_shared import UserError, cli

if TYPE_CHECKING:
    from tiny_rag.embedder import Embedder
    from tiny_rag.index import Summary
    from tiny_rag.search import Searcher

HERE = Path(__file__).resolve().parent
READING_PATH = [
    "tiny_rag/chunker.py",
    "tiny_rag/bm25.py",
    "tiny_rag/lsa.py",
    "tiny_rag/hybrid.py",
    "tiny_rag/prompt.py",
    "tiny_rag/citations.py",
    "tiny_rag/answer.py",
]
LARGEST = 1_000_000_000  # of any number on the command line
DEMO_QUESTIONS = [
    "How many steps must I climb on the Lantern Stair?",
    "停电以后，蓄电池能撑多久？",
    "What is the Wi-Fi password in the library?",
]


def demo(args: argparse.Namespace) -> None:
    """Index the sample documents in a temporary folder and answer three questions."""
    with tempfile.TemporaryDirectory() as folder:
        args = parser().parse_args(["index", os.path.relpath(HERE / "sample" / "docs"), "--store", f"{folder}/store"])
        args.embedder = "lsa"
        say("Indexing the sample documents of an invented observatory: PDF, Markdown, HTML, Word and text,")
        say("in English and Chinese, without a network, a key or a model.\n")
        say(summary_text(build_index(args)))
        with open_searcher(args) as searcher:
            from tiny_rag.answer import answer

            for question in DEMO_QUESTIONS:
                say(f"\nQ: {question}")
                result = answer(searcher, question)
                say(f"A: {result.text}")
                for citation in result.citations:
                    say(f"   {citation_text(citation)}")
    say("\nNow your own documents:\n  python main.py index PATH... --store store")
    say('  python main.py ask "your question" --store store')


def index(args: argparse.Namespace) -> None:
    summary = build_index(args)
    cli.show(summary, args.json, lambda: printable(summary_text(summary)))


def search(args: argparse.Namespace) -> None:
    if not args.query.strip():
        raise UserError("the query is empty; search for something")
    with open_searcher(args) as searcher:
        hits = searcher.search(args.query, args.k, args.mode, filters(args.where), args.diversity)
    found = [hit.as_json() for hit in hits]
    cli.show(found, args.json, lambda: printable("\n\n".join(map(hit_text, hits))) or "nothing found")


def ask(args: argparse.Namespace) -> None:
    from tiny_rag.answer import answer

    with open_searcher(args) as searcher:
        stream, show_piece = chat_stream(), lambda piece: None
        if stream and not args.json:
            show_piece = lambda piece: print(printable(piece), end="", flush=True)  # noqa: E731
        result = answer(searcher, args.question, stream, show_piece, args.k, args.mode, args.max_tokens)
    if args.json:
        cli.show(result.as_json(args.trace), True)
        return
    say("" if stream else result.text)
    if stream and result.removed_citations:
        warn(f"the model cited passages that don't exist: {', '.join(map(str, result.removed_citations))}")
    for citation in result.citations:
        say(f"   {citation_text(citation)}")
    if stream and result.found and not result.citations:
        warn("the answer cites no passage: check it yourself")
    if args.trace:
        say("\nRetrieved:\n" + "\n".join(hit_text(hit, 90) for hit in result.hits))
        for message in result.messages:
            say(f"\n--- {message['role']} ---\n{message['content']}")
    elif not stream:
        warn("no chat model is configured (OPENAI_MODEL and OPENAI_API_KEY or OPENAI_BASE_URL): these are quotations")


def evaluate(args: argparse.Namespace) -> None:
    from tiny_rag.answer import answer
    from tiny_rag.evaluation import evaluate as measure
    from tiny_rag.evaluation import read_beir, read_questions
    from tiny_rag.index import built_with

    questions = read_beir(args.beir) if args.beir else read_questions(args.questions)
    if args.beir and not built_with(args.store):
        warn(f"{args.store} holds no index yet: building it from {args.beir / 'corpus.jsonl'}")
        args.paths = [args.beir]
        build_index(args)
    with open_searcher(args) as searcher:
        answerable = [question for question in questions if question.answerable]
        bar = cli.progress_bar("searching", len(answerable), "query")

        def search_one(text: str, k: int) -> Any:
            bar.update()
            return searcher.search(text, k, args.mode)

        with bar:
            result: dict[str, Any] = {"mode": args.mode, **measure(answerable, search_one, args.seed)}
        if len(answerable) < len(questions):
            refused = [not answer(searcher, q.text).found for q in questions if not q.answerable]
            result["unanswerable"] = len(refused)
            result["refused"] = sum(refused)
    cli.show(result, args.json, lambda: evaluation_text(result))


def texts(args: argparse.Namespace) -> None:
    """Each document as one UTF-8 file; the folders below a given folder stay."""
    from tiny_shared.files import atomic_write

    from tiny_rag.readers import Document, read_all

    found: dict[str, list[str]] = {}
    unread = []
    for item in cli.progress(read_all(args.paths), unit="document", desc="reading"):
        if isinstance(item, Document):
            found.setdefault(item.source, []).append(item.text)
        else:
            unread.append({"source": item.source, "reason": item.reason})
    if not found:
        raise UserError("nothing could be read" + "".join(f"; {row['source']}: {row['reason']}" for row in unread[:3]))
    written: dict[str, str] = {}
    for source in found:
        name = text_name(source, args.paths)
        if name in written:
            raise UserError(f"{written[name]} and {source} would both become {name}; give them to two --out")
        written[name] = source
    for name, parts in zip(written, found.values(), strict=True):
        atomic_write(args.out / name, "\n\n".join(parts) + "\n")
    for row in unread:
        warn(f"{row['source']} isn't read: {row['reason']}")
    result = {"out": args.out, "written": {source: name for name, source in written.items()}, "unread": unread}
    cli.show(result, args.json, printable(f"{args.out.as_posix()}: {len(written)} texts"))


def text_name(source: str, given: list[Path]) -> str:
    """Where a document's text goes: its place below the folder that was given, and .txt behind its own suffix."""
    folder = next((path for path in given if path.is_dir() and Path(source).is_relative_to(path)), None)
    place = Path(source).relative_to(folder) if folder else Path(Path(source).name)
    return f"{place.as_posix()}.txt"


def chats(args: argparse.Namespace) -> None:
    """The prompts of `ask` with the right answers, for fine-tuning."""
    from tiny_shared.files import write_jsonl

    from tiny_rag.evaluation import read_questions
    from tiny_rag.lessons import lesson

    questions = read_questions(args.questions)
    rows, found = [], 0
    with open_searcher(args) as searcher:
        for question in cli.progress(questions, unit="question", desc="searching"):
            messages, answered = lesson(question, searcher.search(question.text, args.k, args.mode), args.max_tokens)
            rows.append({"messages": messages})
            found += answered
    write_jsonl(args.out, rows)
    result = {"out": args.out, "chats": len(rows), "answered": found, "refused": len(rows) - found}
    cli.show(result, args.json, f"{args.out.as_posix()}: {len(rows)} chats; in {found} the answer is in the passages, "
             f"in {len(rows) - found} the right answer is that it isn't")  # fmt: skip


def doctor(args: argparse.Namespace) -> None:
    from tiny_rag.doctor import examine

    report = examine(args.store)
    cli.show(report, args.json, lambda: doctor_text(report))
    if report["problems"]:
        raise UserError(f"{len(report['problems'])} problems, see above; index again, or with --rebuild if that fails")


def read(args: argparse.Namespace) -> None:
    cli.print_reading_path(HERE, READING_PATH, args.json)


# ---- opening things ------------------------------------------------------------------------------------------------


def build_index(args: argparse.Namespace) -> "Summary":
    from tiny_rag.index import built_with, update
    from tiny_rag.passages import Chunking
    from tiny_rag.threads import limit_threads
    from tiny_rag.tokenizer_file import load

    if args.threads:
        limit_threads(args.threads)
    find_starts, tokenizer = load(args.tokenizer) if args.tokenizer else (None, "")
    # What isn't said stays as the index was built
    known = None if args.rebuild else built_with(args.store)
    given = {"max_tokens": args.max_tokens, "overlap_tokens": args.overlap_tokens, "tokenizer": tokenizer}
    built = known["chunking"] if known else {}
    if built.get("tokenizer") and not tokenizer:
        raise UserError(f"{args.store} counts tokens with {built['tokenizer']}; name that file with --tokenizer")
    chunking = Chunking(**{**built, **{name: value for name, value in given.items() if value is not None}})

    def watch(items: Any, total: int, what: str) -> Iterator[Any]:
        yield from cli.progress(items, total or None, desc=what)

    name = args.embedder or (known["passport"]["embedder"] if known else "auto")
    embedder = make_embedder(name, args.store / "embeddings.jsonl")
    return update(args.store, args.paths, embedder, chunking, find_starts, args.rebuild, watch)


def open_searcher(args: argparse.Namespace) -> "Searcher":
    from tiny_rag.search import Searcher
    from tiny_rag.threads import limit_threads

    limit_threads(args.threads or 1)  # one query is a small product: more threads only get in each other's way
    return Searcher(args.store, lambda name: make_embedder(name, None))  # who searches writes nothing


def make_embedder(name: str, cache: Path | None) -> "Embedder":
    """ "lsa", "lsa-100", "api", "api:model", or "auto": the server's if one is configured with a model to embed."""
    from tiny_shared.chat import Chat, Settings

    from tiny_rag.embedder import LSA, OpenAICompatible

    settings = Settings.from_env()
    if name == "auto":
        name = "api" if settings.configured and settings.embedding_model else "lsa"
    if topics := re.fullmatch(r"lsa(?:-([1-9]\d{0,3}))?", name):
        return LSA(int(topics[1])) if topics[1] else LSA()
    kind, _, detail = name.partition(":")
    if kind != "api":
        raise UserError(f"unknown embedder {name!r}; choose auto, lsa, lsa-100 (up to 9999) or api:MODEL")
    model = detail or settings.embedding_model
    if not settings.configured or not model:
        raise UserError(
            "the embedder api needs OPENAI_API_KEY or OPENAI_BASE_URL, and a model: OPENAI_EMBEDDING_MODEL or api:MODEL"
        )
    chat = Chat(settings)
    return OpenAICompatible(lambda texts: chat.embed(texts, model), model, cache)


def chat_stream() -> Any:
    """A function from messages to pieces of the answer; None if no chat model is configured."""
    from tiny_shared.chat import Chat, Settings

    settings = Settings.from_env()
    return Chat(settings).stream if settings.configured and settings.model else None


def filters(where: list[str]) -> dict[str, str]:
    wrong = [text for text in where if "=" not in text]
    if wrong:
        raise UserError(f"--where wants field=pattern, such as source='*.md' or page=2 (got {wrong[0]!r})")
    return dict(text.split("=", 1) for text in where)


# ---- showing things ------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(printable(text), flush=True)


def printable(text: str) -> str:
    """Without what a terminal would obey: a document may hold escape sequences."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text)


def warn(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def summary_text(summary: "Summary") -> str:
    lines = [f"{len(summary.read)} files indexed, {summary.unchanged} unchanged, {len(summary.dropped)} dropped"]
    lines += [f"  dropped      {source}" for source in summary.dropped]
    lines += [f"  quarantined  {item['source']}: {item['reason']}" for item in summary.quarantined]
    lines += [f"  note         {item['source']}: {item['note']}" for item in summary.notes]
    if summary.warning:
        lines.append(f"  warning      {summary.warning}")
    lines.append(f"{summary.passages} passages; hybrid search weighs dense {summary.dense_weight:.2f}, BM25 the rest")
    return "\n".join(lines)


def place_text(source: str, page: int | None, heading: list[str]) -> str:
    return source + (f", page {page}" if page is not None else f", {heading[-1]}" if heading else "")


def citation_text(citation: dict[str, Any]) -> str:
    place = place_text(citation["source"], citation["page"], citation["heading"])
    return f"[{citation['number']}] {place} (characters {citation['start']}–{citation['end']})"


def hit_text(hit: Any, width: int = 300) -> str:
    found = hit.as_json()
    text = " ".join(found["text"].split())
    text = text if len(text) <= width else text[: width - 1] + "…"
    place = place_text(found["source"], found["page"], found["heading"])
    return f"{found['rank']}. {found['score']:.3f}  {found['id']}  ({place})\n   {text}"


def evaluation_text(result: dict[str, Any]) -> str:
    lines = [f"{result['queries']} queries, {result['mode']} search; 95 % bootstrap intervals"]
    for name in ("ndcg@10", "recall@10", "mrr@10"):
        low, high = result[f"{name}_interval"]
        lines.append(f"  {name:10} {result[name]:.3f}  [{low:.3f}, {high:.3f}]")
    if "unanswerable" in result:
        lines.append(
            f"  {result['refused']} of {result['unanswerable']} unanswerable questions refused without a model"
        )
    return "\n".join(lines)


def doctor_text(report: dict[str, Any]) -> str:
    lines = [f"{key:10} {value}" for key, value in report["passport"].items()]
    if report["passport"]:  # otherwise it's too damaged to be opened
        lines += [f"{'files':10} {report['files']}", f"{'passages':10} {report['passages']}"]
        lines += [f"{'weights':10} dense {report['dense_weight']:.2f}, BM25 {1 - report['dense_weight']:.2f}"]
    lines += [f"  note      {note}" for note in report["notes"]]
    lines += [f"  problem   {problem}" for problem in report["problems"]] or ["all checks passed"]
    return "\n".join(lines)


# ---- the command line ----------------------------------------------------------------------------------------------


def parser() -> cli.Parser:
    top = cli.Parser(prog="main.py", description="Answers with citations from your own documents, offline.")
    top.set_defaults(run=demo)
    commands = top.add_subparsers(title="commands (none: the demonstration)", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        sub.set_defaults(run=run)
        cli.add_json(sub)
        return sub

    def add_store(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--store", type=Path, required=True, metavar="DIR", help="the folder of the index")

    def add_threads(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--threads", type=positive, help="for matrix products (default: all to index, 1 to search)")

    def add_building(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--embedder", help="auto, lsa, lsa-100, api or api:MODEL (default: auto)")
        sub.add_argument("--max-tokens", type=positive, help="size of a chunk (default: 400)")
        sub.add_argument("--overlap-tokens", type=natural, help="shared by neighbours (default: 40)")
        sub.add_argument("--tokenizer", type=Path, metavar="FILE", help="count tokens as this tokenizer.json does")
        sub.add_argument("--rebuild", action="store_true", help="forget what is there and build the index anew")

    def add_mode(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--mode", choices=["hybrid", "dense", "bm25"], default="hybrid")

    sub = command("index", index, "read, cut and index files; again: only what changed")
    sub.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file, folder, glob, or BEIR folder")
    add_store(sub)
    add_threads(sub)
    add_building(sub)

    sub = command("search", search, "find passages")
    sub.add_argument("query")
    add_store(sub)
    add_threads(sub)
    sub.add_argument("-k", type=positive, default=5, help="how many passages (default: 5)")
    add_mode(sub)
    sub.add_argument("--where", action="append", default=[], metavar="FIELD=PATTERN", help="such as source='*.md'")
    sub.add_argument("--diversity", type=share, default=0.0, help="0 to 1: prefer passages that differ (MMR)")

    sub = command("ask", ask, "answer a question with citations, or say that the documents don't")
    sub.add_argument("question")
    add_store(sub)
    add_threads(sub)
    sub.add_argument("-k", type=positive, default=6, help="how many passages to answer from (default: 6)")
    add_mode(sub)
    sub.add_argument("--max-tokens", type=positive, default=3000, help="of the prompt (default: 3000)")
    sub.add_argument("--trace", action="store_true", help="show what was retrieved and the exact prompt")

    sub = command("eval", evaluate, "measure recall, MRR and nDCG on questions with known answers")
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--beir", type=Path, metavar="DIR", help="folder with corpus.jsonl, queries.jsonl, qrels/test.tsv"
    )
    source.add_argument("questions", nargs="?", type=Path, metavar="QUESTIONS.jsonl")
    add_store(sub)
    add_threads(sub)
    add_mode(sub)
    add_building(sub)
    cli.add_seed(sub)

    sub = command("texts", texts, "write documents as plain text, for programs that read nothing else")
    sub.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file, folder or glob")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")

    sub = command("chats", chats, "write the prompts of `ask` with the right answers, to fine-tune a model on")
    sub.add_argument("questions", type=Path, metavar="QUESTIONS.jsonl", help="as `eval` reads them, with answers")
    add_store(sub)
    add_threads(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")
    sub.add_argument("-k", type=positive, default=6, help="how many passages (default: 6)")
    add_mode(sub)
    sub.add_argument("--max-tokens", type=positive, default=3000, help="of the prompt (default: 3000)")

    sub = command("doctor", doctor, "check an index and show how it was built")
    add_store(sub)
    command("read", read, "list the files to read, in order")
    return top


def positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {LARGEST} (got {text!r})")
    return int(text)


def natural(text: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {LARGEST} (got {text!r})")
    return int(text)


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1 (got {text!r})")
    return value


def user_errors() -> tuple[type[Exception], ...]:
    """The core's exceptions that the user can put right."""
    from tiny_rag.durable import StoreError
    from tiny_rag.evaluation import EvaluationProblem
    from tiny_rag.index import IndexProblem
    from tiny_rag.passages import ChunkingProblem
    from tiny_rag.prompt import PromptProblem
    from tiny_rag.readers import ReadError
    from tiny_rag.tokenizer_file import TokenizerProblem

    return StoreError, EvaluationProblem, IndexProblem, ChunkingProblem, PromptProblem, ReadError, TokenizerProblem


if __name__ == "__main__":
    sys.exit(cli.run(parser(), user_errors=user_errors()))
