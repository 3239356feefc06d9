"""Chats to fine-tune a model on, so that it learns to answer from passages: the very prompts of `ask`, answered right.

The idea is that of RAFT (Zhang et al. 2024, arXiv:2403.10131): the passage with the answer stands among others that
search found as well, the answer cites it, and where search missed it, the right answer is that it isn't there.
"""

from collections.abc import Sequence

from .evaluation import EvaluationProblem, Question, gains_of, squeezed
from .prompt import NOT_FOUND, build_counted, language_of
from .search import Hit

Message = dict[str, str]


def lesson(question: Question, hits: Sequence[Hit], max_tokens: int) -> tuple[list[Message], bool]:
    """The prompt for these hits with the right answer behind it, and whether that is in them.

    Raises EvaluationProblem for a question that has an answer somewhere but doesn't say which.
    """
    if question.answerable and not question.answers:
        raise EvaluationProblem(f'question {question.id} has no "answers"; add some, or set "answerable": false')
    messages, given = build_counted(question.text, [hit.passage for hit in hits], max_tokens)
    gains, _ = gains_of(question, hits[:given])
    told = squeezed(messages[1]["content"].replace("\n| ", "\n"))  # the last passage may have been cut
    quotes = [squeezed(key.partition("\n")[2]) for key in question.gains]
    right = next((number for number, gain in enumerate(gains, 1) if gain > 0), None)
    found = question.answerable and right is not None and any(quote in told for quote in quotes)
    answer = f"{question.answers[0]} [{right}]" if found else NOT_FOUND[language_of(question.text)]
    return [*messages, {"role": "assistant", "content": answer}], found
