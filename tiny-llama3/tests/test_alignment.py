"""The commands that make an assistant: each runs, survives a kill, and says in one line what it can't do."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from safetensors.torch import load_file
from tiny_shared import cli
from transformers import AutoModelForCausalLM, AutoTokenizer

import main
from tiny_base import base, tokenizer
from tiny_llama3 import hub
from tiny_llama3.run_folder import checkpoints, read_log

FILES = {"sft": "chats", "lora": "chats", "dpo": "pairs", "reward": "pairs", "ppo": "prompts", "grpo": "prompts",
         "classify": "labels"}  # fmt: skip
SMALL = ["--steps", "8", "--threads", "1", "--device", "cpu"]
MORE = {"ppo": ["--prompts", "8", "--reward", "arithmetic", "--max-new-tokens", "8"],
        "grpo": ["--prompts", "2", "--group", "4", "--reward", "arithmetic", "--max-new-tokens", "8"],
        "lora": ["--rank", "2"], "dpo": ["--per-step", "8"], "sft": ["--per-step", "8"]}  # fmt: skip


def run(capsys, *words):
    code = cli.run(main.parser(), [str(word) for word in words], main.user_errors())
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A base model, and a file of every kind."""
    folder = tmp_path_factory.mktemp("alignment")
    hub.save(folder / "base", base(), tokenizer())
    for kind in ("chats", "pairs", "prompts", "labels"):
        words = ["data", "exercises", "--kind", kind, "--count", "80", "--out", str(folder / f"{kind}.jsonl")]
        assert cli.run(main.parser(), words, main.user_errors()) == 0
    return folder


def words_of(method, place, out):
    return [method, "--model", place / "base", "--data", place / f"{FILES[method]}.jsonl", "--out", out, *SMALL,
            *MORE.get(method, [])]  # fmt: skip


def result_file(method):
    return "adapter_model.safetensors" if method == "lora" else "model.safetensors"


@pytest.mark.parametrize("method", FILES)
def test_killed_and_resumed(place, tmp_path, capsys, method):
    """The same weights, to the bit, as the run that nobody disturbed."""
    code, out, _ = run(capsys, *words_of(method, place, tmp_path / "whole"), "--json")
    assert code == 0
    whole = json.loads(out)
    assert whole["step"] == 8 and whole["measured"].keys() == whole["before"].keys() and whole["measured"]
    killed = tmp_path / "killed"
    words = [*words_of(method, place, killed), "--save-every", "0"]
    process = subprocess.Popen([sys.executable, "main.py", *map(str, words)], cwd=main.HERE, stderr=subprocess.PIPE,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    while process.poll() is None and len(checkpoints(killed)) < 2:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (killed / "tuning.json").exists()
    code, _, err = run(capsys, method, "--resume", "--out", killed)
    assert code == 0, err
    ours, theirs = (load_file(folder / result_file(method)) for folder in (killed, tmp_path / "whole"))
    assert ours.keys() == theirs.keys() and all(ours[name].equal(theirs[name]) for name in ours)
    logs = [[{k: v for k, v in row.items() if k != "seconds"} for row in read_log(folder)]
            for folder in (killed, tmp_path / "whole")]  # fmt: skip
    assert logs[0] == logs[1]
    code, _, err = run(capsys, *words_of(method, place, killed))
    assert code == 2 and "holds a run already" in err


def test_what_sft_writes_loads_in_transformers(place, tmp_path, capsys):
    assert run(capsys, *words_of("sft", place, tmp_path / "sft"))[0] == 0
    theirs = AutoTokenizer.from_pretrained(tmp_path / "sft")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "sft")
    ids: Any = theirs.apply_chat_template([{"role": "user", "content": "What is 1 + 1?"}], add_generation_prompt=True,
                                     return_tensors="pt", return_dict=True)  # fmt: skip
    assert model.generate(**ids, max_new_tokens=3, do_sample=False).shape[1] > ids["input_ids"].shape[1]
    assert tokenizer().eot_id in model.generation_config.eos_token_id
    code, out, _ = run(capsys, "chat", "--model", tmp_path / "sft", "--message", "What is 1 + 1?", "--message", "Why?",
                       "--max-new-tokens", "5", "--json")  # fmt: skip
    assert code == 0 and len(json.loads(out)) == 2
    code, out, _ = run(capsys, "chat", "--model", tmp_path / "sft", "--message", "hi", "--max-new-tokens", "5")
    assert code == 0 and out.endswith("\n")


def test_an_adapter_is_merged(place, tmp_path, capsys):
    assert run(capsys, *words_of("lora", place, tmp_path / "lora"))[0] == 0
    merging = ["merge", "--model", place / "base", "--adapter", tmp_path / "lora", "--out", tmp_path / "merged"]
    assert run(capsys, *merging)[0] == 0
    asked = ["--message", "What is 3 + 4?", "--max-new-tokens", "8", "--json"]
    replies = [run(capsys, "chat", *model, *asked)[1] for model in (
        ["--model", tmp_path / "merged"], ["--model", place / "base", "--adapter", tmp_path / "lora"])]  # fmt: skip
    assert replies[0] == replies[1]
    code, _, err = run(capsys, *merging)
    assert code == 2 and "holds a model already" in err
    hub.save(tmp_path / "other", base(seed=1), tokenizer())
    code, _, err = run(capsys, "chat", "--model", tmp_path / "other", "--adapter", tmp_path / "lora", *asked)
    assert code == 2 and "another base" in err


def test_ppo_with_a_reward_model(place, tmp_path, capsys):
    assert run(capsys, *words_of("reward", place, tmp_path / "reward"))[0] == 0
    words = words_of("ppo", place, tmp_path / "ppo")
    words[words.index("arithmetic")] = tmp_path / "reward"
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0 and json.loads(out)["measured"]["held_out_reward"] > 0


def test_classify_stands_beside_counting_words(place, tmp_path, capsys):
    code, out, _ = run(capsys, *words_of("classify", place, tmp_path / "classify"))
    assert code == 0 and "accuracy: " in out and "accuracy of counting words: " in out


def test_data_show(place, capsys):
    code, out, _ = run(capsys, "data", "show", place / "chats.jsonl", "--tokenizer", place / "base", "--count", "2")
    assert code == 0 and out.count("<|begin_of_text|>|") == 2 and out.count("[<|eot_id|>]") == 2
    code, out, _ = run(capsys, "data", "show", place / "chats.jsonl", "--tokenizer", place / "base", "--json")
    shown = json.loads(out)
    chats = [json.loads(line) for line in (place / "chats.jsonl").read_text("utf-8").splitlines()]
    for tokens, chat in zip(shown, chats, strict=False):
        learnt = "".join(token["text"] for token in tokens if token["learnt"])
        assert learnt == chat["messages"][1]["content"] + "<|eot_id|>"


def test_chats_become_training_data(place, tmp_path, capsys):
    words = ["data", "prepare", place / "chats.jsonl", "--chats", "--vocab-size", "300", "--valid-share", "0.2"]
    code, out, _ = run(capsys, *words, "--out", tmp_path / "data", "--json")
    manifest = json.loads(out)
    assert code == 0 and manifest["train"]["documents"] + manifest["valid"]["documents"] <= 80
    from tiny_llama3.shards import Shards
    from tiny_llama3.tokenizer import Tokenizer

    t = Tokenizer.load(tmp_path / "data")
    text = t.decode(Shards.open(tmp_path / "data", "train").slice(0, 60).tolist())
    assert text.startswith("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n")
    assert t.special["<|eot_id|>"] in Shards.open(tmp_path / "data", "train").slice(0, 60)


def test_compare_alignment(place, tmp_path, capsys):
    words = ["compare-alignment", "--model", place / "base", "--steps-factor", "0.02", "--threads", "1", "--out",
             tmp_path / "out", "--methods", "sft", "dpo"]  # fmt: skip
    code, out, err = run(capsys, *words, "--seeds", "1")
    assert code == 0, err
    assert "| sft |" in out and (tmp_path / "out" / "comparison.png").exists()
    first = (tmp_path / "out" / "results.jsonl").read_text("utf-8")
    code, out, err = run(capsys, *words, "--seeds", "2", "--json")
    assert code == 0, err
    assert (tmp_path / "out" / "results.jsonl").read_text("utf-8").startswith(first)  # not done again
    lines = {line["method"]: line for line in json.loads(out)["lines"]}
    assert lines.keys() == {"reward", "sft", "dpo"} and all(line["seeds"] == 2 for line in lines.values())
    code, _, err = run(capsys, *words, "--task", "verses")
    assert code == 2 and "holds a comparison with another task" in err


def test_one_clear_line(place, tmp_path, capsys):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"messages": [{"role": "user", "content": "hi"}]}\n', "utf-8")
    equal = tmp_path / "equal.jsonl"
    equal.write_text('{"prompt": "a", "chosen": "b", "rejected": "b"}\n', "utf-8")
    base_and = ["--model", place / "base", "--out", tmp_path / "out"]
    (tmp_path / "empty").mkdir()
    for words, message in (
        (["sft", *base_and, "--data", bad], "line 1: the last message must be the assistant's"),
        (["dpo", *base_and, "--data", equal], "line 1: 'chosen' and 'rejected' are the same"),
        (["sft", *base_and, "--data", tmp_path / "none"], "no such file"),
        (["sft", *base_and], "name the file to learn from with --data"),
        (["sft", "--out", tmp_path / "out", "--data", bad], "name the base model with --model"),
        (["sft", "--resume", "--out", tmp_path / "out"], "holds no run to go on with"),
        (["sft", "--model", tmp_path / "empty", "--out", tmp_path / "out", "--data", bad], "config.json"),
        (["sft", *base_and, "--data", place / "chats.jsonl", "--sequence", "9"], "every example is longer than 9"),
        (["sft", *base_and, "--data", place / "chats.jsonl", "--learning-rate", "0"], "learning_rate must be above 0"),
        (["lora", *base_and, "--data", place / "chats.jsonl", "--layers", "query"], "no linear layer is called"),
        (["dpo", *base_and, "--data", place / "pairs.jsonl", "--beta", "-1"], "beta must be above 0"),
        (["grpo", *base_and, "--data", place / "prompts.jsonl", "--reward", "nobody"], "--reward must be"),
        (["grpo", *base_and, "--data", place / "prompts.jsonl", "--max-new-tokens", "500"], "lower --max-new-tokens"),
        (["chat", "--model", place / "base", "--json"], "--json needs the messages"),
        (["chat", "--model", place / "base", "--message", " "], "the message is empty"),
        (["data", "exercises", "--split", "test", "--count", "5000", "--task", "verses", "--out", bad], "for fewer"),
        (["data", "exercises", "--mistakes", "2", "--out", bad], "must be from 0 to 1"),
    ):  # fmt: skip
        code, _, err = run(capsys, *words)
        lines = [line for line in err.splitlines() if line.startswith("error:")]
        assert code == 2 and len(lines) == 1 and message in lines[0], (words, err)
        assert not (tmp_path / "out" / "tuning.json").exists()


def test_a_run_is_not_resumed_as_another(place, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(capsys, *words_of("sft", place, out))[0] == 0
    for words, message in (
        (["dpo", "--resume", "--out", out], "was begun with sft, not dpo"),
        (["sft", "--resume", "--out", out, "--steps", "20"], "--steps can't be changed"),
    ):
        code, _, err = run(capsys, *words)
        assert code == 2 and message in err
    description = json.loads((out / "tuning.json").read_text("utf-8"))
    (out / "tuning.json").write_text(json.dumps(description | {"data": "0"}), "utf-8")
    code, _, err = run(capsys, "sft", "--resume", "--out", out)
    assert code == 2 and "data is not as it was" in err
    checkpoints(out)[-1].write_bytes(b"cut")
    (out / "tuning.json").write_text(json.dumps(description), "utf-8")
    code, _, err = run(capsys, "sft", "--resume", "--out", out)
    assert code == 2 and "cut short or damaged" in err
