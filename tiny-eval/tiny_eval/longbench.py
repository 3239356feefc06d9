"""Which metric LongBench (Bai et al. 2023, arXiv:2308.14508) scores each of its tasks with, by our names.

Its evaluator cuts a prediction at its first line for the classification and few-shot tasks, because a base model goes
on and invents the next question. The names of its prediction files are the names of its tasks.
"""

METRIC = {
    "narrativeqa": "qa_f1",
    "qasper": "qa_f1",
    "multifieldqa_en": "qa_f1",
    "multifieldqa_zh": "qa_f1_zh",
    "hotpotqa": "qa_f1",
    "2wikimqa": "qa_f1",
    "musique": "qa_f1",
    "dureader": "rouge_l_zh_pip",
    "gov_report": "rouge_l_pip",
    "qmsum": "rouge_l_pip",
    "multi_news": "rouge_l_pip",
    "vcsum": "rouge_l_zh_pip",
    "trec": "classification",
    "triviaqa": "qa_f1",
    "samsum": "rouge_l_pip",
    "lsht": "classification",
    "passage_retrieval_en": "retrieval",
    "passage_count": "count",
    "passage_retrieval_zh": "retrieval_zh",
    "lcc": "code_sim",
    "repobench-p": "code_sim",
}
FIRST_LINE = frozenset({"trec", "triviaqa", "samsum", "lsht"})


def task_of(file_stem: str) -> str | None:
    """The task that a file is named after (`hotpotqa`, `hotpotqa_e`), or None."""
    name = file_stem.removesuffix("_e")
    return name if name in METRIC else None


def first_line(text: str) -> str:
    """What the evaluator leaves of a prediction: leading line breaks skipped, then up to the next one."""
    return text.lstrip("\n").split("\n")[0]
