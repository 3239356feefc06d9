"""tiny_eval: scores that can be trusted, explained and compared, by hand down to the last digit."""

from importlib import import_module
from types import ModuleType

_MODULES = frozenset(
    {"metrics", "extraction", "outcomes", "rows", "score", "stats", "compare", "explain", "audit", "doctor"}
)


def __getattr__(name: str) -> ModuleType:
    """`tiny_eval.metrics` and its siblings load when they are first used: `import tiny_eval` alone costs nothing."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
