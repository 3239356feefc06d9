"""The exercises: a stub is "your turn", its kept solution is "done", and a mistake that is easily made is "not yet"."""

from pathlib import Path

import pytest
from tiny_shared.exercises import exercise_tests, grade

TRACK = Path(__file__).resolve().parents[1]

test_exercise = exercise_tests(TRACK)

# exercise, a place in its solution, the mistake to write there, and a piece of what the learner is told
MISTAKES = [
    ("01_count_pairs", "+ count", "+ 1", "(1, 2): 8"),
    ("01_count_pairs", "pairwise(ids)", "set(pairwise(ids))", "count_pairs({(3, 3, 3): 2})"),
    ("01_count_pairs", "pairwise(ids)", "zip(ids[::2], ids[1::2])", "expected {(1, 2): 8, (2, 3): 10"),
    ("02_merge", "place += 2", "place += 1", "merge([7, 7, 7], (7, 7), 256)"),
    ("02_merge", "== pair", "in (pair, pair[::-1])", "merge([2, 1, 2], (1, 2), 256)"),
    ("02_merge", "best = min(known, key=lambda pair: rank_of[pair])", "best = known[0]", "the lowest rank comes first"),
    ("02_merge", "return ids", "return ids[:-1]", "encode([1, 2, 3, 4], "),
    ("03_rope", "x.chunk(2, dim=-1)", "(x[..., ::2], x[..., 1::2])", "pair 0 is (x[0], x[2])"),
    ("03_rope", "-2 * torch", "-torch", "pair 1 (x[1], x[3])"),
    ("03_rope", "first * cos - second * sin", "first * cos + second * sin", "expected [-0.8415, -0.02, "),
    ("03_rope", "positions[:, None]", "torch.arange(len(positions))[:, None]", "rotate([[[[1.0, 0]]]], [1], 9.0)"),
    ("04_grouped_attention", "repeat_interleave(heads // groups, dim=1)", "repeat(1, heads // groups, 1, 1)",
     "neighbouring heads share one head of keys"),
    ("04_grouped_attention", "~later & same", "~later", "documents don't see each other"),
    ("04_grouped_attention", "~later & same", "same", "nobody looks ahead"),
    ("04_grouped_attention", " / math.sqrt(size)", "", "divided by √K"),
    ("05_cross_entropy", "logits - logits.amax(-1, keepdim=True)", "logits", "the logits [1000, 0, -1000]"),
    ("05_cross_entropy", "/ counted.sum()", "/ counted.numel()", "-100 is ignored"),
    ("05_cross_entropy", "/ math.log(2)", "", "bits_per_byte of equal logits"),
    ("05_cross_entropy", "bytes_of[targets[counted]].sum()", "counted.sum()", "bits_per_byte of equal logits"),
    ("06_top_p", "if total >= p:", "if total > p:", "p or more is enough"),
    ("06_top_p", "kept.append(token)", "kept += [token] * (total + probabilities[token] < p)",
     "0.3 reaches p, so it stays"),
    ("06_top_p", "reverse=True", "reverse=False", "0.3 reaches p, so it stays"),
    ("06_top_p", "range(len(probabilities))", "range(len(probabilities) - 1, -1, -1)", "the smaller id comes first"),
    ("06_top_p", "probability / total", "probability", "expected [0, 0.625, 0, 0.375]"),
    ("07_kv_cache", "tril(seen - new)", "tril()", "pieces of [1, 1, 1]: positions 1 to 1"),
    ("07_kv_cache", "tril(seen - new)", "bool()", "pieces of [3]: positions 0 to 2"),
    ("07_kv_cache", "torch.cat([cache.keys, key], dim=1)", "torch.cat([key, cache.keys], dim=1)", "text 0"),
    ("07_kv_cache", " / math.sqrt(query.shape[2])", "", "text 0"),
    ("08_answer_mask", " + [-100]\n", "\n", "targets of the row in the text"),
    ("08_answer_mask", "id if learnt else -100", "id", "expected [-100, 7, 2"),
    ("08_answer_mask", "conversation[1:]] + [-100]", "conversation]", "targets of the row in the text"),
    ("09_dpo", ".sum(1)\n    rejected", ".mean(1)\n    rejected", "dpo_loss of the pair in the text"),
    ("09_dpo", "* rejected_mask", "", "dpo_loss of the pair in the text"),
    ("09_dpo", "(-x).clamp(min=0) + torch.log1p(torch.exp(-x.abs()))", "torch.log1p(torch.exp(-x))", "2000 nats apart"),
    ("09_dpo", "(policy_chosen - reference_chosen)", "policy_chosen", "dpo_loss of the pair in the text"),
    ("10_advantages", "gamma * lam * next_advantage", "lam * next_advantage", "γ = 0.9"),
    ("10_advantages", " - value +", " +", "advantages of the answer in the text"),
    ("10_advantages", "a + v", "a - v", "returns of the answer in the text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_caught_and_named(name, right, wrong, told, tmp_path):
    solution = (TRACK / "tests" / "solutions" / f"{name}.py").read_text(encoding="utf-8")
    assert right in solution
    attempt = tmp_path / f"{name}.py"
    attempt.write_text(solution.replace(right, wrong), encoding="utf-8")
    result = grade(TRACK, name, attempt)
    assert (result.state, told in result.reason) == ("not yet", True), result
