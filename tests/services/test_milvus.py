"""What is Milvus's alone: kills in the middle, a writer's lock, credentials, what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from imgsearch.errors import GalleryLockedError, NoGalleryError, ServiceError, UsageError
from imgsearch.services.conditions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    AtLeast,
    Folder,
    Lacks,
    LessThan,
    OneOf,
    UnderOneOf,
    passes,
)
from imgsearch.services.entries import EntryFile
from imgsearch.services.finding import open_service
from imgsearch.services.milvus.head import Head
from imgsearch.storage.places import Near
from services.milvus_server import TOKEN, milvus
from services.test_contract import DIM, described, entry, ids_of, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.services.milvus.service import MilvusService
    from services.milvus_server import MilvusServer

pytestmark = pytest.mark.services

TESTS = Path(__file__).parents[1]
STRANGE = ["Canon", 'a "b" \\', "é\u2028\U0001f600", "tab\t\x01\x7f", "\x00", "%_'", "x" * 3000, ""]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """Give a running server."""
    server = milvus(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def service(server: MilvusServer, request: pytest.FixtureRequest) -> Iterator[MilvusService]:
    """Give a service at an address where nothing is."""
    opened: Any = open_service(server.address(request.node.originalname[-40:].lstrip("_")))
    yield opened
    opened.close()


def seen(service: MilvusService) -> list[int]:
    """Return the ids of what readers see."""
    with service.reading() as collection:
        return sorted(ids_of(collection.search(entry(1).vector, 1000, EVERYTHING)))


def collections_of(service: MilvusService) -> list[str]:
    """Return what the server has of an address."""
    name = service.address.rpartition("/")[2]
    listed: list[str] = service._connection.ask("list_collections")
    return sorted(full for full in listed if full.startswith(f"{name}__"))


def test_the_server_finds_what_passes(service: MilvusService) -> None:
    """Its language means what ours does, whatever letters, dates, places and folders there are."""
    drawn = np.random.default_rng(3)
    entries = [
        entry(
            number,
            camera=[None, *STRANGE][drawn.integers(len(STRANGE) + 1)],
            taken=[None, "2020-01-01T00:00:00", "2021-06-01T00:00:00"][drawn.integers(3)],
            width=int(drawn.integers(1, 9)),
            latitude=float(drawn.uniform(-90, 90)),
            longitude=float(drawn.uniform(-180, 180)),
            files=(EntryFile(int(drawn.integers(1, 3)), b"caf\xe9/%d/a.jpg" % (number % 3)),),
        )
        for number in range(1, 201)
    ]
    entries[0] = replace(entries[0], latitude=None, longitude=None)
    publish(service, entries)
    taken = (AtLeast("taken", "2020-06"), LessThan("taken", "2021"), Lacks("taken"))
    conditions = [
        *(OneOf("camera", (name,)) for name in STRANGE),
        OneOf("camera", tuple(STRANGE[2:5])),
        Lacks("camera"),
        Lacks("latitude"),
        *taken,
        AnyOf((taken[1], taken[2])),
        AllOf((AtLeast("width", 3), LessThan("width", 10**30), AnyOf(taken))),
        UnderOneOf((Folder(1, b"caf\xe9/1"), Folder(2, b"caf\xe9/2/a.jpg"))),
        UnderOneOf((Folder(2, b""),)),
        UnderOneOf(()),
        Near(80.0, 179.0, 3000.0),
        Near(0.0, -179.0, 3000.0),
    ]
    with service.reading() as collection:
        for condition in conditions:
            passing = {one.id for one in entries if passes(condition, one)}
            found = set(ids_of(collection.search(entries[5].vector, 1000, condition)))
            count = collection.count(condition)
            if isinstance(condition, Near):
                assert passing <= found
                assert count == len(found) < 200
            else:
                assert found == passing, condition
                assert count == len(passing), condition


def test_an_entry_of_thousands_of_files_comes_back(service: MilvusService) -> None:
    files = tuple(EntryFile(1, b"folder/%d/a long name.jpg" % number) for number in range(3000))
    many = entry(1, files=files)
    publish(service, [many, entry(2)])
    with service.reading() as collection:
        (found,) = collection.find([many.content])
        assert found.files == files
        assert collection.count(UnderOneOf((Folder(1, b"folder/2999"),))) == 1
    publish(service, [entry(2)])
    assert seen(service) == [2]


def test_what_is_no_longer_seen_is_deleted_after_its_hour(
    service: MilvusService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of earlier versions, and collections of earlier spaces."""
    publish(service, [entry(1), entry(2), entry(3)])
    publish(service, [entry(1), entry(2, mark=5)])
    with service.reading() as collection:
        publish(service, [entry(1, mark=6)])
        assert sorted(ids_of(collection.search(entry(1).vector, 9, EVERYTHING))) == [1, 2]
        rows = replace(collection.table, time=0).rows("id > 0", ["id", "since"])
    versions = sorted({row["since"] for row in rows})
    assert sorted((row["id"], versions.index(row["since"])) for row in rows) == [
        (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0),
    ]  # fmt: skip
    monkeypatch.setattr("imgsearch.services.milvus.draft.GRACE_SECONDS", -1.0)
    publish(service, [entry(1, mark=6), entry(4)])
    with service.reading() as collection:
        rows = replace(collection.table, time=0).rows("id >= 0", ["row", "id"])
    assert sorted(row["id"] for row in rows if row["id"]) == [1, 1, 4]
    assert len([row for row in rows if row["row"].startswith("head.")]) <= 2
    publish(service, [entry(1)], gallery="b")
    assert len(collections_of(service)) == 2
    monkeypatch.setattr("imgsearch.services.milvus.service.GRACE_SECONDS", -1.0)
    publish(service, [entry(1)], gallery="b")
    assert len(collections_of(service)) == 1


def test_an_hour_that_ends_while_something_is_published_brings_nothing_back(
    service: MilvusService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not deleted yet stays unseen."""
    publish(service, [entry(1), entry(2)])
    publish(service, [entry(1)])
    with service.writing(described([]).space, DIM) as draft:
        monkeypatch.setattr("imgsearch.services.milvus.draft.GRACE_SECONDS", -1.0)
        draft.publish(described([entry(1)]))
    assert seen(service) == [1]


def test_what_an_interrupted_publish_has_put_is_not_seen_should_it_come_back(
    service: MilvusService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash a server may at first overlook rows, so that they are not deleted."""
    publish(service, [entry(1), entry(2)])
    with service.writing(described([]).space, DIM) as draft:
        draft.put([entry(2, mark=5), entry(3)])
    with monkeypatch.context() as patch:
        patch.setattr("imgsearch.services.milvus.draft.MilvusDraft._delete", lambda *_: None)
        publish(service, [entry(1), entry(2), entry(4)])
    assert seen(service) == [1, 2, 4]
    with service.reading() as collection:
        assert collection.count(OneOf("format", ("JPEG",))) == 3
        assert collection.find([entry(3).content]) == []
    publish(service, [entry(1)])
    with service.reading() as collection:
        rows = replace(collection.table, time=0).rows("id == 3", ["id"])
    assert seen(service) == [1]
    assert not rows, "the next one deletes them"


def test_what_was_published_before_versions_were_named_opens_and_goes_on(
    service: MilvusService, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Head.to_text

    def before(head: Head) -> str:
        values = json.loads(now(head))
        return json.dumps({name: values[name] for name in values.keys() - {"whole", "later"}})

    with monkeypatch.context() as patch:
        patch.setattr(Head, "to_text", before)
        publish(service, [entry(1), entry(2)])
        publish(service, [entry(1), entry(3)])
    assert seen(service) == [1, 3]
    publish(service, [entry(1), entry(4)])
    assert seen(service) == [1, 4]


def test_the_versions_that_are_seen_are_named_as_long_as_they_are_few(
    service: MilvusService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.services.milvus.draft._MOST_LATER", 1)
    for last in range(2, 6):
        publish(service, [entry(1), *(entry(number) for number in range(2, last))])
        assert seen(service) == list(range(1, last))
        with service.reading() as collection:
            assert len(collection.head.later) <= 1


@pytest.mark.parametrize("gallery", ["a", "b"])
def test_a_server_that_is_killed_while_something_is_published_keeps_what_was_there(
    service: MilvusService, server: MilvusServer, gallery: str
) -> None:
    """Killed in the middle of the same space and of a new one; then all of it is published."""
    old = [entry(number) for number in range(1, 51)]
    publish(service, old)
    new = [entry(number, mark=7) for number in range(30, 400)]
    with service.writing(described(new, gallery).space, DIM) as draft:
        draft.remove([1, 2, 3])
        draft.put(new[:200])
        server.kill()
        with pytest.raises(ServiceError):
            draft.put(new[200:])
    with pytest.raises(ServiceError), service.reading():
        pass
    server.start()
    assert seen(service) == [one.id for one in old]
    publish(service, new, gallery)
    assert seen(service) == [one.id for one in new]
    with service.reading() as collection:
        assert {one.mark for one in collection.find([one.content for one in new])} == {7}


def test_a_writer_that_was_killed_keeps_nobody_out_for_long(
    service: MilvusService, tmp_path: Path
) -> None:
    code = """
import sys, time
sys.path[:0] = sys.argv[1:3]
from imgsearch.services.finding import open_service
from services.test_contract import DIM, described, entry
with open_service(sys.argv[3]).writing(described([]).space, DIM) as draft:
    draft.put([entry(number) for number in range(1, 100)])
    print("written", flush=True)
    time.sleep(60)
"""
    arguments = [str(TESTS), str(TESTS.parent), service.address]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, cwd=tmp_path
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        with pytest.raises(GalleryLockedError), service.writing(described([]).space, DIM):
            pass
        writer.kill()
    with pytest.raises(NoGalleryError), service.reading():
        pass
    began = time.monotonic()
    with service.writing(described([]).space, DIM) as draft:
        assert time.monotonic() - began < 25
        left = [id_ for ids, _ in draft.marks() for id_ in ids.tolist()]
        assert sorted(left) == list(range(1, 100)), "the next writer goes on"
        draft.remove(left[1:])
        draft.publish(described([entry(left[0])]))
    assert seen(service) == [left[0]]
    assert not [name for name in collections_of(service) if "lock" in name]


def test_a_wrong_token_is_refused_and_told_nobody(
    service: MilvusService, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "root:hush-very-secret")
    with pytest.raises(ServiceError, match="MILVUS_TOKEN") as refused:
        service.health()
    assert "hush" not in str(refused.value)
    monkeypatch.delenv("MILVUS_TOKEN")
    user, password = TOKEN.split(":")
    monkeypatch.setenv("MILVUS_USER", user)
    monkeypatch.setenv("MILVUS_PASSWORD", password)
    assert service.health().engine.startswith("Milvus ")
    assert capfd.readouterr().err == ""


def test_a_collection_of_somebody_else_is_left_alone(service: MilvusService) -> None:
    from imgsearch.services.milvus.schema import schema_of

    name = service.address.rpartition("/")[2]
    service._connection.ask("create_collection", name, schema=schema_of(3))
    with pytest.raises(ServiceError, match="imgsearch has not made"):
        publish(service, [entry(1)])
    with pytest.raises(ServiceError, match="imgsearch has not made"), service.reading():
        pass
    assert name in service._connection.ask("list_collections")
    service._connection.ask("drop_collection", name)


def test_a_collection_that_somebody_has_dropped_is_published_again(service: MilvusService) -> None:
    publish(service, [entry(1)])
    for name in collections_of(service):
        service._connection.ask("drop_collection", name)
    with pytest.raises(NoGalleryError), service.reading():
        pass
    publish(service, [entry(2)])
    assert seen(service) == [2]


def test_no_server_is_said_so_soon() -> None:
    service = open_service("milvus://127.0.0.1:9/photos")
    began = time.monotonic()
    with pytest.raises(ServiceError, match="try again"):
        service.health()
    assert time.monotonic() - began < 20


def test_pymilvus_reads_no_file_of_the_environment(tmp_path: Path) -> None:
    """It would look for `.env` in all folders above its own."""
    code = "import imgsearch.services.milvus.connection, os; print(os.environ.get('PLANTED'))"
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    (tmp_path / ".env").write_text("PLANTED=1\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == "None\n"


@pytest.mark.parametrize(
    "address",
    [
        "milvus:///photos", "milvus://host", "milvus://host/a/b/c", "milvus://host/a__b",
        "milvus://host/a-b", "milvus://host/1a", "milvus://u:secret@host/photos",
        "milvus://host/photos?token=u:secret",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_service(address)
    assert "u:" not in str(refused.value)
