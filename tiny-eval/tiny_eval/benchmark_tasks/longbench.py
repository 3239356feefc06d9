"""LongBench (Bai et al. 2023, arXiv:2308.14508): questions about long texts, in English and Chinese, of 21 kinds.

--data: one of its files, such as hotpotqa.jsonl; the file's name is the task, which decides the metric, the prompt and
how much may be answered. The prompts are ours, so compare scores with each other, not with the published ones. Give
--max-prompt-tokens: what is longer is cut in the middle.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tiny_eval import longbench
from tiny_eval.problem import EvalProblem
from tiny_eval.rows import read_objects
from tiny_eval.running.files import the_file
from tiny_eval.running.task import Fields, Task

QUESTION = "Read the text and answer the question in few words.\n\n{{context}}\n\nQuestion: {{input}}\nAnswer:"
QUESTION_ZH = "阅读下面的文字，然后用尽量少的词回答问题。\n\n{{context}}\n\n问题：{{input}}\n回答："
SUMMARY = "{{context}}\n\n{{input}}\nSummarise the text above."
SUMMARY_ZH = "{{context}}\n\n{{input}}\n请概括上面的内容。"
GO_ON = "{{context}}\n{{input}}"
PROMPTS = {
    "multifieldqa_zh": QUESTION_ZH, "dureader": QUESTION_ZH, "vcsum": SUMMARY_ZH,
    "gov_report": SUMMARY, "qmsum": SUMMARY, "multi_news": SUMMARY,
    "trec": GO_ON, "triviaqa": GO_ON, "samsum": GO_ON, "lsht": GO_ON, "lcc": GO_ON, "repobench-p": GO_ON,
    "passage_count": "{{context}}\n\nHow many different paragraphs are there? Some are repeated. Answer: the number.",
    "passage_retrieval_en": "{{context}}\n\nWhich paragraph is summarised here? {{input}}\nAnswer as 'Paragraph 3'.",
    "passage_retrieval_zh": "{{context}}\n\n下面的摘要出自哪一段？{{input}}\n按“段落3”的格式回答。",
}  # fmt: skip
TOKENS = {"dureader": 128, "gov_report": 512, "qmsum": 512, "multi_news": 512, "vcsum": 512, "samsum": 128,
          "qasper": 128, "narrativeqa": 128}  # fmt: skip


def read(path: Path) -> Iterator[Fields]:
    for number, (place, row) in enumerate(read_objects(the_file(path, "*.jsonl")), 1):
        if not {"input", "context", "answers"} <= row.keys():
            raise EvalProblem(f"{place}: not a row of LongBench (input, context, answers)")
        yield {**row, "id": str(row.get("_id", number))}


def adapt(task: Task, path: Path) -> Task:
    """The task that the file is named after."""
    name = the_file(path, "*.jsonl").stem
    kind = longbench.task_of(name)
    if kind is None:
        path.stat()
        raise EvalProblem(f"{path.as_posix()} isn't named after a task of LongBench, such as hotpotqa.jsonl; rename it")
    chinese = kind.endswith("_zh") or kind in ("dureader", "vcsum", "lsht")
    return replace(
        task, name=f"longbench-{name}", language="zh" if chinese else "en", prompt=PROMPTS.get(kind, QUESTION),
        metric=longbench.METRIC[kind], first_line=kind in longbench.FIRST_LINE, max_tokens=TOKENS.get(kind, 64),
    )  # fmt: skip


TASK = Task(
    name="longbench",
    about="21 kinds of questions about long texts (MIT); --data hotpotqa.jsonl",
    prompt=QUESTION,
    metric="qa_f1",
    read=read,
    adapt=adapt,
)
