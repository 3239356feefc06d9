"""Corpora come over HTTP as the catalogue says, survive a cut, are checked the second time, and read as documents."""

import json
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

import pytest
from tiny_shared.download import DownloadError, download, hub_url
from tiny_shared.testing import FakeServer

from tiny_llama3.corpora import CORPORA, GITHUB_FILES, download_corpus
from tiny_llama3.documents import read_documents
from tiny_llama3.problem import Problem
from tiny_llama3.shards import Shards, prepare
from tiny_llama3.tokenizer import Tokenizer

STORIES = [f"Once there was a cat.\nIt had {number} hats." for number in range(3_000)]
MARKED = {
    "TinyStoriesV2-GPT4-train.txt": "\n<|endoftext|>\n".join(STORIES[1:]) + "\n<|endoftext|>\n",
    "TinyStoriesV2-GPT4-valid.txt": STORIES[0],
}
PLAY = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\n" * 20
POEM = {"author": "李白", "title": "靜夜思", "paragraphs": ["牀前明月光，疑是地上霜。", "舉頭望明月，低頭思故鄉。"]}


def content_of(name, file):
    if name == "tang":
        rows = [POEM | {"paragraphs": [*POEM["paragraphs"], file]}, POEM | {"paragraphs": []}]
        return json.dumps(rows, ensure_ascii=False, indent=2).encode()
    return (PLAY if name == "tinyshakespeare" else MARKED[file]).encode()


@pytest.fixture
def server():
    """It has every file of every corpus, under the paths of GitHub and of the hub."""
    with FakeServer() as server:
        for corpus in CORPORA.values():
            for file in corpus.files:
                path = f"{corpus.repo}/master/{file}"
                if corpus.host == "hub":
                    path = f"datasets/{corpus.repo}/resolve/main/{file}"
                server.files[path] = content_of(corpus.name, file)
        yield server


@pytest.fixture
def get(server, tmp_path, monkeypatch):
    """Download as main.py does, from the loopback server, without the waiting between attempts."""
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/files")

    def fetch(url, path, licence):
        download(url, path, licence=licence, sleep=lambda seconds: None, timeout=5)

    def get(name, folder="data"):
        return download_corpus(name, tmp_path / folder, fetch, hub, base=f"{server.url}/files/")

    return get


def hub(repo, file):
    return hub_url(repo, file, kind="dataset")


@pytest.mark.parametrize("name", CORPORA)
def test_the_files_arrive_whole_with_their_licence(get, name, tmp_path, capsys):
    paths = get(name)
    corpus = CORPORA[name]
    assert paths == [tmp_path / "data" / PurePosixPath(file).name for file in corpus.files]
    for path, file in zip(paths, corpus.files, strict=True):
        assert path.read_bytes() == content_of(name, file)
        assert path.with_name(f"{path.name}.licence").read_text(encoding="utf-8") == f"{corpus.licence}\n"
    assert f"{paths[0].name}: {corpus.licence}" in capsys.readouterr().err


def test_a_cut_connection_is_taken_up_where_it_broke(server, get):
    server.faults = ["cut"]
    paths = get("tinystories")
    assert [path.read_bytes() for path in paths] == [content.encode() for content in MARKED.values()]
    first, second = server.requests[0], server.requests[1]
    assert first.path == second.path and "Range" not in first.headers
    assert 0 < int(second.headers["Range"].removeprefix("bytes=").removesuffix("-")) < len(paths[0].read_bytes())


def test_a_stop_keeps_what_came_and_no_half_corpus_is_read(server, get, tmp_path):
    server.faults = ["cut", "404"]
    with pytest.raises(DownloadError, match="404"):
        get("tinystories")
    with pytest.raises(Problem, match="train.txt.part is a download that isn't complete"):
        read_documents([tmp_path / "data"])
    del server.requests[:]
    get("tinystories")
    assert server.requests[0].headers["Range"] and len(server.requests) == 2
    assert sorted(read_documents([tmp_path / "data"], separate="<|endoftext|>")) == sorted(STORIES)


def test_the_second_download_must_bring_the_same(server, get):
    [path] = get("tinyshakespeare")
    asked = len(server.requests)
    get("tinyshakespeare")
    assert len(server.requests) == asked  # what is there and right is not fetched again
    [file] = CORPORA["tinyshakespeare"].files
    server.files[f"karpathy/char-rnn/master/{file}"] = b"another text"
    path.unlink()
    with pytest.raises(DownloadError, match=r"has SHA-256 .*, expected .* delete .*input\.txt\.sha256"):
        get("tinyshakespeare")
    assert not path.exists()


def test_the_catalogue_says_how_to_read_them(get):
    wanted = {
        "tinystories": [*STORIES[1:], STORIES[0]],
        "tinyshakespeare": [PLAY],
        "tang": ["\n".join([*POEM["paragraphs"], file]) for file in CORPORA["tang"].files],
    }
    for name, corpus in CORPORA.items():
        paths = get(name, folder=name)
        assert list(read_documents(paths, corpus.field, corpus.separate)) == wanted[name]


def test_the_catalogue_says_how_to_split_them(get, tmp_path):
    def write(path, data):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    tokenizer = Tokenizer.train(["a cat"], 256)
    for name, corpus in CORPORA.items():
        texts = read_documents(get(name, folder=name), corpus.field, corpus.separate)
        made = tmp_path / f"{name}-made"
        prepare(texts, tokenizer, made, write, split=corpus.split, valid_share=corpus.valid_share)
        train, valid = (Shards.open(made, side) for side in ("train", "valid"))
        assert 0 < valid.characters < train.characters
        if name == "tinyshakespeare":  # nanoGPT: the first int(0.9 n) characters
            assert train.characters == int(0.9 * len(PLAY))
            assert tokenizer.decode(valid.document(0), skip_special=True) == PLAY[int(0.9 * len(PLAY)) :]


def test_the_addresses(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    urls = {name: corpus.urls(hub) for name, corpus in CORPORA.items()}
    assert urls["tinyshakespeare"] == [
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
    ]
    hosted = "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/main/TinyStoriesV2-GPT4-"
    assert urls["tinystories"] == [f"{hosted}train.txt", f"{hosted}valid.txt"]
    poems = f"{GITHUB_FILES}/chinese-poetry/chinese-poetry/master/%E5%85%A8%E5%94%90%E8%AF%97/poet.tang."
    assert urls["tang"][:2] == [f"{poems}0.json", f"{poems}1000.json"]
    assert urls["tang"][-1] == f"{poems}57000.json" and len(urls["tang"]) == 58
    for url in (url for some in urls.values() for url in some):
        assert url.isascii() and quote(unquote(urlsplit(url).path)) == urlsplit(url).path


def test_a_mirror_of_github_is_no_mirror_of_the_hub():
    mirror = "https://mirror.example/raw"
    assert CORPORA["tinyshakespeare"].urls(hub, f"{mirror}/")[0].startswith(f"{mirror}/karpathy/char-rnn/master/data/")
    assert CORPORA["tinystories"].urls(lambda repo, file: f"hub:{repo}:{file}", mirror)[0] == (
        "hub:roneneldan/TinyStories:TinyStoriesV2-GPT4-train.txt"
    )


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_the_catalogue_is_sound(corpus):
    names = [PurePosixPath(file).name for file in corpus.files]
    assert len(set(names)) == len(names)  # they come into one folder
    assert corpus.host in ("hub", "github") and corpus.split in ("hash", "tail") and 0 < corpus.valid_share < 1
    assert corpus.about and corpus.licence and "\n" not in corpus.about + corpus.licence
    assert CORPORA[corpus.name] is corpus


def test_an_unknown_name_is_refused_before_anything_is_fetched(tmp_path):
    asked = []
    with pytest.raises(Problem, match="there is no corpus 'bible'; choose tinystories, tinyshakespeare, tang"):
        download_corpus("bible", tmp_path, lambda *what: asked.append(what), hub)
    assert not asked
