"""FAISS, imported in one place, and its threads."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from imgsearch.forking import call_in_children

_POLICY: Final = "OMP_WAIT_POLICY"
_IS_CHOSEN: Final = _POLICY in os.environ
# OpenMP reads it as it is loaded. Threads that spin while they wait for one another took twice the
# processor time to build an index on a busy machine, and as long by the clock.
os.environ.setdefault(_POLICY, "passive")
try:
    with warnings.catch_warnings():
        # The SWIG of older FAISS builds creates types without a module, which Python 3.12 deplores.
        warnings.filterwarnings(
            "ignore",
            message="builtin type .* has no __module__ attribute",
            category=DeprecationWarning,
        )
        import faiss as typed_faiss
finally:
    # Other programs that this one starts choose for themselves.
    if not _IS_CHOSEN:
        del os.environ[_POLICY]

if TYPE_CHECKING:
    from collections.abc import Iterator

# So many queries at least are shared out among threads.
LEAST_SHARED: Final = 64
# FAISS's own stub does not know the signatures that its Python wrapper adds.
faiss: Any = typed_faiss


def _do_without_dead_threads() -> None:
    # OpenMP's threads of the thread that forked are dead; new threads get their own.
    faiss.omp_set_num_threads(1)


call_in_children(_do_without_dead_threads)


@contextmanager
def threads_for(queries: int) -> Iterator[None]:
    """Let FAISS answer few queries on the thread that asks.

    To share out what takes some milliseconds costs more than it gains: on two threads, 32 queries
    at a time took twice the processor time, and no less of the clock's.
    """
    before = faiss.omp_get_max_threads()
    if queries >= LEAST_SHARED or before == 1:
        yield
        return
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
