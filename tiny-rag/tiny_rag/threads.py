"""How many threads the matrix products may use: one setting for the whole process.

NumPy hands products to BLAS, which starts a thread for every core, in every process. Four processes on four cores are
then sixteen threads that push each other out of the cache, and everything is slower than with one thread each.

The setting is global because BLAS's own is: two threads that each set and restored it around a search could
leave it at the other's value for good. So it is set once, where the program starts.
"""

from typing import Any

from threadpoolctl import threadpool_limits


def limit_threads(count: int) -> Any:
    """From now on use at most `count` threads per matrix product; in a `with` statement, only inside it.

    Covers OpenBLAS, MKL, BLIS and OpenMP; Apple's Accelerate has no such switch and chooses for itself.
    """
    if count < 1:
        raise ValueError(f"threads must be at least 1 (got {count})")
    return threadpool_limits(limits=count)
