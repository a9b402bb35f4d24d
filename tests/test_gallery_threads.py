"""Threads that share a gallery work side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conftest import FakeEmbedder, FakeSource, write_picture

from imgsearch import Gallery

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

WAIT_SECONDS = 20.0


@dataclass
class MeetingEmbedder(FakeEmbedder):
    """Embeds an image only once as many threads as it waits for are embedding."""

    meeting: threading.Barrier | None = None

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Wait for the others, then embed."""
        if self.meeting is not None:
            self.meeting.wait(WAIT_SECONDS)
        return super().embed(images)


@dataclass
class MeetingSource(FakeSource):
    """Gives embedders that meet."""

    meeting: threading.Barrier | None = None
    loaded: list[MeetingEmbedder] = field(default_factory=list)

    def load(self, recipe: Recipe) -> MeetingEmbedder:
        """Return an embedder that waits where a meeting is set."""
        self.loaded.append(MeetingEmbedder(recipe, meeting=self.meeting))
        return self.loaded[-1]


def test_two_threads_embed_their_queries_at_the_same_time(photos: Path, tmp_path: Path) -> None:
    """Each embedding waits for the other: one after the other, they would wait for ever."""
    Gallery(tmp_path / "g", source=FakeSource()).index(photos)
    source = MeetingSource(meeting=threading.Barrier(2))
    asked = [write_picture(tmp_path / f"{seed}.png", seed=seed) for seed in (100, 101)]
    alone = [Gallery(tmp_path / "g", source=FakeSource()).query(path, k=3) for path in asked]
    with Gallery(tmp_path / "g", source=source) as gallery, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda path: gallery.query(path, k=3), asked)) == alone
    assert len(source.loaded) == 1


def test_a_writer_and_readers_go_on_while_a_query_embeds(photos: Path, tmp_path: Path) -> None:
    """The query holds no lock of the database meanwhile, and its answer is of the newest state."""
    Gallery(tmp_path / "g", source=FakeSource()).index(photos)
    meeting = threading.Barrier(2)
    asked = write_picture(tmp_path / "asked.png", seed=100)
    with (
        Gallery(tmp_path / "g", source=MeetingSource(meeting=meeting)) as gallery,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(gallery.query, asked, k=50)
        assert len(gallery.query(photos / "trip0/00.png", k=50)) == 11
        write_picture(photos / "late.png", seed=300)
        Gallery(tmp_path / "g", source=FakeSource()).index(photos)
        meeting.wait(WAIT_SECONDS)
        assert photos / "late.png" in {match.path for match in answer.result()}
