"""The command line: every sub-command once as a real process, then its arguments and errors inside this one."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_shared import cli
from tiny_shared.testing import FakeServer
from tokenizers import Tokenizer, models, pre_tokenizers

import main
from tiny_rag import threads
from tiny_rag.prompt import NOT_FOUND

TRACK = Path(main.__file__).parent
SAMPLE = TRACK / "sample"
VARIABLES = "OPENAI_API_KEY OPENAI_BASE_URL OPENAI_MODEL OPENAI_EMBEDDING_MODEL".split()
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and pipes")
SEARCH_KEYS = {"rank", "score", "id", "source", "start", "end", "text"}


def environment(**extra):
    return {key: value for key, value in os.environ.items() if key not in VARIABLES} | extra


def process(*arguments, **options):
    """`python main.py ARGUMENTS` as a user runs it; stdout and stderr as UTF-8."""
    command = [sys.executable, str(TRACK / "main.py"), *map(str, arguments)]
    options = {"env": environment(), "capture_output": True, "timeout": 120, "encoding": "utf-8"} | options
    return subprocess.run(command, **options)


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def call(capfd):
    """main.py inside this process, which saves its start: exit code, stdout, stderr."""

    def call(*arguments):
        code = cli.run(main.parser(), [str(argument) for argument in arguments], main.user_errors())
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def ok(call):
    """The JSON that a command prints, which must succeed and print nothing else."""

    def ok(*arguments):
        code, out, err = call(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return ok


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The sample documents, indexed by a real process."""
    store = tmp_path_factory.mktemp("main") / "store"
    done = process("index", SAMPLE / "docs", "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["read"]) == 8
    return store


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "stair.txt").write_text("The Lantern Stair has 312 steps and a lantern on every twelfth step.", "utf-8")
    (folder / "mirror.md").write_text("# The Wren\n\nIts mirror weighs 31 kilograms. It was cast by hand.\n", "utf-8")
    return folder


@pytest.fixture
def beir(tmp_path):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    texts = {"d1": "The stair has 312 steps.", "d2": "The mirror weighs 31 kilograms.", "第三": "石阶三百一十二级。"}
    rows = [json.dumps({"_id": id, "title": "", "text": text}) for id, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(rows), "utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "How heavy is the mirror?"}\n', "utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n", "utf-8")
    return folder


def beheaded(text):
    """One error line: what is wrong; what to do next."""
    assert re.fullmatch(r"error: [^\n]+\n", text), text
    return text


# ---- every sub-command, as a process -------------------------------------------------------------------------------


def test_search_as_a_process(store):
    done = process("search", "How many steps must I climb on the Lantern Stair?", "--store", store, "-k", 3, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [hit["rank"] for hit in found] == [1, 2, 3]
    assert all(hit.keys() >= SEARCH_KEYS for hit in found)
    assert [hit["score"] for hit in found] == sorted((hit["score"] for hit in found), reverse=True)
    assert len({hit["id"] for hit in found}) == 3
    assert "312 steps" in found[0]["text"] and found[0]["end"] - found[0]["start"] == len(found[0]["text"])


def test_ask_as_a_process_in_a_locale_without_chinese(store):
    env = environment(LC_ALL="C", PYTHONIOENCODING="ascii")
    done = process("ask", "停电以后，蓄电池能撑多久？", "--store", store, env=env)
    assert done.returncode == 0, done.stderr
    assert "二十二分钟" in done.stdout and "值班手册.docx, 三、停电怎么办" in done.stdout
    assert re.fullmatch("note: no chat model is configured .*\n", done.stderr)


def test_eval_as_a_process(store):
    done = process("eval", SAMPLE / "questions.jsonl", "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    for name in ("ndcg@10", "recall@10", "mrr@10"):
        low, high = result[f"{name}_interval"]
        assert 0.9 < result[name] <= 1 and low <= result[name] <= high
    assert (result["queries"], result["unanswerable"], result["mode"]) == (34, 6, "hybrid")
    assert 2 <= result["refused"] <= 6


def test_doctor_and_read_as_processes(store):
    done = process("doctor", "--store", store, "--json")
    assert (done.returncode, json.loads(done.stdout)["problems"]) == (0, [])
    done = process("read", "--json", cwd=store)
    rows = json.loads(done.stdout)
    assert [row["file"] for row in rows["files"]] == main.READING_PATH
    assert all(row["about"] for row in rows["files"])


def test_help_reads_no_documents_library():
    """`--help` must be quick, so what only a command needs is imported by the command."""
    code = (
        "import runpy, sys; sys.argv = ['main.py', '--help']\n"
        "try: runpy.run_path('main.py', run_name='__main__')\n"
        "except SystemExit as stop: print('exit', stop.code, sorted({'jieba', 'openai', 'pypdf', 'docx', 'torch', "
        "'bs4', 'markdown', 'tokenizers', 'snowballstemmer', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TRACK, capture_output=True, encoding="utf-8", timeout=60)
    assert done.stdout.splitlines()[-1] == "exit 0 []", done.stdout + done.stderr
    for name in ("index", "search", "ask", "eval", "doctor", "read"):
        assert re.search(rf"^ +{name} +\S", done.stdout, re.M)


# ---- index ---------------------------------------------------------------------------------------------------------


def test_index_again_reads_only_what_changed(call, ok, docs, tmp_path):
    store = tmp_path / "store"
    code, out, _ = call("index", docs, "--store", store)
    assert code == 0 and out.startswith("2 files indexed, 0 unchanged, 0 dropped\n")
    code, out, _ = call("index", docs, "--store", store)
    assert code == 0 and out.startswith("0 files indexed, 2 unchanged, 0 dropped\n")
    (docs / "stair.txt").write_text("The Lantern Stair has 313 steps now, because one was added.", "utf-8")
    (docs / "mirror.md").unlink()
    summary = ok("index", docs, "--store", store)
    assert [Path(source).name for source in summary["read"]] == ["stair.txt"]
    assert [Path(source).name for source in summary["dropped"]] == ["mirror.md"]
    found = ok("search", "How many steps has the stair? mirror", "--store", store)
    assert len(found) == 1 and "313" in found[0]["text"]


def test_what_is_quarantined_is_named_and_the_rest_indexed(call, ok, docs, tmp_path):
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing follows")
    (docs / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, out, _ = call("index", docs, "--store", tmp_path / "store")
    assert code == 0
    assert re.search(r"^  quarantined  \S*broken\.pdf: \S", out, re.M)
    assert re.search(r"^  quarantined  \S*picture\.png: unsupported format", out, re.M)
    assert len(ok("search", "steps mirror", "--store", tmp_path / "store")) == 2


def test_nothing_indexed_is_an_error_and_no_index(call, tmp_path, docs):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "blank.txt").write_text(" \n", "utf-8")
    (bad / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing follows")
    store = tmp_path / "store"
    code, out, err = call("index", bad, "--store", store, "--json")
    assert (code, out) == (2, "")
    assert "blank.txt: only white space" in beheaded(err) and "broken.pdf" in err
    code, _, err = call("search", "x", "--store", store)
    assert code == 2 and "holds no index yet" in beheaded(err)
    assert call("index", docs, "--store", store, "--embedder", "lsa-3")[0] == 0, "the failure must leave no trace"


def test_a_store_inside_the_folder_is_not_indexed(ok, docs):
    for unchanged in (0, 2):
        summary = ok("index", docs, "--store", docs / "store")
        assert (len(summary["read"]), summary["unchanged"], summary["quarantined"]) == (2 - unchanged, unchanged, [])


def test_a_beir_folder_is_its_corpus(ok, call, beir, tmp_path):
    summary = ok("index", beir, "--store", tmp_path / "store")
    assert [Path(source).name for source in summary["read"]] == ["corpus.jsonl"]
    assert summary["passages"] == 3
    (hit,) = ok("search", "石阶有几级", "--store", tmp_path / "store", "--mode", "bm25")
    assert hit["id"] == "第三"
    result = ok("eval", "--beir", beir, "--store", tmp_path / "store")
    assert (result["ndcg@10"], result["recall@10"], result["mrr@10"], result["queries"]) == (1.0, 1.0, 1.0, 1)


def test_eval_of_a_beir_folder_builds_the_index_if_there_is_none(call, beir, tmp_path):
    code, out, err = call("eval", "--beir", beir, "--store", tmp_path / "new", "--json", "--mode", "bm25")
    assert code == 0 and json.loads(out)["mode"] == "bm25"
    assert "building it from" in err


def test_options_of_index_change_the_index(ok, docs, tmp_path):
    store = tmp_path / "store"
    long = " ".join(f'Step {n}, of the Lantern Stair: (it) "carries" a lantern.' for n in range(60))
    (docs / "long.txt").write_text(long, "utf-8")
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "words.json"))

    def indexed(*options):
        summary = ok("index", docs, "--store", store, "--rebuild", *options)
        return summary["passages"], ok("doctor", "--store", store)["passport"]

    default, passport = indexed()
    assert passport["embedder"] == "lsa-200" and "400 tokens, 40 overlapping" in passport["chunker"]
    small, passport = indexed("--max-tokens", 60, "--overlap-tokens", 0)
    assert small > default and "60 tokens, 0 overlapping" in passport["chunker"]
    assert indexed("--max-tokens", 60, "--overlap-tokens", 40)[0] > small
    by_words, passport = indexed("--max-tokens", 60, "--overlap-tokens", 0, "--tokenizer", tmp_path / "words.json")
    assert by_words < small and "words.json" in passport["chunker"]
    assert indexed("--embedder", "lsa-3")[1]["embedder"] == "lsa-3"


def test_an_index_built_differently_is_refused_and_stays_usable(call, ok, docs, tmp_path):
    store = tmp_path / "store"
    ok("index", docs, "--store", store)
    for options in (["--max-tokens", "50"], ["--embedder", "lsa-7"]):
        code, out, err = call("index", docs, "--store", store, *options)
        assert (code, out) == (2, "")
        assert "--rebuild" in beheaded(err) and "you asked for" in err
    assert ok("search", "mirror", "--store", store)


def test_threads(call, docs, tmp_path, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(threads, "limit_threads", asked.append)
    store = tmp_path / "store"
    assert call("index", docs, "--store", store)[0] == 0
    assert asked == [], "building may use every core"
    assert call("index", docs, "--store", store, "--threads", 2)[0] == 0
    assert call("search", "steps", "--store", store)[0] == 0
    assert call("search", "steps", "--store", store, "--threads", 3)[0] == 0
    assert asked == [2, 1, 3]


# ---- search and ask ------------------------------------------------------------------------------------------------


def test_options_of_search_change_the_result(ok, store):
    def found(*options):
        return [
            (hit["id"], hit["score"]) for hit in ok("search", "When does the gate open?", "--store", store, *options)
        ]

    default = found()
    assert len(default) == 5
    assert found("-k", 2) == default[:2]
    assert len({tuple(found("--mode", mode)) for mode in ("hybrid", "dense", "bm25")}) == 3
    assert found("--mode", "hybrid") == default
    assert found("--diversity", 1) != default
    for pattern, suffix in [("source=*.md", ".md"), ("source=*.pdf", ".pdf")]:
        hits = ok("search", "When does the gate open?", "--store", store, "--where", pattern)
        assert hits and all(hit["source"].endswith(suffix) for hit in hits)
    pages = ok("search", "gate", "--store", store, "--where", "source=*.pdf", "--where", "page=2")
    assert pages and all(hit["page"] == 2 for hit in pages)
    assert found("--where", "source=nothing") == []


def test_documents_as_texts(call, docs, tmp_path):
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (docs / "below").mkdir()
    (docs / "below" / "old.txt").write_bytes("灯塔由陈师傅看守，每晚七点点灯。".encode("gb18030"))
    code, out, err = call("texts", docs, "--out", tmp_path / "texts", "--json")
    told = json.loads(out)
    assert code == 0 and [row["source"].rsplit("/", 1)[1] for row in told["unread"]] == ["broken.pdf"]
    assert "broken.pdf isn't read" in err
    files = {path.relative_to(tmp_path / "texts").as_posix() for path in (tmp_path / "texts").rglob("*.txt")}
    assert files == set(told["written"].values()) and "below/old.txt.txt" in files and "stair.txt.txt" in files
    assert (tmp_path / "texts" / "below" / "old.txt.txt").read_text(encoding="utf-8").startswith("灯塔由陈师傅看守")
    (docs / "below" / "stair.txt").write_text("Another stair, with the same name.", "utf-8")
    code, _, err = call("texts", docs / "stair.txt", docs / "below" / "stair.txt", "--out", tmp_path / "two")
    assert code == 2 and "would both become stair.txt.txt" in beheaded(err)
    code, _, err = call("texts", docs / "broken.pdf", "--out", tmp_path / "none")
    assert code == 2 and "nothing could be read" in beheaded(err) and not (tmp_path / "none").exists()


def test_chats_to_learn_from(ok, call, store, tmp_path):
    out = tmp_path / "chats.jsonl"
    told = ok("chats", SAMPLE / "questions.jsonl", "--store", store, "--out", out, "-k", 3)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    asked = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert told["chats"] == len(rows) == len(asked) and told["answered"] + told["refused"] == len(rows)
    assert told["answered"] > len(rows) / 2 and told["refused"] >= sum(not row["answerable"] for row in asked) > 0
    answered = 0
    for question, row in zip(asked, rows, strict=True):
        _system, user, said = row["messages"]
        assert [each["role"] for each in row["messages"]] == ["system", "user", "assistant"]
        assert question["question"] in user["content"]
        match = re.fullmatch(r"(.*) \[(\d)\]", said["content"], re.DOTALL)
        if match is None:
            assert said["content"] in NOT_FOUND.values()
            continue
        answered += 1
        (passage,) = re.findall(rf"number={match[2]} [^\n]*\n(.*?)\n</passage", user["content"], re.DOTALL)
        squeezed = re.sub(r"\s+", "", passage.replace("\n| ", "\n"))
        assert question["answerable"] and match[1] == question["answers"][0]
        assert any(re.sub(r"\s+", "", each["quote"]) in squeezed for each in question["relevant"])
    assert answered == told["answered"]
    bare = tmp_path / "bare.jsonl"
    bare.write_text('{"question": "How many steps?", "relevant": [{"source": "a", "quote": "b"}]}\n')
    code, _, err = call("chats", bare, "--store", store, "--out", tmp_path / "none")
    assert code == 2 and 'has no "answers"' in beheaded(err) and not (tmp_path / "none").exists()


def test_the_seed_changes_the_intervals(ok, store):
    def measured(seed):
        return ok("eval", SAMPLE / "questions.jsonl", "--store", store, "--mode", "dense", "--seed", seed)

    first, *others = [measured(seed) for seed in (1, 2, 3)]
    assert first == measured(1)
    assert [other["ndcg@10"] for other in others] == [first["ndcg@10"]] * 2
    assert others != [first] * 2


def test_trace_shows_what_was_found_and_asked(call, ok, store, monkeypatch):
    code, out, _ = call("ask", "How many steps has the Lantern Stair?", "--store", store, "--trace", "-k", 2)
    assert code == 0 and re.search(r"Retrieved:\n1\. ", out) and "\n2. " in out and "\n3. " not in out
    with FakeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_MODEL", "tiny-chat")
        server.replies = ["312 [1]."] * 2
        traced = ok("ask", "How many steps has the Lantern Stair?", "--store", store, "--trace", "-k", 2)
        assert traced["messages"] == server.requests[0].body["messages"]
        assert [passage["rank"] for passage in traced["passages"]] == [1, 2]
        _, out, _ = call("ask", "How many steps has the Lantern Stair?", "--store", store, "--trace")
        assert "--- system ---\nYou answer" in out and "--- user ---\nPassages:" in out


def test_ask_a_model(call, ok, store, monkeypatch):
    question = "How many steps has the Lantern Stair?"
    with FakeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_MODEL", "tiny-chat")
        server.replies = ["It has 312 steps [1]."]
        code, out, err = call("ask", question, "--store", store)
        assert (code, err) == (0, "")
        answer, citation, rest = out.split("\n")
        assert answer == "It has 312 steps [1]." and rest == ""
        assert re.fullmatch(r" +\[1\] \S*visitor-handbook\.pdf, page \d \(characters \d+–\d+\)", citation)
        server.replies = ["It has 312 steps [1][99]."]
        assert "passages that don't exist: 99" in call("ask", question, "--store", store)[2]
        server.replies = ["It has 312 steps [1][99]."]
        found = ok("ask", question, "--store", store)
        assert (found["answer"], found["method"], found["removed_citations"]) == (
            "It has 312 steps [1].",
            "model",
            [99],
        )
        server.replies = ["NOT IN THE DOCUMENTS"]
        assert ok("ask", question, "--store", store)["found"] is False


def test_a_server_that_fails_prints_no_answer(call, store, monkeypatch):
    question = "How many steps has the Lantern Stair?"
    with FakeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_MODEL", "tiny-chat")
        server.faults = ["401", "html", "cut"]
        server.replies = ["The Lantern Stair has 312 steps [1]. " * 20]
        for advice in ("check OPENAI_API_KEY", "check OPENAI_BASE_URL"):
            code, out, err = call("ask", question, "--store", store)
            assert (code, out) == (2, "") and advice in beheaded(err)
        code, out, err = call("ask", question, "--store", store, "--json")
        assert (code, out) == (2, "") and "try again" in beheaded(err)
        server.faults = ["cut"]
        server.replies = ["The Lantern Stair has 312 steps [1]. " * 20]
        code, out, err = call("ask", question, "--store", store)
        assert code == 2 and "error: " in err
        assert "characters" not in out, "half an answer is followed by no citations"


def test_embeddings_from_a_server(call, ok, docs, tmp_path, monkeypatch):
    store = tmp_path / "store"
    with FakeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_EMBEDDING_MODEL", "tiny-embed")
        ok("index", docs, "--store", store)
        assert ok("doctor", "--store", store)["passport"]["embedder"] == "api:tiny-embed"
        assert "31 kilograms" in ok("search", "mirror kilograms", "--store", store, "--mode", "dense")[0]["text"]
    monkeypatch.delenv("OPENAI_BASE_URL")
    code, out, err = call("search", "a query never asked", "--store", store)
    assert (code, out) == (2, "") and "OPENAI_BASE_URL" in beheaded(err)
    assert ok("search", "mirror", "--store", store, "--mode", "bm25"), "keywords need no server"
    code, _, err = call("index", docs, "--store", store, "--embedder", "lsa")
    assert code == 2 and "api:tiny-embed" in beheaded(err) and "--rebuild" in err


# ---- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("search x --store {new}", "build one with: python main.py index"),
        ("ask x --store {new}", "build one with"),
        ("doctor --store {new}", "build one with"),
        ("eval {questions} --store {new}", "build one with"),
        ("index {new} --store {new}2", "no such file or folder; check the spelling"),
        ("index {new}/*.md --store {new}2", "no file matches this pattern"),
        ("index {docs} --store {questions}", "a store needs a folder"),
        ("index {docs} --store {new} --embedder api", "OPENAI_API_KEY or OPENAI_BASE_URL"),
        ("index {docs} --store {new} --embedder word2vec", "choose auto, lsa"),
        ("index {docs} --store {new} --embedder lsa-0", "choose auto, lsa"),
        ("index {docs} --store {new} --tokenizer {questions}", "is no tokenizer.json"),
        ("index {docs} --store {new} --tokenizer {new}", "no such file or folder"),
        ("index {docs} --store {new} --max-tokens 0", "must be a whole number from 1 to 1000000000 (got '0')"),
        ("index {docs} --store {new} --overlap-tokens -1", "--overlap-tokens"),
        ("index {docs} --store {new} --max-tokens 40 --overlap-tokens 40", "overlap"),
        ("index {docs} --store {new} --threads none", "must be a whole number from 1 to 1000000000 (got 'none')"),
        ("index --store {new}", "PATH"),
        ("index {docs}", "--store"),
        ("search x --store {store} -k 0", "must be a whole number from 1 to 1000000000 (got '0')"),
        ("search x --store {store} -k 2.5", "(got '2.5')"),
        ("search x --store {store} --mode magic", "'hybrid', 'dense', 'bm25'"),
        ("search x --store {store} --where source", "field=pattern"),
        ("search x --store {store} --diversity 2", "a number from 0 to 1 (got '2')"),
        ("search x --store {store} --diversity nan", "a number from 0 to 1 (got 'nan')"),
        ("eval --store {store}", "--beir"),
        ("eval {new} --store {store}", "no such file or folder"),
        ("eval {docs}/stair.txt --store {store}", "stair.txt:1: not a JSON object"),
        ("eval --beir {docs} --store {store}", "test.tsv"),
        ("eval {questions} --beir {docs} --store {store}", "not allowed with"),
        ("eval {questions} --store {store} --seed -1", "--seed"),
        ("texts {new} --out {new}", "no such file or folder"),
        ("chats {new} --store {store} --out {new}", "no such file or folder"),
        ("fly --store {store}", "fly"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(call, docs, store, tmp_path, command, says):
    places = {"new": tmp_path / "new", "docs": docs, "store": store, "questions": SAMPLE / "questions.jsonl"}
    code, out, err = call(*(part.format(**places) for part in command.split()))
    assert (code, out) == (2, "")
    assert says in beheaded(err)
    assert [path.name for path in tmp_path.iterdir()] == ["docs"], "half an index was left behind"


def test_a_prompt_that_cannot_hold_the_question_is_the_users_to_change(call, store, monkeypatch):
    with FakeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_MODEL", "tiny-chat")
        code, out, err = call("ask", "How many steps?", "--store", store, "--max-tokens", 10)
        assert (code, out) == (2, "") and "the limit is 10" in beheaded(err)
        code, out, err = call("ask", " ", "--store", store)
        assert (code, out) == (2, "") and "question is empty" in beheaded(err)
        assert server.requests == []


def test_an_empty_question_is_refused_without_a_model_too(call, store):
    code, out, err = call("ask", " ", "--store", store)
    assert (code, out) == (2, "") and "question is empty" in beheaded(err)


def test_a_questions_file_in_another_encoding(call, store):
    code, out, err = call("eval", SAMPLE / "docs" / "常见问题.txt", "--store", store)
    assert (code, out) == (2, "") and "UTF-8" in beheaded(err)


def test_a_damaged_index_is_named_by_the_doctor(call, docs, tmp_path):
    store = tmp_path / "store"
    assert call("index", docs, "--store", store)[0] == 0
    (terms,) = store.glob("file-*-terms.npz")
    data = terms.read_bytes()
    terms.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    code, out, err = call("doctor", "--store", store)
    assert code == 2 and terms.name in out + err and "index" in beheaded(err)
    (store / "manifest.json").write_text("{}", "utf-8")
    code, out, err = call("doctor", "--store", store)
    assert code == 2 and "manifest.json" in out and "--rebuild" in beheaded(err)
    code, out, err = call("search", "x", "--store", store)
    assert (code, out) == (2, "") and "manifest.json" in beheaded(err)


def test_the_doctor_fails_if_it_finds_a_problem(call, store, monkeypatch):
    monkeypatch.setattr("tiny_rag.doctor.ANALYSER", "en-porter 0")
    code, out, err = call("doctor", "--store", store)
    assert code == 2 and re.search(r"^  problem   built with analyser .*--rebuild$", out, re.M)
    assert "index again" in beheaded(err)
    code, out, err = call("doctor", "--store", store, "--json")
    assert (code, len(json.loads(out)["problems"])) == (2, 1)


def test_debug_shows_the_traceback(call, tmp_path):
    code, _, err = call("search", "x", "--store", tmp_path / "new", "--debug")
    assert code == 2 and err.startswith("Traceback") and "IndexProblem" in err


# ---- signals, pipes, full disks ------------------------------------------------------------------------------------


@POSIX
def test_ctrl_c_while_indexing_leaves_the_old_index(call, ok, docs, tmp_path, monkeypatch):
    """The server never answers for the new file, so the signal surely comes in the middle."""
    store = tmp_path / "store"
    with FakeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_EMBEDDING_MODEL", "tiny-embed")
        ok("index", docs, "--store", store)
        (docs / "new.txt").write_text("A quetzal was seen at the gate.", "utf-8")
        asked = len(server.requests)
        server.faults = ["stall"]
        command = [sys.executable, str(TRACK / "main.py"), "index", str(docs), "--store", str(store)]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        give_up = time.monotonic() + 60
        while len(server.requests) == asked and running.poll() is None and time.monotonic() < give_up:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out) == (130, "")
        assert "stopped; run the same command again" in err and "Traceback" not in err
        assert ok("doctor", "--store", store)["problems"] == []
        assert ok("search", "mirror", "--store", store, "--mode", "bm25")
        assert ok("search", "quetzal", "--store", store, "--mode", "bm25") == []
        assert len(ok("index", docs, "--store", store)["read"]) == 1
        assert ok("search", "quetzal", "--store", store, "--mode", "bm25")


@POSIX
def test_a_reader_that_leaves_is_no_error(store):
    command = [sys.executable, str(TRACK / "main.py"), "search", "steps", "--store", str(store), "-k", "20"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert running.stdout and running.stderr
    running.stdout.close()
    assert (running.wait(60), running.stderr.read()) == (141, b"")
    running.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk(store):
    with open("/dev/full", "wb") as full:
        done = process("search", "steps", "--store", store, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert "no space left on the disk" in beheaded(done.stderr)
