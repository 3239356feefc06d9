"""The command line: what each command prints, and one line for everything that a user can put right."""

import errno
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch
from tiny_shared import cli
from tiny_shared.files import only_one

import main
from conftest import sentences
from tiny_transformer.run_folder import read_log

TRACK = Path(main.__file__).parent
TOY = ["--task", "copy", "--device", "cpu", "--threads", "1"]


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


@pytest.fixture
def refused(call):
    """The one line that says what is wrong; nothing on stdout, no traceback, exit code 2."""

    def refused(*arguments):
        code, out, err = call(*arguments)
        assert (code, out) == (2, ""), (out, err)
        assert err.startswith("error: ") and err.count("\n") == 1 and err.endswith("\n"), err
        return err.removeprefix("error: ").strip()

    return refused


@pytest.fixture
def file(tmp_path):
    def file(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        return path

    return file


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the trained folder, to be damaged."""
    return Path(shutil.copytree(trained.folder, tmp_path / "run"))


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- what works ----------------------------------------------------------------------------------------------------


def test_a_real_process(trained):
    """As a user types it; the answer is one JSON document."""
    command = [sys.executable, "main.py", "translate", "der hund", "ein haus", "--model", trained.folder, "--json"]
    done = subprocess.run([*map(str, command), "--device", "cpu", "--threads", "1"], cwd=TRACK, capture_output=True,
                          encoding="utf-8", timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["source"] for row in rows] == ["der hund", "ein haus"]
    assert all(row.keys() == {"source", "translation"} for row in rows)


def test_help_needs_no_torch():
    code = "import sys, main; main.parser(); main.user_errors(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=TRACK, timeout=60).returncode == 0


def test_translate(call, ok, trained, monkeypatch):
    rows = ok("translate", "der hund", "猫 ½ \ud800", "--model", trained.folder)
    assert [row["source"] for row in rows] == ["der hund", "猫 ½ \ud800"]
    assert all(row.keys() == {"source", "translation"} for row in rows)
    translator = main.load(trained.folder, "cpu")
    assert [row["translation"] for row in rows] == translator.translate(["der hund", "猫 ½ \ud800"])
    beam = ok("translate", "der hund", "--model", trained.folder, "--beam", 5, "--alpha", 2)
    assert beam[0]["translation"] == translator.translate(["der hund"], 5, 2.0)[0]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("der hund\r\nStraße\n".encode()), "cp1252"))
    code, out, _ = call("translate", "--model", trained.folder)
    assert (code, out.splitlines()) == (0, translator.translate(["der hund", "Straße"]))


def test_the_folder_alone_translates(trained, ok, tmp_path):
    """Without the log, the state of the training, the epochs, and the texts that it was trained on."""
    for name in ("config.json", "vocabulary.json", "model.safetensors"):
        shutil.copy(trained.folder / name, tmp_path)
    moved = ok("translate", "der hund", "--model", tmp_path)
    assert moved == ok("translate", "der hund", "--model", trained.folder)


def test_evaluate(ok, trained, file, tmp_path):
    source, target = file("s", "der hund\nein haus\n"), file("t.gz", gzip.compress(b"the dog\na house\n"))
    found = ok("evaluate", "--model", trained.folder, "--source", source, "--target", target, "--output",
               tmp_path / "new" / "out.txt", "--beam", 2)  # fmt: skip
    assert found.keys() == {"sentences", "beam", "exact_match", "bleu", "chrf", "signature", "seconds",
                            "tokens_per_second"}  # fmt: skip
    assert (found["sentences"], found["beam"]) == (2, 2)
    written = (tmp_path / "new" / "out.txt").read_text(encoding="utf-8").splitlines()
    assert written == main.load(trained.folder, "cpu").translate(["der hund", "ein haus"], 2)
    perfect = ok("evaluate", "--model", trained.folder, "--source", source, "--beam", 2, "--target",
                 file("own", "".join(f"{line or '-'}\n" for line in written)))  # fmt: skip
    assert perfect["exact_match"] == 1


def test_attention(ok, trained, tmp_path):
    for name, start in (("a.png", b"\x89PNG"), ("b.HTML", b"<!")):
        found = ok("attention", "der hund", "--model", trained.folder, "--out", tmp_path / name)
        assert found == {"source": "der hund", "file": (tmp_path / name).as_posix(),
                         "translation": main.load(trained.folder, "cpu").translate(["der hund"])[0]}  # fmt: skip
        assert (tmp_path / name).read_bytes().startswith(start)


def test_train_says_where_it_stands(ok, call, tmp_path):
    small = "--d-model 8 --n-heads 1 --n-layers 1 --d-ff 8 --epochs 1 --batch-tokens 9000 --seed 7".split()
    found = ok("train", *TOY, *small, "--out", tmp_path / "run")
    assert found.keys() == {"step", "epoch", "seconds", "final", "validation_loss", "exact_match", "folder",
                            "parameters"}  # fmt: skip
    assert found["folder"] == (tmp_path / "run").as_posix()
    assert read_log(tmp_path / "run")[-1].items() <= found.items()
    assert (tmp_path / "run" / "loss.png").read_bytes().startswith(b"\x89PNG")
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    weights = safetensors.torch.load_file(tmp_path / "run" / "model.safetensors")
    assert found["parameters"] == sum(tensor.numel() for tensor in weights.values())
    assert (config["made_from"]["seed"], config["training"]["seed"], config["model"]["d_ff"]) == (7, 7, 8)
    code, out, err = call("train", "--resume", "--out", tmp_path / "run", "--threads", 1)
    assert code == 0 and "exact match" in out, err


def test_parallel_from_a_table_with_own_validation(ok, call, file, tmp_path):
    table = file("t.tsv", "".join(f"{a}\t{b}\n" for a, b in sentences(30)) + "der " * 40 + "\tthe\n")
    valid = file("v.tsv", "".join(f"{a}\t{b}\n" for a, b in sentences(3, 1)))
    small = "--d-model 8 --n-heads 1 --n-layers 1 --d-ff 8 --epochs 1 --vocab-size 270 --max-len 40".split()
    command = ["train", "--task", "parallel", "--tsv", table, "--valid-tsv", valid, *small, "--out", tmp_path / "run"]
    code, _, err = call(*command)
    assert code == 2 and "--drop-long" in err
    assert not (tmp_path / "run" / "config.json").exists()
    found = ok(*command, "--drop-long")
    assert found["bleu"] >= 0
    made_from = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))["made_from"]
    assert (made_from["tsv"], made_from["valid_tsv"]) == (table.as_posix(), valid.as_posix())
    assert ok("train", "--resume", "--out", tmp_path / "run")["bleu"] == found["bleu"]


def test_compare_attention(ok, tmp_path):
    found = ok("compare-attention", "--lengths", 8, "--d-model", 8, "--n-heads", 2, "--out", tmp_path / "c.png")
    assert found and (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_read(ok):
    found = ok("read")
    assert [row["file"] for row in found["files"]] == main.READING_PATH
    assert len(found["files"]) <= 8 and found["lines"] <= 800


# ---- files ---------------------------------------------------------------------------------------------------------


def parallel(*files, out):
    flags = ("--source", "--target", "--valid-source", "--valid-target")
    texts = [word for flag, path in zip(flags, files, strict=False) for word in (flag, path)]
    return ["train", "--task", "parallel", *texts, "--out", out, "--vocab-size", "270"]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (b"", b"one\n", "s: empty; it should hold one sentence a line"),
        (b"one\n", b"\n \n", "t: empty"),
        (b"1\n2\n3\n", b"1\n2\n", "t 2; line n of one must translate line n of the other"),
        (b"1\nf\xfcnf\n", b"1\n5\n", "s:2: not UTF-8 (byte 0xfc); save the file as UTF-8"),
        (b"1\n2\n", b"\xff\xfe1\n2\n", "t:1: not UTF-8 (byte 0xff)"),
        (b"1\n\n", b"\n2\n3\n", "1 lines and"),
        (b"1\n", b"1\n", "1 pair is too few to hold some out"),
        (b"der hund\n" * 9 + b"ab " * 300 + b"\n", b"the dog\n" * 10, "at most 255: leave such pairs out"),
    ],
)  # fmt: skip
def test_bad_texts(refused, file, tmp_path, source, target, message):
    assert message in refused(*parallel(file("s", source), file("t", target), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("data", [gzip.compress(b"one\n" * 99)[:-9], b"plain", gzip.compress(b"")])
def test_bad_gzip(refused, file, tmp_path, data):
    message = refused(*parallel(file("s.gz", data), file("t", "1\n2\n"), out=tmp_path / "run"))
    assert "s.gz: not a complete gzip file" in message or "s.gz: empty" in message
    assert not (tmp_path / "run").exists()


def test_bad_tables_and_missing_files(refused, file, tmp_path):
    out = ["--out", tmp_path / "run"]
    bad = file("bad.tsv", "a\tb\nc d\n")
    assert "bad.tsv:2: needs one tab" in refused("train", "--task", "parallel", "--tsv", bad, *out)
    gone = tmp_path / "gone"
    assert "no such file or folder" in refused(*parallel(gone, gone, out=tmp_path / "run"))
    assert "is a folder" in refused(*parallel(tmp_path, tmp_path, out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flags", [["--max-len", "3"], ["--max-len", "1"]])
def test_nothing_is_left_of_the_texts(refused, trained, tmp_path, flags):
    command = parallel(trained.source, trained.target, out=tmp_path / "run")
    assert "--drop-long" in refused(*command, *flags) or "max_len" in refused(*command, *flags)
    code = cli.run(main.parser(), [*map(str, command), *flags, "--drop-long"], main.user_errors())
    assert code == 2
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize("task", ["copy", "dates"])
def test_a_model_too_short_for_its_task(refused, tmp_path, task):
    message = refused("train", "--task", task, "--max-len", 5, "--out", tmp_path / "run")
    assert "max-len" in message and "tokens" in message
    assert not (tmp_path / "run" / "config.json").exists()


def test_evaluate_with_bad_files(refused, trained, file, tmp_path):
    model = ["evaluate", "--model", trained.folder]
    good = file("good", "a\nb\n")
    for bad, message in ((file("e", ""), "e: empty"), (file("l", b"\xfc\nb\n"), "l:1: not UTF-8"),
                         (file("n", "a\n"), "line n of one"), (tmp_path / "gone", "no such file")):  # fmt: skip
        assert message in refused(*model, "--source", good, "--target", bad, "--output", tmp_path / "out")
        assert message.replace("n of one", "n of") in refused(*model, "--source", bad, "--target", good)
    long = file("long", "a\n" + "b1" * 60 + "\n")
    assert "text 2 has 121 tokens" in refused(*model, "--source", long, "--target", good, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- texts to translate --------------------------------------------------------------------------------------------


def test_an_over_long_text(refused, trained, tmp_path):
    text = "x1" * 30
    message = refused("translate", "der hund", text, "--model", trained.folder)
    assert message == f"text 2 has 61 tokens ({text[:30]!r}...); this model reads at most 48: split it into sentences"
    assert "text 1 has 61" in refused("attention", text, "--model", trained.folder, "--out", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_standard_input_that_is_not_utf8(refused, trained, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"der hund\nf\xfcnf\n"), "utf-8", "surrogateescape"))
    message = refused("translate", "--model", trained.folder)
    assert "not UTF-8" in message and "2" in message


def test_no_texts_at_all(ok, trained, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b""), "utf-8"))
    assert ok("translate", "--model", trained.folder) == []


# ---- folders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "empty", "half", "a tenth", "noise"])
def test_a_folder_cut_short(refused, folder, name, damage):
    data = (folder / name).read_bytes()
    if damage == "gone":
        (folder / name).unlink()
    else:
        cut = {
            "empty": b"",
            "half": data[: len(data) // 2],
            "a tenth": data[: len(data) // 10],
            "noise": b"\xff\x00" * 99,
        }
        (folder / name).write_bytes(cut[damage])
    for command in (["translate", "der hund"], ["attention", "der hund", "--out", folder / "a.png"]):
        message = refused(*command, "--model", folder)
        unfinished = (name, damage) == ("model.safetensors", "gone")
        assert ("has not come to its first epoch; go on with" if unfinished else f"{name}") in message
        assert unfinished or "again" in message
    assert not (folder / "a.png").exists()


@pytest.mark.parametrize("name", ["state.safetensors", "log.jsonl", "config.json", "vocabulary.json"])
@pytest.mark.parametrize("damage", ["gone", "half"])
def test_resuming_from_a_folder_cut_short(refused, folder, name, damage):
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "half":
        (folder / name).write_bytes(data[: len(data) // 2])
    elif name == "log.jsonl":
        return  # the losses so far are lost, and nothing else
    before = snapshot(folder)
    message = refused("train", "--resume", "--out", folder)
    assert name in message or "no run to resume" in message
    before.pop(Path(".lock"), None)
    assert before.items() <= snapshot(folder).items()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d_ff": 48}, "model.safetensors: the weight 'encoder.0.feed_forward.inner.weight' has shape (32, 16); the"),
        ({"n_layers": 1}, "belongs to no part of this model"),
        ({"n_layers": 3}, "is missing; this is not a complete model"),
        ({"tie_embeddings": False}, "is missing"),
        ({"rotary": True}, "unknown setting 'rotary'"),
        ({"n_heads": 3}, "n_heads must divide d_model (got 3, 16)"),
        ({"vocab_size": 100, "target_vocab_size": 100}, "counts 100 and 100 symbols, vocabulary.json has 300"),
        ({"d_model": "16"}, "describe no model"),
        ({"d_model": 16.0}, "describe no model"),
        ({"d_ff": None}, "describe no model"),
        ({"pre_norm": "no"}, "describe no model"),
        ({"dropout": "a lot"}, "describe no model"),
    ],
)  # fmt: skip
def test_a_configuration_of_something_else(refused, folder, change, message):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["model"] |= change
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert message in refused("translate", "der hund", "--model", folder)


@pytest.mark.parametrize(
    "config", ["[]", "{}", '{"model": 1}', '{"architectures": ["Marian"], "d_model": 512}', "null"]
)
def test_a_folder_of_another_kind(refused, folder, config):
    (folder / "config.json").write_text(config, encoding="utf-8")
    assert "config.json" in refused("translate", "der hund", "--model", folder)
    assert "config.json" in refused("train", "--resume", "--out", folder)


@pytest.mark.parametrize("vocabulary", ['{"source": {"kind": "words"}}', '{"source": {"kind": "bpe", "merges": [[1]]}}',
                                        '{"source": {"kind": "bpe", "merges": [[900, 4]]}}', '{}'])  # fmt: skip
def test_a_vocabulary_of_another_kind(refused, folder, vocabulary):
    (folder / "vocabulary.json").write_text(vocabulary, encoding="utf-8")
    assert "vocabulary.json" in refused("translate", "der hund", "--model", folder)


def test_weights_of_another_model(refused, folder):
    safetensors.torch.save_file({"weight": torch.zeros(2)}, folder / "model.safetensors")
    assert "is missing; this is not a complete model" in refused("translate", "der hund", "--model", folder)


def test_a_folder_that_is_none(refused, tmp_path, file):
    for nothing in (tmp_path / "gone", tmp_path, file("f", "text")):
        message = refused("translate", "der hund", "--model", nothing)
        assert "config.json is missing; name a folder that `train` wrote" in message or "is a file" in message


def test_training_that_has_no_model_yet(refused, folder):
    (folder / "model.safetensors").unlink()
    assert "training has not come to its first epoch; go on with" in refused("translate", "x", "--model", folder)


# ---- training: settings and folders --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("--n-heads 5", "n_heads must divide d_model (got 5, 64)"),
        ("--dropout 1", "dropout must be from 0 to below 1 (got 1.0)"),
        ("--dropout nan", "dropout must be from 0 to below 1"),
        ("--inner-dropout -1", "inner_dropout must be from 0 to below 1"),
        ("--label-smoothing 2", "label_smoothing must be from 0 to below 1 (got 2.0)"),
        ("--rate-factor 0", "rate_factor must be a finite number above 0 (got 0.0)"),
        ("--rate-factor inf", "rate_factor must be a finite number"),
        ("--clip-norm -3", "clip_norm must be a finite number above 0"),
        ("--epochs 0", "must be a whole number from 1 up (got '0')"),
        ("--d-model x", "must be a whole number from 1 up (got 'x')"),
        ("--precision fp8", "invalid choice"),
        ("--seed -1", "must be a whole number from 0"),
        ("--vocab-size 300", "--vocab-size belongs to --task parallel; copy makes its own data"),
        ("--source x", "--source belongs to --task parallel"),
        ("--drop-long", "--drop-long belongs to --task parallel"),
        ("--task sing", "invalid choice"),
        ("--task parallel", "needs --source FILE --target FILE, or --tsv FILE"),
        ("--task parallel --source x", "needs --source FILE --target FILE, or --tsv FILE"),
        ("--task parallel --source x --target y --tsv z", "needs --source FILE --target FILE, or --tsv FILE"),
        ("--task parallel --tsv z --valid-source x", "for validation give"),
        ("--task parallel --tsv z --valid-source x --valid-target y --valid-tsv z", "for validation give"),
        ("--warm 3", "unrecognized arguments"),
    ],
)
def test_nonsense_settings(refused, tmp_path, settings, message):
    assert message in refused("train", *TOY, "--out", tmp_path / "run", *settings.split())
    assert not (tmp_path / "run").exists()


def test_vocabulary_too_small_for_the_bytes(refused, trained, tmp_path):
    command = [*parallel(trained.source, trained.target, out=tmp_path / "run")[:-1], "100"]
    assert "vocab_size must be 259 or more, for the bytes (got 100)" in refused(*command)
    assert not (tmp_path / "run").exists()


def test_no_task(refused, tmp_path):
    assert "name a task: --task dates|copy" in refused("train", "--out", tmp_path / "run")


def test_a_folder_that_holds_a_run(refused, folder, trained):
    before = snapshot(folder)
    assert "holds a run already; go on with: python main.py train --resume" in refused("train", *TOY, "--out", folder)
    assert snapshot(folder) == before


def test_nothing_to_resume(refused, tmp_path):
    assert "holds no run to resume" in refused("train", "--resume", "--out", tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    "setting",
    ["--epochs 9", "--task copy", "--seed 3", "--dropout 0.3", "--pre-norm", "--drop-long", "--no-tie-embeddings"],
)
def test_a_run_goes_on_as_it_began(refused, folder, setting):
    before = snapshot(folder)
    message = refused("train", "--resume", "--out", folder, *setting.split())
    assert f"{setting.split()[0].replace('--no-', '--')} can't be changed on --resume" in message
    assert snapshot(folder) == before


def moved(folder, **files):
    """Let the run's training files be others."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["made_from"] |= {name: path.as_posix() for name, path in files.items()}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def test_other_training_files(refused, folder, trained, file, tmp_path):
    changed = file("de", trained.source.read_text(encoding="utf-8").replace("hund", "kuh", 1))
    moved(folder, source=changed)
    before = snapshot(folder)
    assert "the training texts are not those that the run began with" in refused("train", "--resume", "--out", folder)
    assert before.items() <= snapshot(folder).items()
    moved(folder, source=tmp_path / "gone")
    assert "no such file or folder" in refused("train", "--resume", "--out", folder)


def test_two_trainings_in_one_folder(refused, tmp_path):
    with only_one(tmp_path / "run", "training"):
        assert "another process is training here" in refused("train", *TOY, "--out", tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_out_is_a_file(refused, file):
    path = file("taken", "mine")
    refused("train", *TOY, "--out", path)
    refused("train", *TOY, "--out", path / "run")
    assert path.read_text() == "mine"


@pytest.mark.parametrize("out", ["a.jpg", "a", "png"])
def test_a_picture_of_another_kind(refused, trained, out):
    assert "must end in .png or .html" in refused("attention", "x", "--model", trained.folder, "--out", out)
    assert "must end in .png" in refused("compare-attention", "--lengths", 8, "--out", out)


def test_not_a_number_of_beams(refused, trained):
    assert "must be a whole number from 1 up" in refused("translate", "x", "--model", trained.folder, "--beam", 0)
    assert "alpha" in refused("translate", "x", "--model", trained.folder, "--beam", 2, "--alpha", "nan")


# ---- a full disk ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    """A training of two epochs that nothing disturbs, and its command without the folder."""
    place = tmp_path_factory.mktemp("short")
    (place / "t.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in sentences(40)), encoding="utf-8")
    small = "--d-model 8 --n-heads 1 --n-layers 1 --d-ff 8 --epochs 2 --batch-tokens 300 --max-len 40 --vocab-size 270"
    command = ["train", "--task", "parallel", "--tsv", str(place / "t.tsv"), *small.split(), "--threads", "1", "--out"]
    assert cli.run(main.parser(), [*command, str(place / "run")], main.user_errors()) == 0
    return SimpleNamespace(folder=place / "run", command=command)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 8, 10])
def test_a_full_disk(call, ok, short_run, tmp_path, monkeypatch, number):
    """Write number so-and-so fails half-way: one line, every file whole, and the run goes on once there is room."""
    written, replace = 0, os.replace

    def full(temporary, target):
        nonlocal written
        written += 1
        if written == number:
            Path(temporary).write_bytes(Path(temporary).read_bytes()[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(temporary, target)

    folder = tmp_path / "run"
    command = [*short_run.command, folder]
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        code, _, err = call(*command)
    assert (
        code == 2
        and err.splitlines()[-1] == "error: no space left on the disk; free some and run the same command again"
    )
    assert not list(folder.rglob("*.tmp"))
    if (folder / "config.json").exists():
        command = ["train", "--resume", "--out", folder, "--threads", 1]
    ok(*command)

    def rows(folder):
        return [{key: value for key, value in row.items() if key != "seconds"} for row in read_log(folder)]

    assert rows(folder) == rows(short_run.folder)
    assert (folder / "model.safetensors").read_bytes() == (short_run.folder / "model.safetensors").read_bytes()
