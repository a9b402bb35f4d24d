"""The processes that `judging` starts: each lays pairs of images upon each other."""

from __future__ import annotations

from imgsearch import fresh_python
from imgsearch.duplicates.judge import Judge
from imgsearch.duplicates.judging import Batch


def serve() -> None:
    """Answer batches until there are no more."""
    renderings: dict[int, bytes] = {}
    judge = Judge(renderings.get)
    with fresh_python.parent() as parent:
        while (batch := parent.receive()) is not None:
            assert isinstance(batch, Batch)  # noqa: S101 - the parent's
            renderings.clear()
            renderings.update(batch.renderings)
            parent.send([judge.judge(one, other) for one, other in batch.pairs])
