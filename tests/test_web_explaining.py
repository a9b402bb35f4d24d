"""Where two pictures agree, over the page's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, collected_log
from region_fakes import HistogramSource, patchwork
from web_fakes import Served, serving

from imgsearch import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve pictures of a network that has feature maps."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        patchwork(seed).save(folder / f"{seed}.png")
    source = HistogramSource()
    with Gallery(tmp_path / "maps.gallery", source=source) as gallery:
        gallery.index(folder)
    with collected_log() as said, serving(tmp_path, gallery.path, source, said) as running:  # type: ignore[arg-type]
        yield running


def explained(served: Served, one: dict[str, object], other: str) -> dict[str, object]:
    """Return the explanation of a picture and a content."""
    reply = served.send("POST", "/explanations", {"one": one, "other": {"content": other}})
    assert reply.status == 200, reply.body
    found: dict[str, object] = reply.json
    return found


def test_the_maps_add_up_to_the_score_of_the_match(served: Served, tmp_path: Path) -> None:
    first, second, _ = (entry["content"] for entry in served.contents())
    matches = served.query({"content": first}).json["matches"]
    (score,) = [match["score"] for match in matches if match["content"] == second]
    found = explained(served, {"content": first}, second)
    for name in ("image", "match"):
        seen = found[name]
        assert isinstance(seen, dict)
        assert np.sum(seen["values"]) == pytest.approx(score, abs=1e-5)
        assert (seen["box"], seen["size"]) == ([0, 0, 256, 256], [256, 256])
    upload = served.upload((tmp_path / "photos/0.png").read_bytes()).json["upload"]
    part = explained(served, {"upload": upload, "crop": [50, 0, 50, 50]}, second)["image"]
    assert isinstance(part, dict)
    assert part["box"] == [128, 0, 128, 128]


def test_what_cannot_be_explained_says_why(served: Served, tmp_path: Path) -> None:
    first, second, _ = (entry["content"] for entry in served.contents())
    for body, status in (
        ({"one": {"words": "beach"}, "other": {"content": first}}, 400),
        ({"one": {"content": first}, "other": {"content": second, "crop": [0, 0, 9, 9]}}, 400),
        ({"one": {"content": first}, "other": {"content": "0" * 64}}, 400),
    ):
        assert served.send("POST", "/explanations", body).status == status
    for path in (tmp_path / "photos").iterdir():
        path.unlink()
    body = {"one": {"content": first}, "other": {"content": second}}
    reply = served.send("POST", "/explanations", body)
    assert (reply.status, reply.code) == (410, "not-there")
    assert served.is_well()


def test_a_network_without_feature_maps_says_so(tmp_path: Path, photos: Path) -> None:
    source = FakeSource()
    with Gallery(tmp_path / "plain.gallery", source=source) as gallery:
        gallery.index(photos)
    with collected_log() as said, serving(tmp_path, gallery.path, source, said) as running:
        one, other = (entry["content"] for entry in running.contents()[:2])
        body = {"one": {"content": one}, "other": {"content": other}}
        reply = running.send("POST", "/explanations", body)
        assert (reply.status, "no feature maps" in reply.json["error"]["message"]) == (400, True)
