"""nDCG@10 of keyword, dense and hybrid search beside bm25s, with all the defaults of the command line.

bm25s cuts words its own way: English with its stop words and PyStemmer's Snowball stems, Chinese with jieba. The last
row of a collection sets the hybrid beside its better leg, query by query: the mean difference, its 95% interval and p
from 10,000 paired bootstrap resamples. `--data DIR`: every BEIR collection (`corpus.jsonl`, `queries.jsonl`,
`qrels/test.tsv`) under that folder. Without it a made-up collection shows that the command works, and nothing more.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bm25s
import jieba
import numpy as np
import Stemmer
from tiny_shared.benchmarks import Row, command

from benchmarks.significance import paired_bootstrap
from benchmarks.texts import documents, keyword_queries
from tiny_rag.analysis import private_cache_folder
from tiny_rag.embedder import LSA
from tiny_rag.evaluation import DEPTH, Question, gains_of, ndcg, read_beir
from tiny_rag.index import update
from tiny_rag.passages import Chunking
from tiny_rag.search import MODES, Searcher

MADE_UP_TEXTS, MADE_UP_QUERIES = 300, 60


def run(data: Path | None = None, scale: float = 1.0) -> list[Row]:
    """Every query of every collection; `scale` below 1 takes only the first queries of each."""
    rows: list[Row] = []
    with folder_of_collections(data) as folder:
        for collection in sorted(path.parent.parent for path in folder.rglob("qrels/test.tsv")):
            questions = read_beir(collection)
            asked = questions[: max(int(len(questions) * scale), 1)]
            rows += compared(collection, asked, command("tiny-rag", "quality", data))
    if not rows:
        raise FileNotFoundError(f"no BEIR collection (corpus.jsonl, queries.jsonl, qrels/test.tsv) under {data}")
    return rows


def compared(collection: Path, questions: Sequence[Question], command: str) -> Iterator[Row]:
    what = f"{collection.name}, {len(questions):,} queries"
    theirs = float(np.mean(scores_of_bm25s(collection / "corpus.jsonl", questions)))
    ours = {}
    with tempfile.TemporaryDirectory() as folder:
        update(Path(folder), [collection / "corpus.jsonl"], LSA(), Chunking())
        searcher = Searcher(folder)
        for mode in reversed(MODES):
            ours[mode] = np.array([score(question, searcher, mode) for question in questions])
            mean = float(ours[mode].mean())
            peer = f"bm25s {bm25s.__version__}: {theirs:.4f}"
            yield Row(f"{what}: {mode}", f"{mean:.4f}", peer, times(mean, theirs), command)
        searcher.store.close()
    leg = max(("bm25", "dense"), key=lambda mode: float(ours[mode].mean()))
    difference, low, high, p = paired_bootstrap(ours["hybrid"] - ours[leg])
    yield Row(
        f"{what}: hybrid beside its better leg ({difference:+.4f}, 95% {low:+.4f} to {high:+.4f}, p = {p:.2g})",
        f"{ours['hybrid'].mean():.4f}",
        f"our {leg}: {ours[leg].mean():.4f}",
        times(float(ours["hybrid"].mean()), float(ours[leg].mean())),
        command,
    )


def times(ours: float, theirs: float) -> str:
    """The ratio as it is printed; a peer that found nothing has none."""
    return f"{ours / theirs:.3f}×" if theirs else "–"


def score(question: Question, searcher: Searcher, mode: str) -> float:
    gains, _ = gains_of(question, searcher.search(question.text, DEPTH, mode))
    return ndcg(gains, list(question.gains.values()))


def scores_of_bm25s(corpus: Path, questions: Sequence[Question]) -> list[float]:
    """nDCG@10 of each question by bm25s, title and text of each record indexed together."""
    with open(corpus, encoding="utf-8") as file:
        records = [json.loads(line) for line in file if line.strip()]
    texts = [f"{record.get('title', '')}\n{record['text']}" for record in records]
    words_of = tokenizer_for(texts)
    peer = bm25s.BM25(method="lucene", backend="numpy")
    peer.index(words_of(texts), show_progress=False)
    queries = words_of([question.text for question in questions])
    rows_QK, _ = peer.retrieve(queries, k=min(DEPTH, len(records)), show_progress=False)
    scores = []
    for question, rows in zip(questions, rows_QK, strict=True):
        gains = [question.gains.get(str(records[row]["_id"]), 0.0) for row in rows]
        scores.append(ndcg(gains, list(question.gains.values())))
    return scores


def tokenizer_for(texts: Sequence[str]) -> Callable[[Sequence[str]], list[list[str]]]:
    """The words that bm25s gets, by the language of most characters."""
    sample = "".join(texts[:100])
    if sum("\u4e00" <= character <= "\u9fff" for character in sample) > len(sample) / 3:
        jieba.setLogLevel("ERROR")
        jieba.dt.tmp_dir = str(private_cache_folder())
        return lambda texts: [[word for word in jieba.lcut(text) if word.strip()] for text in texts]
    stemmer = Stemmer.Stemmer("english")
    return lambda texts: bm25s.tokenize(
        list(texts), stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
    )


@contextmanager
def folder_of_collections(data: Path | None) -> Iterator[Path]:
    """`data`, or else a folder with one made-up collection: texts, and words of one of them as each query."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory() as folder:
        collection = Path(folder) / "made-up"
        (collection / "qrels").mkdir(parents=True)
        texts = documents(MADE_UP_TEXTS)
        queries = keyword_queries(texts, MADE_UP_QUERIES)
        words = [set(text.split()) for text in texts]
        answers = [next(row for row, held in enumerate(words) if held >= set(query.split())) for query in queries]
        write_rows(collection / "corpus.jsonl", texts)
        write_rows(collection / "queries.jsonl", queries)
        lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{answer}\t1" for query, answer in enumerate(answers))]
        (collection / "qrels" / "test.tsv").write_text("\n".join(lines), encoding="utf-8")
        yield Path(folder)


def write_rows(path: Path, texts: Sequence[str]) -> None:
    rows = (json.dumps({"_id": str(number), "title": "", "text": text}) for number, text in enumerate(texts))
    path.write_text("\n".join(rows), encoding="utf-8")
