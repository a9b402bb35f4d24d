"""The map's part of the page's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from test_web_api import document
from web_fakes import NUMBER, Served, make_gallery, serving

from imgsearch import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

POINT_BYTES = 12 + 32 + 1


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve a gallery of few pictures, without a map."""
    source = FakeSource()
    gallery = make_gallery(tmp_path, source)
    with serving(tmp_path, gallery, source, []) as found:
        yield found


def points(served: Served, drawn: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return what the map's points are."""
    reply = served.get(f"/map/points?drawing={drawn['drawing']}")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/octet-stream")
    count = drawn["total"]
    assert len(reply.body) == count * POINT_BYTES
    return {
        "x": np.frombuffer(reply.body, "<f4", count),
        "y": np.frombuffer(reply.body, "<f4", count, 4 * count),
        "cluster": np.frombuffer(reply.body, "<i4", count, 8 * count),
        "content": np.frombuffer(reply.body, "S32", count, 12 * count),
        "unseen": np.frombuffer(reply.body, "u1", count, 44 * count),
    }


def draw(served: Served) -> None:
    """Draw the map, as the command does in another process."""
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        gallery.draw_map()


def test_without_a_kept_map_one_by_pca_is_given(served: Served) -> None:
    assert served.get("/info").json["can"]["map"]
    drawn = document(served.get("/map"), "map")
    assert (drawn["kept"], drawn["method"], drawn["total"]) == (False, "pca", NUMBER)
    assert not list(served.gallery.glob("map-*"))


def test_the_points_are_those_of_the_map_the_coarsest_first(served: Served) -> None:
    draw(served)
    drawn = document(served.get("/map"), "map")
    assert (drawn["kept"], drawn["method"], drawn["outgrown"]) == (True, "tsne", False)
    found = points(served, drawn)
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        shown = gallery.map()
    by_content = {
        content.tobytes(): (x, y, cluster)
        for content, (x, y), cluster in zip(
            shown.contents, shown.positions, shown.cluster_of, strict=True
        )
    }
    for row in range(drawn["total"]):
        content = bytes(found["content"][row]).ljust(32, b"\0")
        place = (found["x"][row], found["y"][row], found["cluster"][row])
        assert by_content[content] == place
    assert drawn["levels"][0] == 1
    assert drawn["levels"] == sorted(drawn["levels"])
    assert drawn["levels"][-1] == drawn["total"]
    for level, count in enumerate(drawn["levels"][:3]):
        side = 2**level
        cells = np.floor((np.stack([found["x"], found["y"]]) + 1) / 2 * side)
        assert (
            len(np.unique(cells, axis=1).T) == len(np.unique(cells[:, :count], axis=1).T) == count
        )
    for cluster in drawn["clusters"]:
        central = bytes(found["content"][cluster["point"]]).ljust(32, b"\0")
        assert central.hex() == cluster["central"][0]
    sizes = np.bincount(found["cluster"]).tolist()
    assert sizes == [cluster["size"] for cluster in drawn["clusters"]]
    assert not found["unseen"].any()


def test_a_map_that_is_drawn_meanwhile_shows_up_and_the_old_points_are_gone(
    served: Served,
) -> None:
    before = served.get("/map").json
    draw(served)
    after = document(served.get("/map"), "map")
    assert after["kept"]
    assert after["drawing"] != before["drawing"]
    assert served.get(f"/map/points?drawing={before['drawing']}").code == "not-found"
    assert points(served, after)["x"].shape == (NUMBER,)


def test_what_did_not_change_is_not_sent_again(served: Served) -> None:
    draw(served)
    drawing = served.get("/map").json["drawing"]
    for path in ("/map", f"/map/points?drawing={drawing}"):
        tag = served.get(path).headers["etag"]
        assert served.get(path, headers={"If-None-Match": tag}).status == 304


def test_pictures_without_a_thumbnail_to_be_had_are_told(served: Served) -> None:
    photos = served.folder / "photos"
    draw(served)
    (entry,) = [one for one in served.contents() if one["path"].endswith("trip1/01.png")]
    assert served.get(f"/contents/{entry['content']}/thumbnail").status == 200
    photos.rename(served.folder / "unplugged")
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        gallery.draw_map(anew=True)
    found = points(served, served.get("/map").json)
    assert found["unseen"].sum() == NUMBER - 1
    seen = found["content"][found["unseen"] == 0]
    assert bytes(seen[0]).hex() == entry["content"]


@pytest.mark.parametrize("path", ["/map?x=1", "/map/points?version=1", "/map/points?drawing=0"])
def test_what_makes_no_sense_is_refused(served: Served, path: str) -> None:
    assert served.get(path).code in {"usage", "not-found"}
    assert served.is_well()


def test_an_empty_gallery_has_an_empty_map(tmp_path: Path) -> None:
    source = FakeSource()
    picture = write_picture(tmp_path / "photos/one.png", seed=1)
    with Gallery(tmp_path / "empty.gallery", source=source) as gallery:
        gallery.index(tmp_path / "photos")
        gallery.remove(picture)
    with serving(tmp_path, tmp_path / "empty.gallery", source, []) as served:
        drawn = document(served.get("/map"), "map")
        assert (drawn["total"], drawn["clusters"], drawn["levels"]) == (0, [], [])
        assert served.get("/map/points").body == b""
