"""Work over processes: the same results in the same order, few items ahead, and a clear line when a worker dies."""

import operator
import os
import subprocess
import sys

import pytest

from tiny_llama3.problem import Problem
from tiny_llama3.processes import map_in_order


def test_one_and_several_processes_give_the_same():
    wanted = [3 + number for number in range(20)]
    assert list(map_in_order(operator.add, 3, range(20))) == wanted
    assert list(map_in_order(operator.add, 3, iter(range(20)), processes=2)) == wanted
    assert list(map_in_order(operator.add, 3, [], processes=2)) == []


def process_id(_, item):
    return os.getpid()


def test_a_single_item_stays_here_and_several_go_to_workers():
    assert list(map_in_order(process_id, None, [1], processes=2)) == [os.getpid()]
    others = set(map_in_order(process_id, None, range(6), processes=2))
    assert os.getpid() not in others and 1 <= len(others) <= 2


def test_few_items_are_asked_for_ahead():
    asked = []

    def items():
        for number in range(50):
            asked.append(number)
            yield number

    results = map_in_order(operator.add, 0, items(), processes=2)
    for done, _ in enumerate(results):
        assert len(asked) <= done + 4
    assert len(asked) == 50


def test_an_error_of_the_work_arrives():
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(operator.floordiv, 1, [1, 0, 1], processes=2))


def dies(_, item):
    os._exit(1)


def test_a_worker_that_dies_is_one_clear_line():
    with pytest.raises(Problem, match=r"a worker process died; .* use processes=1"):
        list(map_in_order(dies, None, [1, 2], processes=2))
    with pytest.raises(Problem, match="processes must be 1 or more"):
        list(map_in_order(dies, None, [1, 2], processes=-1))


SCRIPT = """
from tiny_llama3 import text_input
from tiny_llama3.tokenizer import Tokenizer

text_input.BATCH = 10

def main():
    tokenizer = Tokenizer.train(["the cat sat on the mat"] * 9, 260, processes=2)
    texts = ["the cat", "on the mat"] * 3
    assert tokenizer.encode_batch(texts, processes=2) == [tokenizer.encode(text) for text in texts]
    print("equal")
"""


@pytest.mark.parametrize("guarded", [True, False])
def test_in_a_script(guarded, tmp_path):
    """A worker imports the script anew: without the guard it would start workers of its own, for ever."""
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT + ('if __name__ == "__main__":\n    main()\n' if guarded else "main()\n"), encoding="utf-8"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, encoding="utf-8", timeout=60,
                          env={**os.environ, "PYTHONPATH": os.getcwd()})  # fmt: skip
    if guarded:
        assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr
    else:
        assert done.returncode == 1 and "Problem: a worker process died; call this from below" in done.stderr
