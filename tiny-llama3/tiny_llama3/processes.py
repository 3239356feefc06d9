"""Spread work over processes; the results come in order, and little is held at once, so that a stream can be worked."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, TypeVar

from tiny_llama3.problem import Problem

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item], processes: int = 1
) -> Iterator[Result]:
    """Yield function(shared, item) for each item, in order. `function` must be importable: no lambda, no method.

    At most two items a process are under way. A single item stays in this process: starting another takes longer.
    """
    if processes < 1:
        raise Problem(f"processes must be 1 or more (got {processes}); 1 works in this process alone")
    items = iter(items)
    first = list(islice(items, 2))
    items = chain(first, items)
    if processes == 1 or len(first) < 2:
        yield from (function(shared, item) for item in items)
        return
    # "spawn" works alike on every system; a fork of a process that runs threads (PyTorch has some) may hang
    with ProcessPoolExecutor(processes, get_context("spawn"), _keep, (function, shared)) as pool:
        under_way: deque[Future[Result]] = deque()
        try:
            for item in items:
                under_way.append(pool.submit(_work, item))
                if len(under_way) == 2 * processes:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool:
            raise Problem(
                "a worker process died; call this from below `if __name__ == '__main__':` (each worker imports the "
                "script first), see that memory suffices, or use processes=1"
            ) from None
        finally:
            for future in under_way:
                future.cancel()


_kept: list[Any] = []  # in a worker: the function and what its calls share, sent once


def _keep(function: Callable[..., Any], shared: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one ends the others
    _kept[:] = [function, shared]


def _work(item: Any) -> Any:
    function, shared = _kept
    return function(shared, item)
