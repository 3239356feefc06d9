"""Examine an index: is it whole, what was it built with, what should its owner know?"""

from pathlib import Path
from typing import Any

from .analysis import VERSION as ANALYSER
from .durable import StoreError
from .index import FORMAT, documents_in, load_terms, open_index
from .leg_weight import Evidence


def examine(folder: Path) -> dict[str, Any]:
    """Verify every checksum and that vectors, terms and files agree; `problems` is empty if they do."""
    problems: list[str] = []
    try:
        opened = open_index(folder)
    except StoreError as error:  # too damaged to be opened
        unknown = {"passport": {}, "files": 0, "passages": 0, "dense_weight": 0.0, "evidence": {}, "notes": []}
        return {**unknown, "problems": [str(error)]}
    with opened as store:
        try:
            store.verify()
        except StoreError as error:
            problems.append(str(error))
        passport = store.meta["passport"]
        for key, ours in (("format", FORMAT), ("analyser", ANALYSER)):
            if passport[key] != ours:
                problems.append(f"built with {key} {passport[key]!r}, this version has {ours!r}; use index --rebuild")
        sources = list(documents_in(store))
        stored, counted = set(store.ids()), set(load_terms(store)[1])
        listed = {id for entry in sources for id in entry["chunks"]}
        for name, ids in (("term table", counted), ("list of files", listed)):
            if ids != stored:
                problems.append(f"{len(ids ^ stored)} passages differ between the vectors and the {name}")
        evidence = Evidence(**store.meta["evidence"])
        notes = [f"{entry['source']}: {note}" for entry in sources for note in entry["notes"]]
        return {
            "passport": passport,
            "files": len(sources),
            "passages": len(stored),
            "dense_weight": evidence.dense_weight,
            "evidence": store.meta["evidence"],
            "notes": [*notes, evidence.warning] if evidence.warning else notes,
            "problems": problems,
        }
