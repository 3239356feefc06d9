"""The commands as their user meets them: what they print, as text and as JSON, and one clear line for what is wrong."""

import io
import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from tiny_shared import cli

import main
from qwen_blog import costs, hub
from reference import theirs

TEXT = "The blue lamp belongs to Mara. The red cup belongs to Tom. The blue lamp belongs to"


def call(*words):
    return cli.run(main.parser(), [str(word) for word in words], main.user_errors())


@pytest.fixture
def printed(capsys):
    capsys.readouterr()

    def read(*words, code=0):
        assert call(*words) == code
        return capsys.readouterr().out

    return read


@pytest.fixture
def refused(capsys):
    capsys.readouterr()

    def read(*words):
        assert call(*words) == 2
        out, errors = capsys.readouterr()
        (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert not out and "Traceback" not in errors
        return line

    return read


def test_the_demonstration(printed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = printed()
    assert "The blue lamp belongs to Mara." in out
    page = tmp_path / "runs" / "demo" / "journey.html"
    assert "runs/demo/journey.html: " in out and page.stat().st_size < 1 << 20
    kib = float(re.search(r"(\d+) KiB", out)[1])  # type: ignore[index]
    assert kib == pytest.approx(page.stat().st_size / 1024, abs=1)


def test_generate_as_text_and_as_json(printed):
    assert printed("generate", main.QUESTION, "--chat") == "The blue lamp belongs to Mara.\n"
    made = json.loads(printed("generate", main.QUESTION, "--chat", "--json"))
    assert made["text"] == "The blue lamp belongs to Mara." and made["finish"] == "end" and made["tokens"] == 8
    cut = json.loads(printed("generate", TEXT, "--json", "--max-new-tokens", 1))
    assert (cut["text"], cut["finish"], cut["tokens"]) == (" Mara", "length", 1)
    low = json.loads(printed("generate", TEXT, "--json", "--max-new-tokens", 3, "--low-memory"))
    assert low["text"].startswith(" Mara")
    several = {
        printed("generate", "The", "--temperature", 3, "--max-new-tokens", 8, "--seed", seed) for seed in range(4)
    }
    assert len(several) == 4
    again = [printed("generate", "The", "--temperature", 3, "--top-k", 50, "--seed", 7, "--max-new-tokens", 8)
             for _ in range(2)]  # fmt: skip
    assert again[0] == again[1]


def test_chat_reads_lines_and_remembers(printed, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{main.QUESTION}\n你好！\n\nnever read\n"))
    assert printed("chat") == "The blue lamp belongs to Mara.\n你好！我是小小的 Qwen。\n"


def test_inspect(printed, tmp_path):
    out = printed("inspect", "--heads", "--plot", tmp_path / "plot.png")
    model, _ = hub.load(main.SHIPPED)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert f"{total:,} parameters" in out and "induction score of each head" in out
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(printed("inspect", "--json", "--context", 100, "--heads"))
    assert sum(group["parameters"] for group in found["groups"]) == found["parameters"] == total
    assert found["flops_per_token"] == costs.flops_per_token(model.config, 100)
    assert max(map(max, found["induction"])) > 0.8
    assert {row["context"] for row in found["cache"]} == {100, model.config.max_position_embeddings}


def test_trace_in_the_terminal_as_json_and_as_a_page(printed, tmp_path):
    out = printed("trace", TEXT)
    assert "L3.weights" in out and out.splitlines()[-1].startswith("sampled") and "␣Mara" in out.splitlines()[-1]
    found = json.loads(printed("trace", TEXT, "--json", "--layers", 1))
    assert found["next"]["text"] == " Mara" and found["layers"] == [1] and len(found["top"]) == 20
    scores = next(step for step in found["steps"] if step["key"] == "L1.scores")
    assert scores["shape"] == [4, len(found["tokens"]), len(found["tokens"])] and scores["dims"] == ["H", "T", "S"]
    page = tmp_path / "new" / "page.html"
    written = json.loads(printed("trace", "你好！", "--chat", "--html", page, "--json", "--language", "zh"))
    assert written["bytes"] == page.stat().st_size and written["next"]["text"] == "你好"
    assert '"language":"zh"' in page.read_text(encoding="utf-8")
    smaller = json.loads(printed("trace", TEXT, "--html", page, "--json", "--max-mib", 0.3))
    assert smaller["bytes"] == page.stat().st_size < 0.3 * (1 << 20)


def test_compare(printed):
    found = json.loads(printed("compare", main.SHIPPED, main.SHIPPED, "--json"))
    assert found["largest"] == 0 and len(found["pairs"]) == 5 and found["top"][0][0]["text"] == " Mara"
    out = printed("compare", main.SHIPPED, main.SHIPPED.parent / "tiny-qwen3-moe", "--layers", 1, 0)
    assert "A says" in out and "1 and 0" in out


def test_the_reading_path(printed):
    assert [row["file"] for row in json.loads(printed("read", "--json"))["files"]] == main.READING_PATH


# ---- download: a server on this machine that has both hubs' addresses ----------------------------------------------


@pytest.fixture
def hubs(tmp_path, monkeypatch):
    files = tmp_path / "served"
    theirs("qwen3").save_pretrained(files)
    shutil.copy(main.SHIPPED / "tokenizer_config.json", files)
    shutil.copy(main.SHIPPED / "generation_config.json", files)
    shutil.copy(main.SHIPPED / "tokenizer.json", files)
    config = json.loads((files / "config.json").read_text())
    (files / "config.json").write_text(json.dumps(config))
    asked = []

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            match = re.fullmatch(r"/(?:models/)?Qwen/(Qwen[\w.-]+)/resolve/(main|master)/([\w.]+)", self.path)
            file = files / match[3] if match else None
            if file is None or not file.is_file():
                self.send_error(404)
                return
            data = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", address)
    yield files, asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("source", ["hf", "modelscope"])
@pytest.mark.parametrize("name", ["Qwen2.5-0.5B-Instruct", "Qwen3-0.6B"])
def test_download_from_either_hub(hubs, printed, tmp_path, name, source):
    files, asked = hubs
    out = tmp_path / "model"
    found = json.loads(printed("download", name, "--out", out, "--from", source, "--json"))
    branch = "models/Qwen/{}/resolve/master/" if source == "modelscope" else "Qwen/{}/resolve/main/"
    assert asked[-1] == f"/{branch.format(name)}config.json" and len(asked) == len(main.FILES)
    assert found["bytes"] == sum((files / file).stat().st_size for file in main.FILES)
    assert "Apache" in (out / "model.safetensors.licence").read_text()
    assert torch.equal(hub_weight(out), hub_weight(files))


def hub_weight(folder):
    from qwen_blog.weight_files import find, load

    return load(find(folder), "model.norm.weight", torch.float32)


def test_a_download_that_fails_leaves_no_whole_folder(hubs, refused, tmp_path):
    files, _ = hubs
    (files / "model.safetensors").unlink()
    assert "404" in refused("download", "Qwen3-0.6B", "--out", tmp_path / "model")
    assert not (tmp_path / "model" / "config.json").exists()


# ---- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "said"), [
    (("generate", "x", "--model", "nowhere"), "nowhere is no folder"),
    (("generate", ""), "no token"),
    (("generate", "一" * 400), "256 positions; shorten it"),
    (("trace", "一" * 400), "256 positions; shorten"),
    (("trace", ""), "no token"),
    (("trace", "x", "--layers", "9"), "no layer 9"),
    (("trace", "x", "--html", "x.html", "--max-mib", "0.05"), "fewer layers"),
    (("trace", "x", "--max-mib", "-1"), "above 0"),
    (("generate", "x", "--temperature", "-1"), "temperature must be"),
    (("generate", "x", "--top-p", "2"), "top_p must be"),
    (("generate", "\ud800"), "half a character"),
    (("compare", "nowhere", "nowhere"), "is no folder"),
    (("inspect", "--model", "nowhere"), "has no config.json"),
    (("download", "Llama"), "invalid choice"),
])  # fmt: skip
def test_one_line_for_what_is_wrong(refused, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert not list(tmp_path.iterdir())


def test_folders_that_fit_no_command(refused, tmp_path):
    theirs("qwen2", "ForSequenceClassification").save_pretrained(tmp_path / "classifier")
    assert "has no tokenizer" in refused("generate", "x", "--model", shipped_weights(tmp_path / "bare"))
    (tmp_path / "other").mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tmp_path / "classifier" / name, tmp_path / "other")
    assert "is a classifier" in refused("trace", "x", "--model", tmp_path / "other")
    folder = shutil.copytree(main.SHIPPED, tmp_path / "base")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": None}))
    assert "no chat template" in refused("generate", "x", "--chat", "--model", folder)
    assert "no chat template" in refused("chat", "--model", folder)
    small = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(small | {"vocab_size": 300}))
    assert "take the tokenizer that belongs to the model" in refused("generate", "x", "--model", folder)


def shipped_weights(folder):
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(main.SHIPPED / name, folder)
    return folder


def test_a_full_disk_leaves_the_old_page(refused, printed, tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("old")

    def full(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("tiny_shared.files.atomic_write", full)
    assert "no space left" in refused("trace", "x", "--html", page)
    assert page.read_text() == "old"
