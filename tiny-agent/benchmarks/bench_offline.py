"""The shipped model through the loop and real tools: exactly right final answers on questions that it has not seen.

500 questions in each language with other numbers and names, and 500 put in words that no training question has. A token
is a character.
"""

from itertools import islice
from typing import Any

from tiny_shared.benchmarks import command

from tiny_agent.offline.model import OfflineModel
from training.measure import measure
from training.questions import examples

QUESTIONS = 500
KINDS = ("sums", "units", "dates", "notes", "other")


def run(scale: float = 1.0) -> str:
    model = OfflineModel()
    trained = model.about["trained"]
    lines = [f"`{command('tiny-agent', 'offline')}`", "",
             f"{trained['parameters']:,} parameters, trained for {trained['steps']:,} steps of {trained['rows']} "
             f"questions in {trained['seconds']:,} s.", "",
             "| unseen | language | questions | final answers | first calls | sums | units | dates | notes | other "
             "| tokens/s |", "|---|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for held, what in ((False, "numbers and names"), (True, "words")):
        for chinese in (False, True):
            asked = list(islice(examples("test", chinese, held), max(10, round(QUESTIONS * scale))))
            found: dict[str, Any] = measure(model, asked)
            kinds = " | ".join(f"{found['by_kind'].get(kind, 0):.1%}" for kind in KINDS)
            lines.append(f"| {what} | {'Chinese' if chinese else 'English'} | {found['questions']} | "
                         f"**{found['answers']:.1%}** | {found['first_calls']:.1%} | {kinds} | "
                         f"{found['characters_a_second']:,} |")  # fmt: skip
    return "\n".join(lines)
