"""The one error that means: whoever typed the command can put this right."""


class EvalProblem(ValueError):
    """`what is wrong; what to do next`, on one line."""
