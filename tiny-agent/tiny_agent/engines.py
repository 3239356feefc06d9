"""The two ways to run a loop by name; the third, a procedure of several roles, is made of these (sop.py)."""

from tiny_agent.function_calling import FunctionCalling
from tiny_agent.loop import Engine
from tiny_agent.react_engine import React

NAMES = ("react", "tools")


def engine_named(name: str) -> Engine:
    """ValueError for a name that isn't there."""
    if name == "react":
        return React()
    if name == "tools":
        return FunctionCalling()
    raise ValueError(f"there is no engine {name!r}; choose one of {', '.join(NAMES)}")
