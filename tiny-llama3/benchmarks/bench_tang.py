"""The classic lesson on Tang poems: pretrain, teach to write a poem for a title, then prefer lines of five characters.

With `--data DIR`: the poems in DIR/tang_poems.jsonl.gz. Without it there is nothing to measure. The three runs are kept
in runs/bench-tang and not made anew; interrupted ones are resumed.

1. pretrain the `nano` shape with 2,048 tokens (1.0M parameters) on titles and poems, as plain text
2. sft: "write a poem with this title", the poem as the answer
3. dpo, in two short rounds: for 2,000 titles of the training set the model writes four poems each; a pair is one
   whose lines all have five characters and one whose lines don't. The pairs are the model's own, so only the form is
   preferred; and as each round has new ones, it sees what went wrong in the one before. One long round on the pairs of
   the tuned model alone came to 80 to 84 % instead: lines of seven became lines of four, six, or half a character

Then the same 200 titles, which no run has seen, go to all three models at temperature 0.8 and top-p 0.95. A poem counts
as of five characters if it has two lines or more, and all of them are five Chinese characters. Against degenerate poems
stand the share of poems that repeat a line, the share of different characters, the lines of a poem, and the shares of
answers that were cut off and that hold half a character (the tokens are bytes).

Beside the losses stand those that TutorialLLM (github.com/jingedawang/TutorialLLM) publishes for a model of 1.3M
parameters: 4.68 after 10,000 steps of pretraining and 3.35 after fine-tuning. Its token is a character, so ours are
given in nats a character: nats a token times tokens a character. Its poems are in another edition and its split is
another, so the figures are neighbours, not rivals.
"""

import gzip
import json
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_shared.benchmarks import command

from benchmarks.trained import TRACK, main_py, rows_of

KEPT = TRACK / "runs" / "bench-tang"
MINUTES = 8.0  # of pretraining
SFT_STEPS, DPO_STEPS = 1200, 50
ASKED, SHOWN, DRAWN = 200, 10, 4
ROUNDS, WRITTEN_FOR = 2, 2000
NEW_TOKENS = 160
FIVE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]{5}")
LINE_ENDS = re.compile(r"[，。？！；：、\n]+")


@dataclass(frozen=True)
class Poem:
    title: str
    text: str


def run(data: Path | None, scale: float = 1.0) -> str:
    again = command("tiny-llama3", "tang", data)
    if data is None or not (data / "tang_poems.jsonl.gz").is_file():
        return f"`{again}`\n\nNot measured: this part needs `--data DIR` with tang_poems.jsonl.gz."
    kept = KEPT if scale == 1 else KEPT.with_name(f"bench-tang-{scale:g}")
    kept.mkdir(parents=True, exist_ok=True)
    train, test = split(read(data / "tang_poems.jsonl.gz"))
    base = pretrained(kept, train, scale)
    tuned = fine_tuned(kept, base, train, scale)
    preferred = tuned
    for number in range(1, ROUNDS + 1):
        pairs = own_pairs(kept / f"pairs-{number}.jsonl", preferred, train, scale, number)
        preferred = preferring(kept / f"dpo-{number}", preferred, pairs, scale)
    titles = [poem.title for poem in test[: max(SHOWN, round(ASKED * min(scale, 1)))]]
    lines = [f"`{again}`", "", losses(kept, base, tuned, test), "",
             "| model | five characters | poems of another even form | lines | repeat a line | different characters "
             "| cut off | half a character |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    samples = {}
    for name, model in (("pretrained", base), ("after SFT", tuned), ("after DPO", preferred)):
        poems = written(model, titles)
        lines.append(reported(name, poems))
        samples[name] = poems[:SHOWN]
    lines += ["", f"The first {SHOWN} titles, and what each model writes:", ""]
    for number, title in enumerate(titles[:SHOWN]):
        lines.append(f"- {title}")
        lines += [f"  - {name}: {one_line(poems[number]['text'])}" for name, poems in samples.items()]
    return "\n".join(lines)


def read(path: Path) -> list[Poem]:
    """Of two to eight lines, and a title of at most twelve characters: the long ones are rare and don't fit a row."""
    poems = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            poem = Poem(row["title"].strip(), "\n".join(row["paragraphs"]).strip())
            if 1 <= len(poem.title) <= 12 and 2 <= len(lines_of(poem.text)) <= 8 and len(poem.text) <= 70:
                poems.append(poem)
    return poems


def split(poems: Sequence[Poem]) -> tuple[list[Poem], list[Poem]]:
    """One title in twenty is never seen; a title's poems stay together."""
    titles = sorted({poem.title for poem in poems})
    held_out = set(random.Random("tang").sample(titles, len(titles) // 20))
    shuffled = random.Random("order").sample(list(poems), len(poems))
    test = list({poem.title: poem for poem in shuffled if poem.title in held_out}.values())
    return [poem for poem in shuffled if poem.title not in held_out], test


def pretrained(kept: Path, train: Sequence[Poem], scale: float) -> Path:
    data, run_folder = kept / "data", kept / "base"
    if not (data / "manifest.json").is_file():
        texts = kept / "poems.jsonl"
        write_rows(texts, ({"text": f"{poem.title}\n{poem.text}"} for poem in train))
        main_py("data", "prepare", texts, "--vocab-size", "2048", "--valid-share", "0.02", "--name", "tang-titles",
                "--out", data)  # fmt: skip
    if not (run_folder / "run.json").is_file():
        main_py("pretrain", "--data", data, "--preset", "nano", "--minutes", f"{MINUTES * scale:g}", "--evaluate-every",
                "250", "--out", run_folder)  # fmt: skip
    elif not (kept / "base.done").is_file():
        main_py("pretrain", "--resume", "--out", run_folder)
    (kept / "base.done").touch()
    return run_folder


def fine_tuned(kept: Path, base: Path, train: Sequence[Poem], scale: float) -> Path:
    chats = kept / "chats.jsonl"
    if not chats.is_file():
        write_rows(chats, ({"messages": [*prompt(poem.title), {"role": "assistant", "content": poem.text}]}
                           for poem in train))  # fmt: skip
    tune("sft", kept / "sft", "--model", base, "--data", chats, "--steps", max(2, round(SFT_STEPS * scale)),
         "--learning-rate", "1e-3")  # fmt: skip
    return kept / "sft"


def own_pairs(path: Path, model: Path, train: Sequence[Poem], scale: float, number: int) -> Path:
    """Of the model's own poems for a title, one in five characters and one that isn't; other titles in each round."""
    if not path.is_file():
        count = max(40, round(WRITTEN_FOR * scale))
        titles = list(dict.fromkeys(poem.title for poem in train))[(number - 1) * count : number * count]
        poems = written(model, [title for title in titles for _ in range(DRAWN)], seed=number)
        rows = []
        for place in range(len(titles)):
            own = poems[place * DRAWN : (place + 1) * DRAWN]
            good = [each["text"] for each in own if five_characters(each["text"]) and each["finish"] == "end"]
            bad = [each["text"] for each in own if not five_characters(each["text"]) and each["text"].strip()]
            rows += [{"prompt": prompt(titles[place]), "chosen": chosen, "rejected": rejected}
                     for chosen, rejected in zip(good, bad, strict=False)]  # fmt: skip
        write_rows(path, rows)
    return path


def preferring(out: Path, model: Path, pairs: Path, scale: float) -> Path:
    tune("dpo", out, "--model", model, "--data", pairs, "--steps", max(2, round(DPO_STEPS * scale)),
         "--learning-rate", "5e-5", "--beta", "0.3")  # fmt: skip
    return out


def tune(method: str, out: Path, *arguments: object) -> None:
    """Begin, go on, or leave alone what is finished: the model's folder comes last."""
    if (out / "config.json").is_file():
        return
    if (out / "tuning.json").is_file():
        main_py(method, "--resume", "--out", out)
    else:
        main_py(method, *map(str, arguments), "--out", out)


def written(model: Path, titles: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """One poem for each title, with how it ended."""
    from tiny_llama3 import hub
    from tiny_llama3.chat_template import Message, prompt_ids
    from tiny_llama3.generate import end_ids, steps
    from tiny_llama3.sampling import Sampling

    llama, tokenizer = hub.load(model)
    assert tokenizer is not None
    chats = "tuning.json" in {path.name for path in model.iterdir()}
    poems: list[dict[str, Any]] = []
    for start in range(0, len(titles), 100):
        part = titles[start : start + 100]
        if chats:
            asked = [prompt_ids(tokenizer, [Message("user", instruction(title))]) for title in part]
        else:
            asked = [[tokenizer.bos_id or 0, *tokenizer.encode(f"{title}\n")] for title in part]
        ends = end_ids(llama) | {id for id in (tokenizer.eos_id, tokenizer.eot_id, tokenizer.bos_id) if id is not None}
        rows: list[list[int]] = [[] for _ in asked]
        going = set(range(len(asked)))
        sampling = Sampling(temperature=0.8, top_p=0.95)
        for chosen in steps(llama, asked, NEW_TOKENS, sampling, seed * 1000 + start):
            for row in list(going):
                if chosen[row] in ends:
                    going.discard(row)
                else:
                    rows[row].append(chosen[row])
            if not going:
                break
        for row, ids in enumerate(rows):
            text = tokenizer.decode(ids, skip_special=True).strip()
            poems.append({"text": text, "finish": "length" if row in going else "end"})
    return poems


def losses(kept: Path, base: Path, tuned: Path, test: Sequence[Poem]) -> str:
    """In nats a character: of whole poems for the base, of answers for the tuned model."""
    import torch

    from tiny_llama3 import hub
    from tiny_llama3.align.log_probability import answer_log_probabilities
    from tiny_llama3.align.rows import one_a_row
    from tiny_llama3.chat_template import Chat, Message, encode_chat

    rows = ["| loss on unseen titles | nats a character | TutorialLLM | steps | parameters |", "|---|---|---|---|---|"]
    for name, folder, published in (("pretraining", base, 4.68), ("SFT, the answer", tuned, 3.35)):
        model, tokenizer = hub.load(folder)
        assert tokenizer is not None
        chats = []
        for poem in test[:400]:
            if folder == tuned:
                said = [Message("user", instruction(poem.title)), Message("assistant", poem.text)]
                chats.append(encode_chat(tokenizer, said))
            else:
                ids = [tokenizer.bos_id or 0, *tokenizer.encode(f"{poem.title}\n{poem.text}"), tokenizer.eos_id or 0]
                chats.append(Chat(ids, [False] + [True] * (len(ids) - 1)))
        with torch.no_grad():
            total = -sum(float(answer_log_probabilities(model, one_a_row(chats[start : start + 50])).sum())
                         for start in range(0, len(chats), 50))  # fmt: skip
        characters = sum(len(poem.text) + 1 + (0 if folder == tuned else len(poem.title) + 1) for poem in test[:400])
        steps = rows_of(folder)[-1]["step"]
        parameters = sum(each.numel() for each in model.parameters())
        rows.append(f"| {name} | **{total / characters:.2f}** | {published} | {steps:,} | {parameters:,} |")
    return "\n".join(rows)


def reported(name: str, poems: Sequence[dict[str, Any]]) -> str:
    texts = [each["text"] for each in poems]
    fives = sum(map(five_characters, texts)) / len(texts)
    even = sum(not five_characters(text) and len({len(line) for line in lines_of(text)}) == 1 and
               len(lines_of(text)) > 1 for text in texts) / len(texts)  # fmt: skip
    repeated = sum(len(set(lines_of(text))) < len(lines_of(text)) for text in texts) / len(texts)
    different = [len(set(own)) / len(own) for text in texts if (own := "".join(lines_of(text)))]
    cut = sum(each["finish"] == "length" for each in poems) / len(poems)
    halves = sum("\ufffd" in text for text in texts) / len(texts)
    lines = sum(len(lines_of(text)) for text in texts) / len(texts)
    return (f"| {name} | **{fives:.1%}** | {even:.1%} | {lines:.1f} | {repeated:.1%} | "
            f"{sum(different) / max(len(different), 1) if different else math.nan:.2f} | {cut:.1%} | "
            f"{halves:.1%} |")  # fmt: skip


def lines_of(text: str) -> list[str]:
    return [line for line in LINE_ENDS.split(text) if line]


def five_characters(text: str) -> bool:
    lines = lines_of(text)
    return len(lines) > 1 and all(FIVE.fullmatch(line) for line in lines)


def instruction(title: str) -> str:
    return f"請以“{title}”為題寫一首詩。"


def prompt(title: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": instruction(title)}]


def one_line(text: str) -> str:
    return text.replace("\n", " / ")


def write_rows(path: Path, rows: Any) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    temporary.replace(path)
