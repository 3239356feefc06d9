"""MMLU (Hendrycks et al. 2021, arXiv:2009.03300): 57 subjects, four options.

--data: the published folder test/, or one subject's CSV.
"""

from functools import partial

from tiny_eval.running.csv_choice import read
from tiny_eval.running.task import Task

TASK = Task(
    name="mmlu",
    about="57 subjects (MIT); --data test/",
    language="en",
    prompt="{{input}}\n{{choices}}\nAnswer with the letter only.",
    metric="choice",
    max_tokens=64,
    cluster="subject",
    read=partial(read, pattern="*.csv", suffix="_test"),
)
