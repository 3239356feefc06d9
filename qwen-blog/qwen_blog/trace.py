"""One forward pass, station by station: the tensor's journey from text to the next token, with the code that ran.

The model runs as it is, in float32 and with attention written out; recorder.py keeps what its functions had in hand.
Shapes: T positions, S positions asked, D hidden size, H query heads, G key/value heads, K head size, F intermediate
size, E experts, X = H * K, V vocabulary, L layers.
"""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen_blog.config import QwenConfig
from qwen_blog.model import Qwen
from qwen_blog.problem import Problem
from qwen_blog.recorder import Source, Visit, recorded, source_of
from qwen_blog.rope import stretch
from qwen_blog.sampling import Sampling, choose, filtered
from qwen_blog.tokenizer import Added, Tokenizer

TOP = 20
LENS_ROWS = 64  # rows of logits held at a time


@dataclass(frozen=True)
class Token:
    id: int
    text: str
    bytes: bytes
    pretoken: int  # the number of the stretch that it was cut from


@dataclass(frozen=True)
class Step:
    """One station. `tensor` has no batch dimension; `dims` names its dimensions by the letters above."""

    key: str  # "L0.scores"
    station: str  # "scores", in stations.py
    layer: int | None
    before: str | None  # the step whose tensor this one is made from
    dims: tuple[str, ...] = ()
    tensor: Tensor | None = None
    source: Source | None = None


@dataclass(frozen=True)
class Lens:
    """What the model would say at each position: row 0 after the embedding, row l + 1 after layer l."""

    best_LT: Tensor  # ids
    best_probability_LT: Tensor
    final_probability_LT: Tensor  # of the token that the last layer finds most likely
    texts: dict[int, str]  # of the ids in best_LT


@dataclass(frozen=True)
class Journey:
    text: str
    tokens: tuple[Token, ...]
    config: QwenConfig
    layers: tuple[int, ...]  # those that are looked at
    steps: tuple[Step, ...]
    frequency_P: Tensor
    rope_length: float
    norms: dict[str, Tensor]  # the weights of the norms, by the step that they make
    lens: Lens
    top: tuple[tuple[int, str, float, float], ...]  # id, text, logit, probability after the sampling's filters
    next: Token
    sampling: Sampling

    def step(self, key: str) -> Step:
        return next(step for step in self.steps if step.key == key)


@torch.no_grad()
def trace(model: Qwen, tokenizer: Tokenizer | None, text: str, *, layers: Sequence[int] | None = None,
          sampling: Sampling | None = None, seed: int = 0, ids: Sequence[int] | None = None) -> Journey:  # fmt: skip
    """Travel with `text` through the model; `ids` are its tokens, if they aren't simply the text's.

    `layers` are the ones to look at: by default all of up to 4, else the first, the middle and the last. Raises Problem
    for an empty text, one that is too long, or a layer that there isn't.
    """
    if tokenizer is None:
        raise Problem("the folder has no tokenizer, so a text can't be traced; copy the whole folder again")
    ids = tokenizer.encode(text) if ids is None else list(ids)
    if not ids:
        raise Problem("the text has no token; write something")
    config = model.config
    count = config.num_hidden_layers
    if layers is None:
        layers = range(count) if count <= 4 else (0, count // 2, count - 1)
    if wrong := [layer for layer in layers if not 0 <= layer < count]:
        raise Problem(f"there is no layer {wrong[0]}; the model has the layers 0 to {count - 1}")
    layers = tuple(sorted(set(layers)))
    weight = model.model.norm.weight
    if weight.dtype != torch.float32:
        model = copy.deepcopy(model).float()
    root, logits_BTV = recorded(model, ids)
    sampling = sampling or Sampling()
    logits_V = logits_BTV[0, -1].float().cpu()
    chosen = choose(logits_V, ids, sampling, random.Random(seed))
    probability_V = (logits_V if sampling.temperature == 0 else filtered(logits_V, sampling)).softmax(-1)
    best = logits_V.topk(min(TOP, len(logits_V))).indices.tolist()
    return Journey(
        text=text,
        tokens=_tokens(tokenizer, ids),
        config=config,
        layers=layers,
        steps=tuple(_steps(root, config, layers)),
        frequency_P=model.model.frequency_P,
        rope_length=stretch(config.yarn),
        norms=_norms(root, model, layers),
        lens=_lens(model, root, tokenizer),
        top=tuple((id, tokenizer.decode([id]), float(logits_V[id]), float(probability_V[id])) for id in best),
        next=_tokens(tokenizer, [chosen])[0],
        sampling=sampling,
    )


def _tokens(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[Token, ...]:
    """The tokens with the number of the pre-token that each came from."""
    text = tokenizer.decode(ids)
    ends, end = [], 0
    for part in tokenizer.parts(text):
        for pretoken in [part.text] if isinstance(part, Added) else tokenizer.pretokens(part):
            end += len(pretoken.encode())
            ends.append(end)
    tokens, reached, number = [], 0, 0
    for id in ids:
        data = tokenizer.token_bytes(id)
        while number + 1 < len(ends) and reached >= ends[number]:
            number += 1
        tokens.append(Token(id, data.decode("utf-8", "replace"), data, number))
        reached += len(data)
    return tuple(tokens)


# ---- the stations --------------------------------------------------------------------------------------------------


def _steps(root: Visit, config: QwenConfig, layers: Sequence[int]) -> list[Step]:
    body = root.first("Body.forward")
    visits = body.all("Layer.forward")
    steps = [Step("text", "text", None, None), Step("bytes", "bytes", None, "text"), Step("ids", "ids", None, "bytes")]
    embedded = visits[0].tensors["x_BTD"]
    steps.append(Step("embed", "embed", None, "ids", ("T", "D"), _plain(embedded), source_of(body, "x_BTD")))
    for layer in layers:
        steps += _layer(visits[layer], layer, config, f"L{layer}.", steps[-1].key, layer - 1 in layers or layer == 0)
    if len(visits) - 1 not in layers:
        last = visits[-1]
        steps.append(
            Step("stream", "stream", None, steps[-1].key, ("T", "D"), _plain(last.result), source_of(last, None))
        )
    final = body.inside[-1]  # the norm, called last
    steps.append(Step("final", "final", None, steps[-1].key, ("T", "D"), _plain(body.result), source_of(final, None)))
    head = root.first("Qwen.forward")
    logits = _plain(head.tensors["logits_BTV"])
    steps.append(Step("logits", "logits", None, "final", ("T", "V"), logits, source_of(head, "logits_BTV")))
    return [*steps, Step("lens", "lens", None, "logits"), Step("sampled", "sampled", None, "logits")]


def _layer(visit: Visit, layer: int, config: QwenConfig, at: str, before: str, follows: bool) -> list[Step]:
    """`follows`: the step before is this layer's input; else layers in between aren't looked at, and it is shown."""
    steps: list[Step] = []

    def add(station: str, before: str | None, dims: str, tensor: Tensor, where: Visit, name: str | None) -> str:
        key = f"{at}{station}"
        steps.append(Step(key, station, layer, before, tuple(dims), _plain(tensor), source_of(where, name)))
        return key

    attention = visit.first("Attention.forward")
    mixing = attention.first("attend")
    norms = [each for each in visit.inside if each.function == "RMSNorm.forward"]
    have, looked, mix = visit.tensors, attention.tensors, mixing.tensors
    if not follows:
        before = add("stream", before, "TD", have["x_BTD"], visit, None)
    normed = add("norm", before, "TD", have["normed_BTD"], norms[0], None)
    names = {"query": "HTK", "key": "GTK", "value": "GTK"}
    last = {}
    for name, dims in names.items():
        raw = looked[f"{name}_B{dims}"]
        if config.qk_norm and name != "value":
            outer = attention.first(f"Qwen3Attention.{'queries' if name == 'query' else 'keys'}")
            inner = outer.inside[0]
            key = add(name, normed, dims, inner.result, inner, None)
            last[name] = add(f"{name}_norm", key, dims, raw, outer, None)
        else:
            last[name] = add(name, normed, dims, raw, attention, f"{name}_B{dims}")
    query = add("turned_query", last["query"], "HTK", looked["turned_query_BHTK"], attention, "turned_query_BHTK")
    add("turned_key", last["key"], "GTK", looked["turned_key_BGTK"], attention, "turned_key_BGTK")
    scores = add("scores", query, "HTS", mix["scores_BHTS"], mixing, "scores_BHTS")
    masked = add("masked", scores, "HTS", mix["masked_BHTS"], mixing, "masked_BHTS")
    weights = add("weights", masked, "HTS", mix["weights_BHTS"], mixing, "weights_BHTS")
    mixed = add("mixed", weights, "HTK", mix["mixed_BHTK"], mixing, "mixed_BHTK")
    joined = add("joined", mixed, "TX", looked["joined_BTX"], attention, "joined_BTX")
    attended = add("attended", joined, "TD", have["attended_BTD"], attention, None)
    middle = add("middle", attended, "TD", have["middle_BTD"], visit, "middle_BTD")
    again = add("norm_again", middle, "TD", have["normed_again_BTD"], norms[-1], None)
    if config.sparse(layer):
        experts = visit.first("SparseMLP.forward")
        routed = experts.tensors
        router = add("router", again, "TE", routed["probability_NE"][None], experts, "probability_NE")
        shares = torch.zeros_like(routed["probability_NE"]).scatter(1, routed["chosen_NC"], routed["share_NC"].float())
        chosen = add("chosen", router, "TE", shares[None], experts, "share_NC")
        thought = add("experts_out", chosen, "TD", have["thought_BTD"], experts, "mixed_ND")
    else:
        mlp = visit.first("MLP.forward")
        add("gate", again, "TF", mlp.tensors["gate_BTF"], mlp, "gate_BTF")
        add("up", again, "TF", mlp.tensors["up_BTF"], mlp, "up_BTF")
        gated = add("gated", f"{at}gate", "TF", mlp.tensors["gated_BTF"], mlp, "gated_BTF")
        thought = add("thought", gated, "TD", have["thought_BTD"], mlp, None)
    add("out", thought, "TD", have["out_BTD"], visit, "out_BTD")
    return steps


def _plain(tensor: Tensor) -> Tensor:
    """Without the batch dimension, in float32, on the CPU."""
    return tensor[0].float().cpu()


def _norms(root: Visit, model: Qwen, layers: Sequence[int]) -> dict[str, Tensor]:
    """The norms' weights as they were while they ran (with low memory they are gone by now)."""
    found: dict[str, Tensor] = {"final": model.model.norm.weight}
    visits = root.first("Body.forward").all("Layer.forward")
    for layer in layers:
        norms = visits[layer].all("RMSNorm.forward")
        names = ["norm", "query_norm", "key_norm", "norm_again"] if len(norms) == 4 else ["norm", "norm_again"]
        found |= {f"L{layer}.{name}": norm.tensors["self.weight"] for name, norm in zip(names, norms, strict=True)}
    return {key: weight.float().cpu() for key, weight in found.items()}


def _lens(model: Qwen, root: Visit, tokenizer: Tokenizer) -> Lens:
    """The head's opinion of every layer's rows (nostalgebraist 2020, "interpreting GPT: the logit lens")."""
    visits = root.first("Body.forward").all("Layer.forward")
    rows_LTD = torch.stack([visits[0].tensors["x_BTD"][0], *(visit.tensors["out_BTD"][0] for visit in visits)])
    layers, length, _ = rows_LTD.shape
    final_T = model.lm_head(root.first("Body.forward").result[0]).argmax(-1)
    best, sure, of_final = [], [], []
    rows_ND = model.model.norm(rows_LTD.flatten(0, 1))
    wanted_N = final_T.repeat(layers)
    for start in range(0, len(rows_ND), LENS_ROWS):
        probability_NV = model.lm_head(rows_ND[start : start + LENS_ROWS]).float().softmax(-1)
        highest = probability_NV.max(-1)
        best.append(highest.indices)
        sure.append(highest.values)
        of_final.append(probability_NV.gather(1, wanted_N[start : start + LENS_ROWS, None])[:, 0])
    best_LT, sure_LT, final_LT = (torch.cat(each).view(layers, length).cpu() for each in (best, sure, of_final))
    return Lens(best_LT, sure_LT, final_LT, {id: tokenizer.decode([id]) for id in best_LT.unique().tolist()})
