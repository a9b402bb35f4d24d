"""Every engine keeps what the protocol says, whatever its own searches promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource

from imgsearch import PublishedGallery
from imgsearch.errors import GalleryLockedError, NoGalleryError
from imgsearch.recipe import RecipeRequest
from imgsearch.search.query_inputs import HeldContent
from imgsearch.services.conditions import EVERYTHING, OneOf
from imgsearch.services.entries import Description, Entry, EntryFile, EntryRoot, Nearest
from imgsearch.services.finding import open_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imgsearch.services.protocol import SearchService

DIM = 8
RECIPE = replace(FakeSource().resolve(RecipeRequest("toy"), offline=True), dim=DIM)


def entry(number: int, **changes: object) -> Entry:
    """Return an entry whose vector is drawn from its number."""
    vector = np.random.default_rng(number).normal(size=DIM)
    values = {
        "id": number,
        "content": f"{number:064x}",
        "mark": number * 7919 - 2**40,
        "vector": (vector / np.linalg.norm(vector)).astype(np.float32),
        "files": (EntryFile(1, b"a/%d.jpg" % number),),
        "bytes": 1000 + number,
        "width": 640,
        "height": 480,
        "format": "JPEG",
    }
    return Entry(**{**values, **changes})


def described(entries: Sequence[Entry], gallery: str = "a") -> Description:
    """Return the description of entries."""
    return Description(
        gallery=gallery,
        recipe=RECIPE,
        projection=None,
        dim=DIM,
        generation=len(entries),
        published="2026-01-01T00:00:00+00:00",
        count=len(entries),
        files=sum(len(one.files) for one in entries),
        roots=(EntryRoot(1, b"/photos"),),
        formats=tuple(sorted({one.format for one in entries})),
    )


def publish(service: SearchService, entries: Sequence[Entry], gallery: str = "a") -> None:
    """Make entries what readers see, whatever was there."""
    description = described(entries, gallery)
    with service.writing(description.space, DIM) as draft:
        known = {id_ for ids, _ in draft.marks() for id_ in ids.tolist()}
        draft.remove(sorted(known - {one.id for one in entries}))
        draft.put(entries)
        draft.publish(description)


@pytest.fixture
def service(address: str) -> Iterator[SearchService]:
    """Give a service at an address where nothing is."""
    opened = open_service(address)
    yield opened
    opened.close()


def ids_of(found: Nearest) -> list[int]:
    """Return ids in the order of the answer."""
    return [one.id for one in found.entries]


def test_nothing_is_read_before_something_is_published(service: SearchService) -> None:
    with pytest.raises(NoGalleryError), service.reading():
        pass
    assert service.health().engine


def test_an_entry_comes_back_as_it_was_put(service: SearchService) -> None:
    """Letter for letter and bit for bit, whatever bytes a path holds."""
    strange = entry(
        1,
        files=(EntryFile(1, b"caf\xe9/%'\"_\\.jpg"), EntryFile(1, b"")),
        camera="Kamera 'Ä' \"x\" %_\\",
        lens="50 mm",
        taken="2024-05-01T12:00:00",
        latitude=48.85,
        longitude=-2.35,
    )
    publish(service, [strange, entry(2)])
    with service.reading() as collection:
        (found,) = collection.find([strange.content, "f" * 64])
        assert collection.description.roots == (EntryRoot(1, b"/photos"),)
    for name in Entry.__slots__:
        if name == "vector":
            assert found.vector.tobytes() == strange.vector.tobytes()
        elif name == "files":
            assert sorted(found.files, key=lambda file: file.path) == sorted(
                strange.files, key=lambda file: file.path
            )
        else:
            assert getattr(found, name) == getattr(strange, name), name


@pytest.mark.parametrize("width", [1, 10, 100, 299, 300, 1000])
def test_as_many_are_found_as_were_asked_for(service: SearchService, width: int) -> None:
    entries = [entry(number) for number in range(1, 301)]
    publish(service, entries)
    with service.reading() as collection:
        found = collection.search(entries[0].vector, width, EVERYTHING)
    assert found.exhausted == (width >= 300) or len(found.entries) >= 300
    assert len(set(ids_of(found))) == len(found.entries) >= min(width, 300)
    assert ids_of(found)[0] == 1


def test_what_was_removed_or_replaced_is_found_no_more(service: SearchService) -> None:
    publish(service, [entry(number) for number in range(1, 21)])
    kept = [entry(number, format="PNG", mark=1) for number in range(1, 11)]
    publish(service, kept)
    with service.reading() as collection:
        assert collection.count(EVERYTHING) == 10
        assert collection.count(OneOf("format", ("JPEG",))) == 0
        assert sorted(ids_of(collection.search(kept[0].vector, 50, EVERYTHING))) == [*range(1, 11)]
        assert collection.description.formats == ("PNG",)


def test_a_draft_that_is_not_published_changes_nothing(service: SearchService) -> None:
    publish(service, [entry(1), entry(2)])
    for gallery in ("a", "b"):
        with service.writing(described([], gallery).space, DIM) as draft:
            draft.remove([1])
            draft.put([entry(3)])
        with service.reading() as collection:
            assert sorted(ids_of(collection.search(entry(1).vector, 9, EVERYTHING))) == [1, 2]


def test_a_reader_goes_on_in_the_state_that_it_opened(service: SearchService, address: str) -> None:
    publish(service, [entry(1)])
    other = open_service(address)
    for gallery in ("a", "b"):
        with other.reading() as collection:
            before = ids_of(collection.search(entry(1).vector, 9, EVERYTHING))
            publish(service, [entry(10 + len(gallery)), entry(before[0] + 20)], gallery)
            assert ids_of(collection.search(entry(1).vector, 9, EVERYTHING)) == before
    with other.reading() as collection:
        assert collection.description.gallery == "b"
    other.close()


def test_two_writers_are_not_at_it_at_once(service: SearchService, address: str) -> None:
    other = open_service(address)
    with (
        service.writing(described([]).space, DIM),
        pytest.raises(GalleryLockedError),
        other.writing(described([]).space, DIM),
    ):
        pass
    other.close()
    publish(service, [entry(1)])


def test_a_server_that_has_more_than_was_published_is_not_asked_for_ever(
    service: SearchService, address: str
) -> None:
    """As one may that was killed, whose deleted rows come back."""
    entries = [entry(number) for number in range(1, 30)]
    with service.writing(described([]).space, DIM) as draft:
        draft.put(entries)
        draft.publish(described(entries[:20]))
    with PublishedGallery(address, source=FakeSource()) as published:
        found = published.query(HeldContent(entries[0].content), k=500)
    assert 20 <= len(found) < 30
