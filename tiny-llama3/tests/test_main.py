"""The commands as their user meets them: what they print, as text and as JSON, and one clear line for what is wrong."""

import json
import shutil

import pytest
import safetensors.torch
import torch
from tiny_shared import cli
from tokenizers import Tokenizer as Theirs

import main
from tiny_llama3 import plan, run

SMALL = ["--steps", "30", "--sequence", "32", "--batch-rows", "4", "--evaluate-every", "15", "--warmup-steps", "5",
         "--device", "cpu"]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "ENOUGH_S", 0.0)
        patch.setattr(run, "SAMPLE_TOKENS", 3)
        patch.setattr(main, "tensorboard", lambda folder: None)
        yield


def call(*words):
    return cli.run(main.parser(), [str(word) for word in words], main.user_errors())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Data and a run, made by the commands."""
    folder = tmp_path_factory.mktemp("place")
    assert (
        call("data", "prepare", "--stories", "en", "--count", 300, "--vocab-size", 300, "--out", folder / "data") == 0
    )
    assert call("pretrain", "--data", folder / "data", "--out", folder / "run", "--prompt", "Once", *SMALL) == 0
    return folder


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


def test_a_tokenizer_from_the_command_line(tmp_path, printed):
    (tmp_path / "text.txt").write_text("the cat sat on the mat. 猫坐在垫子上。" * 3, encoding="utf-8")
    made = json.loads(
        printed("tokenizer", "train", tmp_path / "text.txt", "--vocab-size", 280, "--out", tmp_path, "--json")
    )
    assert made["vocab_size"] == 280
    ids = json.loads(printed("tokenizer", "encode", "the 猫 sat", "--tokenizer", tmp_path, "--json"))
    assert ids == Theirs.from_file(str(tmp_path / "tokenizer.json")).encode("the 猫 sat", add_special_tokens=False).ids
    assert printed("tokenizer", "decode", *ids, "--tokenizer", tmp_path) == "the 猫 sat\n"
    assert "rank 1: h + e" in printed("tokenizer", "show", "the", "--tokenizer", tmp_path)
    special = json.loads(printed("tokenizer", "encode", "<|eot_id|>", "--special", "--tokenizer", tmp_path, "--json"))
    plain = json.loads(printed("tokenizer", "encode", "<|eot_id|>", "--tokenizer", tmp_path, "--json"))
    assert len(special) == 1 < len(plain)


def test_data_from_files(tmp_path, printed):
    rows = [{"title": f"t{number}", "lines": [f"line {number}", "and more"]} for number in range(40)]
    (tmp_path / "poems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["--field", "title,lines", "--vocab-size", 260, "--valid-share", 0.2, "--name", "poems", "--json"]
    made = json.loads(printed("data", "prepare", tmp_path / "poems.jsonl", "--out", tmp_path / "data", *words))
    assert made["train"]["documents"] + made["valid"]["documents"] == 40 and made["about"] == {"name": "poems"}


def test_a_run_has_its_files_and_its_picture(place):
    names = {path.name for path in (place / "run").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "run.json", "log.jsonl", "loss.png"} <= names
    rows = [json.loads(line) for line in (place / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["sample"].startswith("Once") and rows[-1]["validation_loss"] < rows[0]["validation_loss"] - 1
    assert json.loads((place / "run" / "run.json").read_text())["plan"]["steps"] == 30


def test_check_run_speaks(place, printed):
    assert "Is this run normal?" in printed("check-run", place / "run")
    found = json.loads(printed("check-run", place / "run", "--json"))
    assert {"about", "normal", "words"} == found["findings"][0].keys() and found["verdict"]


def test_plan_counts(place, printed):
    made = json.loads(printed("plan", "--data", place / "data", *SMALL, "--json"))
    assert made["steps"] == 30 and made["tokens"] == 30 * 128 and made["memory_parts_mb"]["weights"] > 1
    longer = json.loads(printed("plan", "--data", place / "data", *SMALL[2:], "--minutes", 5, "--json"))
    assert longer["steps"] > 30 and longer["seconds"] == pytest.approx(300, abs=5)
    deeper = json.loads(printed("plan", "--data", place / "data", *SMALL, "--depth", 2, "--json"))
    assert deeper["parameters"] != made["parameters"]


def test_generate_writes_on(place, printed):
    words = ["generate", "Once there", "--model", place / "run", "--max-new-tokens", 12, "--device", "cpu"]
    text = printed(*words)
    assert text.startswith("Once there") and printed(*words) == text
    hot = [*words, "--temperature", "1.5", "--json"]
    first = json.loads(printed(*hot, "--seed", 1))
    assert first[0]["prompt"] == "Once there" and first != json.loads(printed(*hot, "--seed", 2))
    assert (
        len(json.loads(printed("generate", "a", "b", "--model", place / "run", "--max-new-tokens", 3, "--json"))) == 2
    )


def test_trace_and_read(place, printed):
    assert "next token" in printed("trace", "the cat", "--model", place / "run")
    steps = json.loads(printed("trace", "the cat", "--model", place / "run", "--layers", 0, "--json"))
    assert steps[0]["name"] == "ids" and len(steps) < 40
    assert json.loads(printed("read", "--json"))["lines"] <= 850


def test_minutes_set_the_steps(place, tmp_path):
    more = ["--minutes", 0.01, "--positions", 700]
    assert call("pretrain", "--data", place / "data", "--out", tmp_path / "run", *SMALL[2:], *more) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["max_position_embeddings"] == 700
    description = json.loads((tmp_path / "run" / "run.json").read_text())
    assert description["training"]["steps"] == description["plan"]["steps"] < 200


def test_what_a_run_refuses(place, tmp_path, refused):
    data, out = place / "data", tmp_path / "run"
    assert "holds a run already" in refused("pretrain", "--data", data, "--out", place / "run")
    assert "--steps can't be changed" in refused("pretrain", "--resume", "--out", place / "run", "--steps", 5)
    assert "holds no run" in refused("pretrain", "--resume", "--out", out)
    assert "name the data" in refused("pretrain", "--out", out)
    assert "holds no prepared data" in refused("pretrain", "--data", tmp_path, "--out", out)
    assert "needs" in refused("pretrain", "--data", data, "--out", out, "--sequence", 100_000)
    assert "less than a row of 256" in refused("pretrain", "--data", data, "--out", out, "--positions", 100)
    assert "learning_rate must be" in refused("pretrain", "--data", data, "--out", out, "--learning-rate", -1)
    assert "not allowed with" in refused("pretrain", "--data", data, "--out", out, "--preset", "nano", "--depth", 3)
    assert not (out / "run.json").exists()


def test_what_data_refuses(tmp_path, refused):
    out = tmp_path / "data"
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "short.txt").write_text("one two")
    assert "no text in there" in refused("data", "prepare", tmp_path / "empty.txt", "--out", out)
    assert "binary" in refused("data", "prepare", tmp_path / "binary.txt", "--out", out)
    assert "support a vocab_size of" in refused("tokenizer", "train", tmp_path / "short.txt", "--out", out)
    assert "name the files" in refused("data", "prepare", "--out", out)
    assert "no such file" in refused("data", "prepare", tmp_path / "none.txt", "--out", out)
    assert "there is no corpus" in refused("data", "download", "nonsense", "--out", out)
    assert not out.exists()


def test_what_a_model_folder_refuses(place, tmp_path, refused):
    folder = tmp_path / "model"
    shutil.copytree(place / "run", folder)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors" in refused("generate", "a", "--model", folder)
    weights.write_bytes(whole)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 64, "head_dim": 16}))
    assert "shape" in refused("generate", "a", "--model", folder)
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 100}))
    assert "vocab_size" in refused("generate", "a", "--model", folder)
    assert "no folder" in refused("generate", "a", "--model", tmp_path / "none")
    assert "temperature must be" in refused("generate", "a", "--model", place / "run", "--temperature", -1)


def test_a_folder_without_tokenizer(place, tmp_path, refused):
    folder = tmp_path / "model"
    shutil.copytree(place / "run", folder)
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer" in refused("generate", "a", "--model", folder)
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())


def test_without_a_compiler_training_goes_on(monkeypatch, capsys):
    from tiny_llama3.presets import PRESETS

    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not main.compiles(None, PRESETS["15M"], "cpu")
    assert "no C++ compiler" in capsys.readouterr().err
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert main.compiles(None, PRESETS["15M"], "cpu") and not main.compiles(None, PRESETS["nano"], "cpu")
    assert main.compiles(True, PRESETS["nano"], "cpu") and not main.compiles(False, PRESETS["15M"], "cpu")
