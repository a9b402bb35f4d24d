"""The program, for `imgsearch` and `python -m imgsearch`.

It answers Ctrl-C from its first moment: loading the command line takes a while.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """Run the command line with the arguments of the process, and exit with its code."""
    # A shell has SIGINT ignored in what it starts in the background.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from imgsearch.cli import main as run

    run()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"imgsearch: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
