"""What becomes of open resources in a child process made by `fork`.

Of the parent's threads, the child has only the one that forked. Thread pools of native code are
therefore dead in the child, and whoever waits for them waits for ever; locks that other threads
held stay locked; SQLite forbids the use of a connection across a fork. So whatever holds such a
thing forgets it in the child, and gets a new one when it is needed.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_METHODS: Final[list[weakref.WeakMethod[Callable[[], None]]]] = []
_FUNCTIONS: Final[list[Callable[[], None]]] = []


def forget_in_children(method: Callable[[], None]) -> None:
    """Call a bound method in every child forked from now on, as long as its object lives there.

    It runs before anything else in the child, so it needs no lock.
    """
    # Some of these objects are made again and again.
    _METHODS[:] = [known for known in _METHODS if known() is not None]
    _METHODS.append(weakref.WeakMethod(method))


def call_in_children(function: Callable[[], None]) -> None:
    """Call a function in every child forked from now on, before anything else."""
    _FUNCTIONS.append(function)


def never_free(*things: Any) -> None:  # noqa: ANN401  whatever is to stay
    """Keep objects of the parent from ever being freed in this process, even at its end.

    To close a connection or a native thread pool of the parent would hang or crash the child. A
    reference in a module would be dropped when the interpreter shuts down.
    """
    for thing in things:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _in_child() -> None:
    for function in _FUNCTIONS:
        function()
    for known in _METHODS:
        method = known()
        if method is not None:
            method()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_in_child)
