"""CMMLU (Li et al. 2023, arXiv:2306.09212): 67 Chinese subjects, four options.

--data: the published folder test/, or one subject's CSV.
"""

from functools import partial

from tiny_eval.running.csv_choice import read
from tiny_eval.running.task import Task

TASK = Task(
    name="cmmlu",
    about="67 个科目 (CC BY-NC 4.0); --data test/",
    language="zh",
    prompt="{{input}}\n{{choices}}\n只回答选项字母。",
    metric="choice",
    max_tokens=64,
    cluster="subject",
    read=partial(read, pattern="*.csv", suffix="_test"),
)
