"""Open the official GPT-2: a folder with config.json, model.safetensors, vocab.json and merges.txt, and let it go on.

The checkpoint is TensorFlow's heritage: its linear layers keep (inputs, outputs), PyTorch's (outputs, inputs).
"""

import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from ..problem import Problem
from .gpt import GPT, GPTConfig, generate
from .gpt_bpe import END_OF_TEXT, GPT2Tokenizer

TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
BUFFERS = (".attn.bias", ".attn.masked_bias")  # the causal mask, which isn't learned
ASSUMED: dict[str, tuple[Any, ...]] = {  # other values would be another model; a field left out means the first
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "tie_word_embeddings": (True,),
    "add_cross_attention": (False,),
}


def load_gpt2(folder: Path) -> GPT:
    """The model of an official folder, in float32. Raises Problem for files that aren't a whole GPT-2."""
    config = read_config(folder / "config.json")
    path = folder / "model.safetensors"
    if not path.exists():
        raise Problem(f"{path.as_posix()} is missing; download it beside config.json (pickled .bin files aren't read)")
    try:
        tensors = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise Problem(f"{path.as_posix()}: cut short or damaged ({error}); download it again") from None
    with torch.device("meta"):
        model = GPT(config)  # nothing to initialise: every number comes from the file
    weights = official_weights(tensors, path)
    check(weights, model.state_dict(), path)
    model.load_state_dict(weights, assign=True)
    return model.eval()


def read_config(path: Path) -> GPTConfig:
    try:
        fields = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise Problem(f"{path.as_posix()} is missing; name a folder with GPT-2's files") from None
    except ValueError as error:
        raise Problem(f"{path.as_posix()} is no JSON ({error}); download it again") from None
    if not isinstance(fields, dict):
        raise Problem(f"{path.as_posix()} is no JSON object; download it again")
    for name, values in ASSUMED.items():
        if fields.get(name, values[0]) not in values:
            raise Problem(f"{path.as_posix()}: {name} is {fields[name]!r}, this model knows {values[0]!r} only")
    names = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "layer_norm_epsilon")
    given = {name: fields[name] for name in names if name in fields}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, float if name == "layer_norm_epsilon" else int):
            raise Problem(f"{path.as_posix()}: {name} must be a number (got {value!r}); download it again")
    try:
        config = GPTConfig(**given)
    except ValueError as error:
        raise Problem(f"{path.as_posix()}: {error}") from None
    if fields.get("n_inner") not in (None, 4 * config.n_embd):
        raise Problem(f"{path.as_posix()}: n_inner is {fields['n_inner']}, this model knows 4 · n_embd only")
    return config


def official_weights(tensors: dict[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor]:
    """The file's tensors under our names: no `transformer.` in front, no mask buffers, linear layers turned."""
    weights = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("transformer.")
        if not name.endswith(BUFFERS):
            turned = tensor.ndim == 2 and name.endswith(TRANSPOSED)
            weights[name] = (tensor.T.contiguous() if turned else tensor).float()
    head_VD = weights.pop("lm_head.weight", None)
    if head_VD is not None and not torch.equal(head_VD, weights.get("wte.weight", head_VD)):
        raise Problem(f"{path.as_posix()}: lm_head.weight differs from wte.weight; this model's head is tied")
    return weights


def check(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], path: Path) -> None:
    """Raise Problem unless the names and shapes are the same."""
    for what, names in (("lacks", wanted.keys() - found.keys()), ("has unknown", found.keys() - wanted.keys())):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise Problem(f"{path.as_posix()} {what} {min(names)}{more}; it doesn't belong to this config.json")
    for name, tensor in wanted.items():
        if found[name].shape != tensor.shape:
            raise Problem(
                f"{path.as_posix()}: {name} has shape {tuple(found[name].shape)}, config.json says "
                f"{tuple(tensor.shape)}; download both again"
            )


def continue_text(
    model: GPT,
    tokenizer: GPT2Tokenizer,
    prompt: str,
    n_new: int = 50,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> str:
    """The prompt and what the model adds, up to the end of the text. An empty prompt starts a text of its own."""
    stop = tokenizer.end_of_text
    ids = tokenizer.encode(prompt)
    if not ids:
        if stop is None:
            raise Problem(f"the prompt is empty and the vocabulary has no {END_OF_TEXT} to begin with; give a prompt")
        ids = [stop]
    if max(tokenizer.id_of.values()) >= model.config.vocab_size:
        raise Problem(
            f"the tokenizer has more tokens than the model ({model.config.vocab_size}); use one folder's files"
        )
    generator = torch.Generator().manual_seed(seed)
    row = generate(
        model, torch.tensor([ids]), n_new, model.config.n_positions, temperature, top_k, generator, stop
    )[0].tolist()  # fmt: skip
    added = row[len(ids) :]
    return prompt + tokenizer.decode(added[: added.index(stop)] if stop in added else added)
