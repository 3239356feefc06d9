"""The example of the text, then the heads of the shipped model against qwen_blog.induction."""

import random
from pathlib import Path
from types import ModuleType

from tiny_shared.exercises import expect

from qwen_blog import hub
from qwen_blog.compare import look
from qwen_blog.induction import induction_scores

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "tiny-qwen2"


def check(answer: ModuleType) -> None:
    weights = [[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.1, 0.9, 0, 0], [0.1, 0.1, 0.7, 0.1]]
    expect("the score of the example", answer.induction_score(weights, 2), 0.8, 1e-6)
    expect(
        "the score of [[1, 0], [0.25, 0.75]] with half = 1",
        answer.induction_score([[1, 0], [0.25, 0.75]], 1),
        0.75,
        1e-6,
    )
    model, _ = hub.load(CHECKPOINT)
    ids = random.Random(0).sample(range(model.config.vocab_size), 24)
    found = look(model, ids + ids)
    wanted = induction_scores(model, half=24, texts=1)
    for layer, weights_HTS in enumerate(found.weights_HTS):
        for head, weights_TS in enumerate(weights_HTS):
            got = answer.induction_score(weights_TS.tolist(), 24)
            expect(f"the score of layer {layer}, head {head}", got, float(wanted[layer, head]), 1e-4)
