"""The circle: eight steps in order, each one a few commands of the tracks, in one folder that can be gone on with.

texts -> lessons -> tokens -> base -> tuned -> scores -> answers -> agent
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tiny_shared import UserError
from tiny_shared.endpoint import Settings as Endpoint
from tiny_shared.files import sha256_file

from universe.journal import Journal, Result
from universe.tracks import ROOT, Tracks

POSITIONS = 1024  # tokens of the longest conversation with the model; lessons are shorter
CHUNK, PROMPT = 60, 320  # tokens of a passage and of a prompt, as tiny-rag counts them: small enough for this model
METRICS = {"en": "qa_f1", "zh": "qa_f1_zh"}


@dataclass(frozen=True)
class Plan:
    """What is run. The defaults take about ten minutes on 2 cores."""

    docs: str
    course: bool = True
    seed: int = 0
    vocabulary: int = 1536
    drills: int = 12_000
    pretrain_steps: int = 600
    tune_steps: int = 540
    questions: int = 20


class Loop:
    """One run of the circle. `on_step` is told a step's name before it runs, and None after it."""

    def __init__(self, folder: Path, plan: Plan, on_step: Callable[[str | None], object] = lambda name: None) -> None:
        self.folder, self.plan, self.on_step = folder, plan, on_step
        self.tracks, self.journal = Tracks(folder / "logs"), Journal(folder / "steps")
        self.data = folder / "data"
        found = Endpoint.from_env()
        if found.base_url and not found.model:
            raise UserError("OPENAI_BASE_URL is set, but not OPENAI_MODEL; name the server's model, or unset both")
        if found.base_url and found.model in ("base", "tuned", "control"):
            raise UserError(
                f"OPENAI_MODEL is {found.model!r}, as one of the models here is called; serve it by another name"
            )
        self.other = found if found.base_url else None  # a server that the last three steps ask instead of ours

    def run(self, until: str = "agent") -> dict[str, Result]:
        """Every step up to `until`; those that are done already are only read."""
        from universe.learning import base, tokens, tuned
        from universe.lessons import lessons, texts
        from universe.using import agent, answers, scores

        self.journal = Journal(self.folder / "steps")
        plan = asdict(self.plan)
        other = [self.other.base_url, self.other.model] if self.other else None
        steps: list[tuple[Callable[[Loop, bool], Result], Any]] = [
            (texts, [self._documents(), [sha256_file(path) for path in self.course()]]),
            (lessons, [plan["seed"], plan["questions"]]),
            (tokens, [plan["vocabulary"], plan["drills"]]),
            (base, plan["pretrain_steps"]),
            (tuned, plan["tune_steps"]),
            (scores, other),
            (answers, [plan["questions"], other]),
            (agent, [plan["questions"], other]),
        ]
        for step, settings in steps:
            self.on_step(step.__name__)
            self.journal.step(step.__name__, settings, partial(self._with_commands, step))
            self.on_step(None)
            if step.__name__ == until:
                break
        return self.journal.results

    def _with_commands(self, step: "Callable[[Loop, bool], Result]", same: bool) -> Result:
        self.tracks.ran = []
        result = step(self, same)
        return result | {"commands": self.tracks.ran}

    def course(self) -> list[Path]:
        """The chapters of this repository, as more to read than most people's documents are."""
        found = [*ROOT.glob("*/README*.md"), *ROOT.glob("*/TUTORIAL*.md"), *ROOT.glob("*/blog/*.md")]
        return sorted(found) if self.plan.course else []

    def _documents(self) -> list[Any]:
        """Which files there are, and how they are at this moment."""
        place = Path(self.plan.docs)
        if not place.exists():
            raise UserError(f"{place.as_posix()}: there is no such file or folder; name your documents with --docs")
        files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        return [str(place), *([path.as_posix(), path.stat().st_size, path.stat().st_mtime_ns] for path in files)]
