"""What two tracks have each written for themselves must agree: the same folder and text, through both command lines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINT = ROOT / "qwen-blog" / "checkpoints" / "tiny-qwen2"
TEXTS = ["The blue lamp belongs to Mara. The red cup belongs to Tom. The blue lamp belongs to",
         "红台灯是小梅的。蓝杯子是阿明的。红台灯是", "3 4 5 6 7 8", "Zoë's  12\n\nnew lines 🙂"]  # fmt: skip
QWEN3 = """
import sys, torch
from qwen_blog.config import QwenConfig
from qwen_blog.hub import save
from qwen_blog.model import Qwen
torch.manual_seed(3)
model = Qwen(QwenConfig("qwen3", int(sys.argv[2]), 48, 64, 3, 6, 2, 20, 256))
for parameter in model.parameters():
    torch.nn.init.normal_(parameter, 1.0 if parameter.ndim == 1 else 0.0, 0.2)
save(sys.argv[1], model)
"""


def run(track, *words):
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT / track, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["qwen2", "qwen3"])
def folder(request, tmp_path_factory):
    """The model that qwen-blog ships, or a Qwen3 of random weights with the same tokenizer."""
    if request.param == "qwen2":
        return CHECKPOINT
    folder = tmp_path_factory.mktemp("qwen3")
    size = json.loads((CHECKPOINT / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    run("qwen-blog", "-c", QWEN3, str(folder), str(size))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((CHECKPOINT / name).read_bytes())
    return folder


def test_qwen_blog_and_tiny_llama3_write_the_same(folder):
    common = ("--model", str(folder), "--max-new-tokens", "24", "--temperature", "0", "--json", "--device", "cpu")
    there = json.loads(run("tiny-llama3", "main.py", "generate", *TEXTS, *common))
    for text, other in zip(TEXTS, there, strict=True):
        here = json.loads(run("qwen-blog", "main.py", "generate", text, *common))
        assert (here["text"], here["finish"]) == (other["text"], other["finish"])
