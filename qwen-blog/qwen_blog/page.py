"""The journey as one HTML file: it carries the tensors, draws them, and computes them again to prove itself.

No library, no network: the page's own policy forbids both. What doesn't fit is cut from the end, and the page says how
much of how much is shown.
"""

import base64
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qwen_blog.problem import Problem
from qwen_blog.stations import STATIONS
from qwen_blog.trace import Journey, Step

TEMPLATE = Path(__file__).with_name("journey.html")
LARGEST = 1 << 20  # bytes
# How many of each dimension are shown at first, and what is cut next while the page is too large.
FIRST = {"T": 64, "D": 128, "F": 64, "H": 32, "V": 64, "E": 64}
CUTS = ("F32 D64 H8 D32 T32 H4 T24 F16 H2 D16 T16 H1 T8 D8 F8 T4").split()
DIMENSIONS = {"T": ("tokens", "词元"), "S": ("looked at", "被看的词元"), "D": ("hidden size", "隐藏维度"),
              "H": ("heads", "头"), "G": ("key/value heads", "键值头"), "K": ("head size", "头的维度"),
              "X": ("all heads", "所有头"),
              "F": ("features", "特征"), "E": ("experts", "专家"), "V": ("vocabulary", "词表")}  # fmt: skip
DERIVED = ("masked", "joined")  # follow from the step before without arithmetic, so the page makes them itself


def page(journey: Journey, *, model: str = "", language: str = "en", largest: int = LARGEST) -> str:
    """The whole file, at most `largest` bytes of UTF-8. Raises Problem if even the smallest cut is larger."""
    limits = dict(FIRST)
    for cut in ("", *CUTS):
        if cut:
            if limits[cut[0]] <= int(cut[1:]):
                continue
            limits[cut[0]] = int(cut[1:])
        content = _content(journey, limits, model, language)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        # inside a script element only "<" could end it ("</script>") or change how it is read ("<!--")
        made = TEMPLATE.read_text(encoding="utf-8").replace("__JOURNEY__", text.replace("<", "\\u003c"))
        if len(made.encode("utf-8", "replace")) <= largest:
            return made
    raise Problem(f"the page needs more than {largest:,} bytes even when cut; look at fewer layers or a shorter text")


def _content(journey: Journey, limits: dict[str, int], model: str, language: str) -> dict[str, Any]:
    config = journey.config
    shared = config.num_attention_heads // config.groups
    limits = limits | {"S": limits["T"], "G": -(-limits["H"] // shared)}
    sources: list[dict[str, Any]] = []
    whole: dict[str, tuple[str, str]] = {}
    steps = []
    for step in journey.steps:
        row: dict[str, Any] = {"key": step.key, "station": step.station, "layer": step.layer, "before": step.before,
                               "dims": step.dims, "shape": None, "shown": []}  # fmt: skip
        if step.source is not None:
            source = asdict(step.source)
            row["focus"] = source.pop("focus")
            if source not in sources:
                sources.append(source)
            row["source"] = sources.index(source)
        if step.tensor is not None:
            row |= _tensor(step, limits, config.head_size)
        if step.key in journey.norms and step.tensor is not None and row["shown"][-1] < row["shape"][-1]:
            # a norm needs the whole row: the last one that is shown is carried whole, for the check
            before = journey.step(str(step.before)).tensor
            assert before is not None
            last = row["shown"][0] - 1
            whole[step.key] = base64_of(before[last]), base64_of(step.tensor[last])
        steps.append(row)
    count = len(journey.tokens)
    return {
        "model": model, "language": language,
        "tokens": [_token(token) for token in journey.tokens], "next": _token(journey.next), "top": journey.top,
        "steps": steps, "sources": sources, "shown": {"T": [min(count, limits["T"]), count]},
        "frequency": base64_of(journey.frequency_P), "ropeLength": journey.rope_length, "eps": config.rms_norm_eps,
        "shared": shared, "norms": {key: base64_of(weight) for key, weight in journey.norms.items()}, "whole": whole,
        "windows": {layer: config.window(layer) for layer in journey.layers},
        "lens": {"best": journey.lens.best_LT[:, : limits["T"]].tolist(),
                 "probability": _rounded(journey.lens.best_probability_LT[:, : limits["T"]]),
                 "final": _rounded(journey.lens.final_probability_LT[:, : limits["T"]]),
                 "texts": journey.lens.texts},
        "sampling": {"temperature": journey.sampling.temperature, "top_k": journey.sampling.top_k,
                     "top_p": journey.sampling.top_p},
        "stations": {name: asdict(station) for name, station in STATIONS.items()}, "dimensions": DIMENSIONS,
    }  # fmt: skip


def _tensor(step: Step, limits: dict[str, int], head_size: int) -> dict[str, Any]:
    assert step.tensor is not None
    cut = step.tensor[tuple(slice(min(limits.get(name, size), size)) for name, size in
                            zip(step.dims, step.tensor.shape, strict=True))]  # fmt: skip
    finite = step.tensor[step.tensor.isfinite()]
    row: dict[str, Any] = {"shape": list(step.tensor.shape), "shown": list(cut.shape), "least": float(finite.min()),
                           "most": float(finite.max()), "rms": float(finite.square().mean().sqrt())}  # fmt: skip
    if step.station in DERIVED:
        if step.station == "joined":  # as many columns as the heads that are shown have
            row["shown"][1] = min(cut.shape[1], limits["H"] * head_size)
        return row | {"derived": step.station}
    return row | {"data": base64_of(cut)}


def _token(token: Any) -> dict[str, Any]:
    return {"id": token.id, "text": token.text, "bytes": list(token.bytes), "pretoken": token.pretoken}


def _rounded(tensor: Tensor) -> list[list[float]]:
    return [[round(value, 5) for value in row] for row in tensor.tolist()]


def base64_of(tensor: Tensor) -> str:
    """float32, little-endian, row by row."""
    numbers = tensor.detach().to(torch.float32).contiguous().numpy().astype("<f4")
    return base64.b64encode(numbers.tobytes()).decode("ascii")
