"""What is PostgreSQL's own: passwords, rights, and the index that pgvector searches through."""

from __future__ import annotations

import os
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from imgsearch.errors import ServiceError
from imgsearch.services.conditions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    AtLeast,
    Folder,
    LessThan,
    OneOf,
    UnderOneOf,
    passes,
)
from imgsearch.services.entries import EntryFile
from imgsearch.services.finding import open_service
from services.engines import ENGINES
from services.postgres_server import PASSWORD, USER
from services.test_contract import DIM, described, entry, ids_of, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.engines import Server

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running PostgreSQL, or skip by name."""
    server = ENGINES["pgvector"](tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


def connected(server: Server) -> Any:
    """Return a connection as the owner."""
    import psycopg

    from imgsearch.services import service_address

    place = service_address.parse(server.address("any"))
    return psycopg.connect(host=place.host, dbname=place.parts[0], autocommit=True)


def test_a_wrong_password_is_refused_and_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the message nor in the traceback that --debug prints."""
    monkeypatch.setenv("PGPASSWORD", "wrong-s3cret")
    with pytest.raises(ServiceError) as caught:
        open_service(server.address("photos")).health()
    assert "PGPASSWORD" in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_the_password_may_stand_in_a_file(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pass"
    file.write_text(f"*:*:*:{USER}:{PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(file))
    health = open_service(server.address("photos")).health()
    assert health.engine.startswith("PostgreSQL 1")
    assert "pgvector 0." in health.engine


def test_nobody_answers_is_said_with_the_address(tmp_path: Path) -> None:
    address = f"postgresql://{str(tmp_path).replace('/', '%2F')}/db/photos"
    with pytest.raises(ServiceError, match="db/photos: "):
        open_service(address).health()


def test_who_may_only_read_can_query_and_not_publish(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rights that docs/scaling.md names."""
    address = server.address("rights")
    service = open_service(address)
    publish(service, [entry(1), entry(2)])
    with connected(server) as connection:
        for statement in (
            "CREATE ROLE reader LOGIN PASSWORD 'read'",
            "CREATE ROLE writer LOGIN PASSWORD 'write'",
            "GRANT ALL ON SCHEMA imgsearch TO writer",
            "GRANT ALL ON imgsearch.collection, imgsearch.version TO writer",
            "GRANT USAGE ON SCHEMA imgsearch TO reader",
            "GRANT SELECT ON ALL TABLES IN SCHEMA imgsearch TO reader",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA imgsearch GRANT SELECT ON TABLES TO reader",
        ):
            connection.execute(statement)
    reader = open_service(address)
    with monkeypatch.context() as patch:
        patch.setenv("PGUSER", "reader")
        patch.setenv("PGPASSWORD", "read")
        with reader.reading() as collection:
            assert len(collection.find([entry(1).content])) == 1
        writing = reader.writing(described([]).space, DIM)
        with pytest.raises(ServiceError, match="rights"), writing as draft:
            draft.put([entry(9)])
    with monkeypatch.context() as patch:
        patch.setenv("PGUSER", "writer")
        patch.setenv("PGPASSWORD", "write")
        writer = open_service(server.address("another"))
        publish(writer, [entry(7)])
        writer.close()
    # What is published later, in tables of its own, can be read as well.
    publish(service, [entry(3)], "another gallery")
    with reader.reading() as collection:
        assert ids_of(collection.search(entry(3).vector, 5, EVERYTHING)) == [3]
    reader.close()
    service.close()


def test_many_entries_are_searched_through_the_index_and_few_one_by_one(server: Server) -> None:
    """Of 36,000 entries; the recall of the nearest ten, and k truly k, under each condition."""
    drawn = np.random.default_rng(1)
    entries = [
        entry(
            number,
            width=int(drawn.integers(1000)),
            format="PNG" if number % 500 else "JPEG",
            files=(EntryFile(1, b"%c/%d.jpg" % (b"abc"[number % 3 :][:1], number)),),
        )
        for number in range(1, 36_001)
    ]
    service = open_service(server.address("many"))
    description = described(entries)
    with service.writing(description.space, DIM) as draft:
        for start in range(0, len(entries), 2000):
            draft.put(entries[start : start + 2000])
        draft.publish(description)
    assert service.health().index == "hnsw"
    vectors = np.stack([one.vector for one in entries])
    with service.reading() as collection:
        for where, exact in (
            (EVERYTHING, False),
            (AtLeast("width", 100), False),
            (UnderOneOf((Folder(1, b"a"), Folder(1, b"b"), Folder(2, b"c"))), False),
            (UnderOneOf((Folder(1, b"c"), Folder(1, b"a/3.jpg"))), True),
            (AnyOf((UnderOneOf((Folder(1, b"a"),)), AtLeast("width", 300))), False),
            (AnyOf(()), True),
            (AtLeast("width", 950), True),
            (OneOf("format", ("JPEG",)), True),
            (AllOf((LessThan("width", 20), OneOf("format", ("JPEG",)))), True),
        ):
            passing = np.array([passes(where, one) for one in entries])
            hits = 0
            for query in vectors[:40]:
                found = collection.search(query, 10, where)
                assert found.is_exact == exact
                assert len(found.entries) >= min(10, passing.sum())
                best = np.argsort(-np.where(passing, vectors @ query, -9))[: min(10, passing.sum())]
                hits += len({int(row) + 1 for row in best} & set(ids_of(found)))
            assert hits >= 0.97 * 40 * min(10, passing.sum())
        wide = collection.search(vectors[0], 1500, EVERYTHING)
        assert len(wide.entries) == 1500
        assert wide.is_exact
    service.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_was_forked_off_has_a_connection_of_its_own(server: Server) -> None:
    service = open_service(server.address("forked"))
    publish(service, [entry(1)])

    def count() -> int:
        with service.reading() as collection:
            return collection.count(EVERYTHING)

    def session() -> int:
        return service._reader.info.backend_pid

    assert count() == 1
    ours = session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads that other tests have left
        child = os.fork()
    if not child:
        status = 1
        try:
            status = 0 if count() == 1 and session() != ours else 2
            service.close()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert count() == 1
    assert session() == ours
    service.close()
