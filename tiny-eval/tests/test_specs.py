"""The table of metrics is whole, and says of each what is true."""

import inspect

import pytest

from tiny_eval.metrics import CORPUS_SCORERS, SCORERS
from tiny_eval.metrics.specs import SPECS

PROMISED = (
    "qa_f1 qa_f1_zh exact_match exact_match_zh rouge_1_google rouge_2_google rouge_l_google rouge_lsum_google"
    " rouge_1_pip rouge_2_pip rouge_l_pip rouge_l_zh_pip classification retrieval retrieval_zh count code_sim"
    " gaokao_choice choice numeric latex bleu_sentence chrf_sentence"
).split()
RIGHT = {  # a prediction and its reference, for the metrics that don't compare any two texts
    "retrieval": "Paragraph 3", "retrieval_zh": "段落3", "count": "3", "choice": "A", "gaokao_choice": "A",
    "numeric": "3", "latex": "3",
}  # fmt: skip
SENTENCE = "There are three long words here 这里有三个词"


def score(spec, pred, answers):
    return spec.scorer(pred, answers, **({"all_classes": ["A", SENTENCE]} if spec.needs_classes else {}))


def test_every_promised_name_is_there():
    assert [name for name in PROMISED if name not in SCORERS] == []
    assert list(SCORERS) == list(SPECS)
    assert all(spec.name == name and spec.scorer is SCORERS[name] for name, spec in SPECS.items())
    assert set(CORPUS_SCORERS) == {"bleu", "bleu_zh", "chrf"}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_what_the_table_says_is_what_the_scorer_takes(spec):
    parameters = inspect.signature(spec.scorer).parameters
    assert list(parameters)[:2] == ["pred", "answers"]
    assert ("all_classes" in parameters) == spec.needs_classes
    assert ("compat" in parameters) == spec.has_compat
    assert spec.language in ("en", "zh", "any")
    assert spec.description and spec.source


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_right_is_1_wrong_is_0_and_the_best_reference_counts(spec):
    right = RIGHT.get(spec.name, SENTENCE)
    answers = [right]
    if spec.name != "gaokao_choice":  # its answers together are the key
        answers.append({"Paragraph 3": "Paragraph 4", "段落3": "段落4", "A": "B"}.get(right, "4"))
    assert score(spec, right, answers) == pytest.approx(1, abs=1e-8)
    assert score(spec, right, answers[::-1]) == pytest.approx(1, abs=1e-8)
    assert score(spec, "", [right]) == 0


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_without_a_reference_there_is_no_score(spec):
    with pytest.raises(ValueError):
        score(spec, "3", [])
