"""C-Eval (Huang et al. 2023, arXiv:2305.08322): 52 Chinese subjects, four options.

--data: the published folder val/ (the answers of test/ aren't published), or one subject's CSV.
"""

from functools import partial

from tiny_eval.running.csv_choice import read
from tiny_eval.running.task import Task

TASK = Task(
    name="ceval",
    about="52 个科目 (CC BY-NC-SA 4.0); --data val/",
    language="zh",
    prompt="{{input}}\n{{choices}}\n只回答选项字母。",
    metric="choice",
    max_tokens=64,
    cluster="subject",
    read=partial(read, pattern="*.csv", suffix="_val"),
)
