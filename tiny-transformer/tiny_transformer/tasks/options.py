"""A task from its options, as config.json keeps them: the same options and files give the same task on --resume."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_transformer.model import TransformerConfig
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.dates import dates_task
from tiny_transformer.tasks.parallel import parallel_task
from tiny_transformer.tasks.task import Task, Texts
from tiny_transformer.tasks.toys import toy_task
from tiny_transformer.texts import drop_long, refuse_long, side_by_side, tab_separated
from tiny_transformer.training import TrainingConfig, best_precision


def make_task(options: dict[str, Any], tick: Callable[[], object], note: Callable[[str], object]) -> Task:
    """`options`: task and seed; for `parallel` also files, vocab_size, max_len, drop_long.

    `tick` goes off at each BPE merge, `note` hears what is left out. Raises Problem for texts that can't be used.
    """
    if options["task"] == "dates":
        return dates_task(options["seed"])
    if options["task"] != "parallel":
        return toy_task(options["task"], options["seed"])

    def pairs(prefix: str) -> list[Texts]:
        if f"{prefix}tsv" in options:
            return tab_separated(Path(options[f"{prefix}tsv"]))
        return side_by_side(Path(options[f"{prefix}source"]), Path(options[f"{prefix}target"]))

    valid = pairs("valid_") if options.keys() & {"valid_source", "valid_tsv"} else None
    task = parallel_task(pairs(""), valid, options["vocab_size"], options["seed"], tick)
    limit = options["max_len"] - 1  # bos or eos is one more
    for part, texts in (("training", task.train), ("validation", task.valid)):
        if not options["drop_long"]:
            refuse_long(texts, task.tokens_in, limit, f"{part} texts")
            continue
        dropped = drop_long(texts, task.tokens_in, limit)
        note(f"{dropped:,} {part} pairs have more than {limit} tokens and are left out")
        if not texts:
            raise Problem(f"no {part} pair has at most {limit} tokens; raise --max-len")
    return task


def configurations(
    task: Task, model: dict[str, Any], training: dict[str, Any], device: str
) -> tuple[TransformerConfig, TrainingConfig]:
    """The task's own values, and over them those given. Raises Problem for what does not fit."""
    model = task.model | model
    longest = max(map(task.tokens_in, task.train + task.test)) + 1 if task.test else 0  # 1: bos or eos
    if longest > model["max_len"]:
        raise Problem(f"{task.name} has texts of {longest} tokens; raise --max-len (got {model['max_len']})")
    model |= {"vocab_size": task.source_vocabulary.size, "target_vocab_size": task.target_vocabulary.size}
    training = task.training | training
    if training.get("precision") == "auto":
        training["precision"] = best_precision(device)
    return TransformerConfig(**model), TrainingConfig(**training)
