"""Scores: sacrebleu's own numbers under their names, and exact match counted by hand."""

import pytest
import sacrebleu

from tiny_transformer.metrics import all_scores, score

OURS = ["the cat sat on the mat", "a dog runs over the green field", "two men talk"]
REFERENCES = ["the cat sat on the mat", "a dog is running across the green field", "two men are talking"]


def test_equals_sacrebleu():
    found = all_scores(OURS, REFERENCES)
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(OURS, [REFERENCES]).score)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(OURS, [REFERENCES]).score)
    assert 0 < found["bleu"] < 100
    assert found["exact_match"] == pytest.approx(1 / 3)
    assert "nrefs:1" in found["signature"] and f"version:{sacrebleu.__version__}" in found["signature"]
    assert "tok:13a" in found["signature"]


def test_score_picks_one():
    assert score("bleu", OURS, REFERENCES) == all_scores(OURS, REFERENCES)["bleu"]
    assert score("exact_match", OURS, REFERENCES) == all_scores(OURS, REFERENCES)["exact_match"]
    assert score("exact_match", REFERENCES, REFERENCES) == 1
    assert score("bleu", REFERENCES, REFERENCES) == pytest.approx(100)


def test_as_many_of_the_one_as_of_the_other():
    with pytest.raises(ValueError, match="zip"):
        all_scores(OURS, REFERENCES[:2])
