"""Train the two models that the track ships: `python -m training.train` (about 35 minutes on 2 cores).

Both learn the same texts (corpus.py) from one tokenizer. Written to checkpoints/: the official layout, and the log of
the run with the command and the machine. Needs `tokenizers`, for the merges (requirements-dev.txt).
"""

import argparse
import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import tokenizers
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from qwen_blog.config import QwenConfig
from qwen_blog.experts import load_balancing_loss, routers
from qwen_blog.hub import save
from qwen_blog.model import Qwen
from qwen_blog.tokenizer import QWEN_PATTERN, Tokenizer
from training import corpus

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
VOCABULARY, POSITIONS, ROWS = 1024, 256, 16
PEAK, WARM_UP, BALANCE = 3e-3, 100, 0.02
NAMED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SHAPES: dict[str, dict[str, object]] = {
    "tiny-qwen2": {"model_type": "qwen2", "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4,
                   "num_attention_heads": 4, "num_key_value_heads": 2},
    "tiny-qwen3-moe": {"model_type": "qwen3_moe", "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3,
                       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 48, "num_experts": 8,
                       "num_experts_per_tok": 2, "moe_intermediate_size": 64, "norm_topk_prob": True},
}  # fmt: skip


def train_tokenizer(folder: Path) -> None:
    """Qwen's tokenizer in every respect but the size."""
    made = tokenizers.Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(QWEN_PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(corpus.tokenizer_texts(), trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(NAMED), min_frequency=1, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ))  # fmt: skip
    made.add_special_tokens(NAMED)  # after the ordinary ones, as in Qwen's own
    made.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", {
        "tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
        "model_max_length": POSITIONS, "chat_template": TEMPLATE,
    })  # fmt: skip


def batches(seed: int, tokenizer: Tokenizer) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Rows filled with whole texts: ids, which of them count, and which text each belongs to, (B, T) each."""
    end = tokenizer.special["<|endoftext|>"]
    plain = [id for id in range(len(tokenizer)) if id not in set(tokenizer.special.values())]
    stream = corpus.documents(seed, tokenizer.encode, plain, end, POSITIONS)
    waiting = next(stream)
    while True:
        ids_BT = torch.full((ROWS, POSITIONS), end)
        counts_BT = torch.zeros(ROWS, POSITIONS, dtype=torch.bool)
        documents_BT = torch.zeros(ROWS, POSITIONS, dtype=torch.long)
        for row in range(ROWS):
            used, number = 0, 1
            while used + len(waiting[0]) <= POSITIONS:
                ids, counts = waiting
                place = slice(used, used + len(ids))
                ids_BT[row, place], counts_BT[row, place] = torch.tensor(ids), torch.tensor(counts)
                documents_BT[row, place] = number
                used, number, waiting = used + len(ids), number + 1, next(stream)
        yield ids_BT, counts_BT, documents_BT


def train(folder: Path, steps: int, seed: int) -> None:
    name = folder.name
    tokenizer = Tokenizer.from_folder(folder)
    torch.manual_seed(seed)
    config = QwenConfig(
        **SHAPES[name], vocab_size=len(tokenizer), max_position_embeddings=POSITIONS, rope_theta=10_000.0,  # type: ignore[arg-type]
        tie_word_embeddings=True, eos_token_id=(tokenizer.special["<|im_end|>"], tokenizer.special["<|endoftext|>"]),
        pad_token_id=tokenizer.special["<|endoftext|>"],
    )  # fmt: skip
    model = Qwen(config)
    for parameter_name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.05)
        elif "q_norm" in parameter_name or "k_norm" in parameter_name:
            torch.nn.init.constant_(parameter, 2.0)  # at 1, no score can be above √K, too little to pick one of 256
    matrices = [parameter for parameter in model.parameters() if parameter.ndim == 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
                                  betas=(0.9, 0.98), lr=PEAK)  # fmt: skip
    lines, started, sums = [], time.perf_counter(), [0.0, 0.0]
    for step, (ids_BT, counts_BT, documents_BT) in enumerate(tqdm(batches(seed, tokenizer), total=steps, desc=name)):
        if step == steps:
            break
        decay = 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = PEAK * min(1, (step + 1) / WARM_UP) * max(decay, 0.02)
        with routers(model) as said:
            logits_BTV = model(ids_BT, documents=documents_BT)
        targets_BT = ids_BT[:, 1:].masked_fill(~counts_BT[:, 1:], -100)
        loss = functional.cross_entropy(logits_BTV[:, :-1].flatten(0, 1), targets_BT.flatten())
        balance = load_balancing_loss(said, config.num_experts_per_tok, documents_BT != 0) if said else loss * 0
        optimizer.zero_grad()
        (loss + BALANCE * balance).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        sums = [sums[0] + loss.item(), sums[1] + balance.item()]
        if (step + 1) % 100 == 0:
            line = {"step": step + 1, "loss": round(sums[0] / 100, 4), "seconds": round(time.perf_counter() - started)}
            lines.append(line | ({"balance": round(sums[1] / 100, 4)} if said else {}))
            tqdm.write(json.dumps(lines[-1]))
            sums = [0.0, 0.0]
    save(folder, model)
    write(folder / "generation_config.json", {"do_sample": False, "eos_token_id": config.eos_token_id,
                                              "pad_token_id": config.pad_token_id})  # fmt: skip
    about = {"command": f"python -m training.train {name} --steps {steps} --seed {seed}", "seed": seed,
             "parameters": sum(parameter.numel() for parameter in model.parameters()),
             "tokens_per_step": ROWS * POSITIONS, "machine": f"{torch.get_num_threads()} thread(s) of a CPU",
             "torch": torch.__version__}  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in [about, *lines])
    (folder / "training.jsonl").write_text(text, encoding="utf-8")


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SHAPES), help="which models (default: both)")
    parser.add_argument("--steps", type=int, default=3000, help="batches (default: 3000)")
    parser.add_argument("--seed", type=int, default=0, help="of texts and weights (default: 0)")
    arguments = parser.parse_args()
    for name in arguments.names:
        with tempfile.TemporaryDirectory() as temporary:  # the old model stays until the new one is whole
            folder = Path(temporary, name)
            folder.mkdir()
            train_tokenizer(folder)
            train(folder, arguments.steps, arguments.seed)
            shutil.rmtree(CHECKPOINTS / name, ignore_errors=True)
            shutil.copytree(folder, CHECKPOINTS / name)


if __name__ == "__main__":
    main()
