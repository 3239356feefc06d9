"""Every metric by name: SCORERS (a row at a time, 0 to 1) and CORPUS_SCORERS (a whole file, 0 to 100)."""

from .specs import CORPUS_SCORERS, SCORERS

__all__ = ["CORPUS_SCORERS", "SCORERS"]
