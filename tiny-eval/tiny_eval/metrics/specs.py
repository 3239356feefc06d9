"""The table of metrics: what each one is called, scores, needs, and where its definition comes from.

A scorer takes a prediction and its references and gives 0 to 1; the best reference counts. Those that need the names of
the classes take `all_classes=`; those that correct a fault of the published scorer take `compat=True` to repeat it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import bleu, choice, chrf, classification, code_sim, gaokao, maths, qa_f1, retrieval, rouge_google, rouge_pip

Scorer = Callable[..., float]

SQUAD = "SQuAD, arXiv:1606.05250"
LONGBENCH = "LongBench, arXiv:2308.14508"
GOOGLE = "rouge-score 0.1.2"
PIP = "rouge 1.0.1, as LongBench uses it"
SACREBLEU = "sacrebleu 2"


@dataclass(frozen=True)
class Spec:
    """One metric. `binary`: a row is right or wrong, nothing between, so that McNemar's test applies."""

    name: str
    scorer: Scorer
    language: str  # en, zh, or any
    description: str
    source: str
    needs_classes: bool = False
    has_compat: bool = False
    binary: bool = False
    first_line_default: bool = False  # LongBench cuts these predictions at their first line break


_ALL = (
    Spec("qa_f1", qa_f1.qa_f1, "en", "F1 of the words of a short answer", f"{SQUAD}; {LONGBENCH}"),
    Spec("qa_f1_zh", qa_f1.qa_f1_zh, "zh", "F1 of jieba's words of a short answer", LONGBENCH),
    Spec("exact_match", qa_f1.exact_match, "en", "same text but for case, articles, punctuation", SQUAD, binary=True),
    Spec("exact_match_zh", qa_f1.exact_match_zh, "zh", "same text but for case, spaces, punctuation", LONGBENCH,
         binary=True),
    Spec("rouge_1_google", rouge_google.rouge_1_google, "en", "F of the words in common", GOOGLE),
    Spec("rouge_2_google", rouge_google.rouge_2_google, "en", "F of the pairs of words in common", GOOGLE),
    Spec("rouge_l_google", rouge_google.rouge_l_google, "en", "F of the longest common subsequence", GOOGLE),
    Spec("rouge_lsum_google", rouge_google.rouge_lsum_google, "en", "ROUGE-L line by line", GOOGLE),
    Spec("rouge_1_google_stem", rouge_google.rouge_1_google_stem, "en", "ROUGE-1 of Porter's stems", GOOGLE),
    Spec("rouge_2_google_stem", rouge_google.rouge_2_google_stem, "en", "ROUGE-2 of Porter's stems", GOOGLE),
    Spec("rouge_l_google_stem", rouge_google.rouge_l_google_stem, "en", "ROUGE-L of Porter's stems", GOOGLE),
    Spec("rouge_lsum_google_stem", rouge_google.rouge_lsum_google_stem, "en", "ROUGE-Lsum of Porter's stems", GOOGLE),
    Spec("rouge_1_zh_google", rouge_google.rouge_1_zh_google, "zh", "ROUGE-1 of jieba's words", GOOGLE),
    Spec("rouge_2_zh_google", rouge_google.rouge_2_zh_google, "zh", "ROUGE-2 of jieba's words", GOOGLE),
    Spec("rouge_l_zh_google", rouge_google.rouge_l_zh_google, "zh", "ROUGE-L of jieba's words", GOOGLE),
    Spec("rouge_lsum_zh_google", rouge_google.rouge_lsum_zh_google, "zh", "ROUGE-Lsum of jieba's words", GOOGLE),
    Spec("rouge_1_pip", rouge_pip.rouge_1_pip, "en", "F of the sets of words", PIP),
    Spec("rouge_2_pip", rouge_pip.rouge_2_pip, "en", "F of the sets of pairs of words", PIP),
    Spec("rouge_l_pip", rouge_pip.rouge_l_pip, "en", "F of the set of words in common subsequences", PIP,
         has_compat=True),
    Spec("rouge_1_zh_pip", rouge_pip.rouge_1_zh_pip, "zh", "rouge_1_pip of jieba's words", PIP),
    Spec("rouge_2_zh_pip", rouge_pip.rouge_2_zh_pip, "zh", "rouge_2_pip of jieba's words", PIP),
    Spec("rouge_l_zh_pip", rouge_pip.rouge_l_zh_pip, "zh", "rouge_l_pip of jieba's words", PIP, has_compat=True),
    Spec("bleu_sentence", bleu.bleu_sentence, "en", "BLEU of one text, 13a tokens", SACREBLEU),
    Spec("bleu_zh_sentence", bleu.bleu_zh_sentence, "zh", "BLEU of one text, Chinese by character", SACREBLEU),
    Spec("chrf_sentence", chrf.chrf_sentence, "any", "F of character n-grams of one text", SACREBLEU),
    Spec("classification", classification.classification, "any", "1 / classes named, if the right one is among them",
         LONGBENCH, needs_classes=True, has_compat=True, first_line_default=True),
    Spec("retrieval", retrieval.retrieval, "en", "share of the numbers that are the right paragraph's", LONGBENCH),
    Spec("retrieval_zh", retrieval.retrieval_zh, "zh", "share of the numbers that are the right paragraph's",
         LONGBENCH),
    Spec("count", retrieval.count, "any", "share of the numbers that are the right one", LONGBENCH),
    Spec("code_sim", code_sim.code_sim, "any", "edit similarity of the first line of code", LONGBENCH),
    Spec("choice", choice.choice, "any", "the right letter, or all the right letters", "MMLU, arXiv:2009.03300",
         binary=True),
    Spec("gaokao_choice", gaokao.gaokao_choice, "zh", "right letters, half for some of them without a wrong one",
         "GAOKAO-Bench, arXiv:2305.12474"),
    Spec("numeric", maths.numeric_equal, "any", "the same number", "GSM8K, arXiv:2110.14168", binary=True),
    Spec("latex", maths.latex_equal, "any", "the same mathematical expression", "MATH, arXiv:2103.03874", binary=True),
)  # fmt: skip

SPECS: dict[str, Spec] = {spec.name: spec for spec in _ALL}
SCORERS: dict[str, Scorer] = {spec.name: spec.scorer for spec in _ALL}

# A corpus score isn't the mean of its rows' scores: counts are added first, then divided. 0 to 100.
CORPUS_SCORERS: dict[str, Scorer] = {
    "bleu": bleu.bleu_corpus,
    "bleu_zh": bleu.bleu_zh_corpus,
    "chrf": chrf.chrf_corpus,
}
