"""What the two shipped models can do: questions that they have not seen, induction heads, experts.

"exactly right" is the share of answers equal to the only right one, greedily, on texts of the generator with a seed
that training didn't use; "new words" are those with names and things made of syllables by chance. An induction score
is the share of attention that a head has on the token after the same token's last place, on random tokens that come
twice. "experts" says how much a token's kind tells about its expert: the largest share of one expert among all tokens
of a kind, where an even spread is 0.25 (2 of 8).
"""

import random
from collections import Counter
from pathlib import Path

from qwen_blog import hub
from qwen_blog.chat_template import chat_ids
from qwen_blog.generate import generate
from qwen_blog.induction import induction_scores
from training import corpus
from training.specialists import shares_by_kind

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"


def run(scale: float = 1.0) -> str:
    lines = ["| model | parameters | lookup | lookup, new words | copy | count | best induction score | experts |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name in ("tiny-qwen2", "tiny-qwen3-moe"):
        model, tokenizer = hub.load(CHECKPOINTS / name)
        assert tokenizer is not None
        right, asked = Counter[str](), Counter[str]()
        chance = random.Random(12345)
        while min([asked[kind] for kind in ("lookup", "new words", "copy", "count")]) < max(2, int(200 * scale)):
            text = corpus.text(chance)
            kind = kind_of(text)
            if not text.question or kind == "greet" or asked[kind] >= 200:
                continue
            ids = chat_ids(tokenizer, [{"role": "user", "content": text.question}])
            if len(ids) > 200:
                continue
            made = generate(model, ids, 40)
            asked[kind] += 1
            right[kind] += tokenizer.decode(made, skip_special=True) == text.answer
        score = float(induction_scores(model).max())
        expert = max(shares_by_kind(model, tokenizer).values()) if model.config.has_experts else None
        shares = " | ".join(f"{right[kind] / asked[kind]:.1%}" for kind in ("lookup", "new words", "copy", "count"))
        count = sum(parameter.numel() for parameter in model.parameters())
        lines.append(f"| {name} | {count:,} | {shares} | {score:.2f} | {'–' if expert is None else f'{expert:.2f}'} |")
    return "`make -C qwen-blog bench ONLY=models`\n\n" + "\n".join(lines)


def kind_of(text: corpus.Text) -> str:
    if text.question.startswith(("Repeat", "请重复")):
        return "copy"
    if text.question.startswith(("Count", "从 ")):
        return "count"
    if text.question in ("Hello!", "你好！"):
        return "greet"
    known = {*corpus.NAMES, *corpus.NAMES.values(), *corpus.PLACES, *corpus.PLACES.values()}
    return "lookup" if any(word in text.answer for word in known) else "new words"
