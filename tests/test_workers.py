"""Handing out files to workers on other machines, without such machines; and what --on takes."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, NoReturn

import cli_fakes
import pytest
from conftest import FakeSource, write_picture
from test_executor import rows
from workers_fakes import FakeMachines

from imgsearch.errors import ImgsearchError, RecipeMismatchError, UsageError, WorkersError
from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.storage.embedded_contents import EmbeddedContents
from imgsearch.workers import remote_executor
from imgsearch.workers.choosing import executor_on
from imgsearch.workers.crew import AT_ONCE
from imgsearch.workers.remote_executor import AHEAD, RemoteExecutor
from imgsearch.workers.worker import Done, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

    from imgsearch.indexing.executor import FileWork


@pytest.fixture
def folder(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return twelve images, copies of three and a broken file, given out in shares of two."""
    for name in ("00", "03", "06"):
        shutil.copy(photos / f"trip0/{name}.png", photos / f"trip2/copy of {name}.png")
    (photos / "trip1/broken.png").write_bytes(b"half")
    monkeypatch.setattr(remote_executor, "FILES", 2)
    return photos


def indexing(tmp_path: Path, machines: FakeMachines, *, processors: int | None = None) -> Gallery:
    """Return a gallery that is filled by some machines."""
    executor = RemoteExecutor(lambda: machines, name="fake://", processors=processors)
    return Gallery(tmp_path / "remote", source=FakeSource(), executor=executor)


def local(tmp_path: Path, folder: Path) -> Gallery:
    """Return a gallery that was filled by this machine."""
    gallery = Gallery(tmp_path / "local", source=FakeSource())
    gallery.index(folder)
    return gallery


@pytest.mark.parametrize(
    "fate",
    [
        lambda _number, _method: False,
        lambda number, method: method == "embed" and number % 5 == 0,
        lambda number, _method: number % 7 == 0,
    ],
    ids=["nobody is lost", "workers are lost over shares", "workers are lost at any moment"],
)
def test_the_rows_are_those_of_one_machine_whoever_is_lost(
    tmp_path: Path, folder: Path, fate: Callable[[int, str], bool]
) -> None:
    machines = FakeMachines(fate=fate)
    with indexing(tmp_path, machines) as gallery, local(tmp_path, folder) as other:
        report = gallery.index(folder)
        assert (report.new, report.embedded, report.unreadable) == (16, 12, 1)
        assert rows(gallery) == rows(other)
        assert gallery.check().clean
    assert machines.closed
    assert machines.under_way <= AT_ONCE * len(machines.processors)


def test_no_more_is_in_hand_than_the_window_holds_while_the_first_share_is_not_done(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So memory does not grow with the number of files."""
    monkeypatch.setattr(remote_executor, "FILES", 1)
    machines = FakeMachines()
    given: list[int] = []

    def answered(tickets: Sequence[Hashable], *, seconds: float) -> list[Hashable]:
        """Leave the first share for as long as any other can be answered."""
        given.append(machines.asked.count("embed"))
        return list(tickets[1:]) or FakeMachines.answered(machines, tickets, seconds=seconds)

    monkeypatch.setattr(machines, "answered", answered)
    with indexing(tmp_path, machines) as gallery:
        assert gallery.index(folder).new == 16
    stuck = max(count for count in given if given.count(count) > 1 and 0 < count < 16)
    assert stuck == AHEAD * AT_ONCE * len(machines.processors)


def test_a_machine_gets_a_worker_for_as_many_processors_as_each_is_to_have(
    tmp_path: Path, folder: Path
) -> None:
    machines = FakeMachines(processors=(4, 3, 1))
    with indexing(tmp_path, machines, processors=2) as gallery:
        gallery.index(folder)
    assert sorted(machines.hired) == ["host 0", "host 0", "host 1"]


def test_moved_files_and_an_unchanged_folder_are_not_embedded_again(
    tmp_path: Path, folder: Path
) -> None:
    class Counting(Worker):
        """A worker that counts."""

        embedded = 0

        def embed(self, files: Sequence[FileWork], known: frozenset[str], *, sure: bool) -> Done:
            """Count what it embeds."""
            done = super().embed(files, known, sure=sure)
            Counting.embedded += sum(file.embedding is not None for file in done.files)
            return done

    machines = FakeMachines(worker=Counting)
    with indexing(tmp_path, machines) as gallery:
        gallery.index(folder)
        assert Counting.embedded >= 12
        Counting.embedded = 0
        (folder / "trip0").rename(folder / "trip9")
        assert gallery.index(folder).moved == 4
        assert gallery.index(folder).new == 0
    assert Counting.embedded == 0


def test_files_that_end_five_workers_end_the_run_and_are_named(
    tmp_path: Path, folder: Path
) -> None:
    machines = FakeMachines(fate=lambda number, method: method == "embed" and number > 8)
    with indexing(tmp_path, machines) as gallery:
        with pytest.raises(WorkersError, match=r"5 workers ended.*\.png.*it was killed"):
            gallery.index(folder)
        assert gallery.check().clean
    assert machines.closed


def test_workers_that_never_begin_end_the_run_before_there_is_a_gallery(
    tmp_path: Path, folder: Path
) -> None:
    machines = FakeMachines(fate=lambda _number, method: method == "introduce")
    with (
        indexing(tmp_path, machines) as gallery,
        pytest.raises(WorkersError, match="is imgsearch installed there"),
    ):
        gallery.index(folder)
    assert not (tmp_path / "remote").exists()


class Older(Worker):
    """A worker of another version."""

    def introduce(self) -> tuple[str, tuple[str, str]]:
        """Return what it says of itself."""
        host, (_, decoders) = super().introduce()
        return host, ("0.0.1", decoders)


class OtherDecoders(Worker):
    """A worker that lacks what reads HEIC."""

    def introduce(self) -> tuple[str, tuple[str, str]]:
        """Return what it says of itself."""
        host, (version, decoders) = super().introduce()
        return host, (version, f"{decoders}+heif-none")


class Blind(Worker):
    """A worker that finds another folder where the pictures should be."""

    def take(self, job: object, places: Sequence[Path]) -> ImgsearchError | None:
        """Return why it cannot do it."""
        return super().take(job, [place / "elsewhere" for place in places])  # type: ignore[arg-type]


class Unfit(Worker):
    """A worker that has other weights."""

    def take(self, job: object, places: Sequence[Path]) -> ImgsearchError | None:
        """Return why it cannot do it."""
        assert job
        assert places
        return RecipeMismatchError("the weights are not the recipe's")


@pytest.mark.parametrize(
    ("worker", "error", "says"),
    [
        (Older, RecipeMismatchError, "it has imgsearch 0.0.1"),
        (OtherDecoders, RecipeMismatchError, "heif-none"),
        (Blind, WorkersError, "under the same paths"),
        (Unfit, RecipeMismatchError, "worker on .*: the weights are not"),
    ],
)
def test_what_a_worker_lacks_is_told_before_there_is_a_gallery(
    tmp_path: Path, folder: Path, worker: type[Worker], error: type[ImgsearchError], says: str
) -> None:
    machines = FakeMachines(worker=worker)
    with indexing(tmp_path, machines) as gallery, pytest.raises(error, match=says):
        gallery.index(folder)
    assert not (tmp_path / "remote").exists()
    assert machines.closed


def test_a_worker_too_large_for_every_machine_is_refused(tmp_path: Path, folder: Path) -> None:
    with (
        indexing(tmp_path, FakeMachines(), processors=2) as gallery,
        pytest.raises(WorkersError, match="no machine has 2 processors for a worker, 1 at most"),
    ):
        gallery.index(folder)


def test_a_run_that_is_stopped_keeps_what_was_done_and_goes_on(
    tmp_path: Path, folder: Path
) -> None:
    machines = FakeMachines()
    with indexing(tmp_path, machines) as gallery, local(tmp_path, folder) as other:
        report = gallery.index(folder, stop=lambda: machines.asked.count("embed") >= 4)
        assert report.interrupted
        assert 0 < report.new < 16
        assert "halt" in machines.asked
        assert gallery.index(folder).new == 16 - report.new
        assert rows(gallery) == rows(other)


class Unmounted(Worker):
    """A worker whose folder goes away after it was looked at."""

    def embed(self, files: Sequence[FileWork], known: frozenset[str], *, sure: bool) -> Done:
        """Return what came of some files."""
        return super().embed(files, known, sure=sure) if sure else Done(unseen=True)


def test_files_that_a_worker_ceases_to_see_are_not_taken_for_unreadable(
    tmp_path: Path, folder: Path
) -> None:
    with indexing(tmp_path, FakeMachines(worker=Unmounted)) as gallery:
        with pytest.raises(WorkersError, match="a worker sees neither it nor"):
            gallery.index(folder)
        assert gallery.information().files == 0


def test_files_that_are_gone_here_too_are_read_after_all(tmp_path: Path, folder: Path) -> None:
    """They vanish between the scan and the reading."""

    def vanish(_number: int, method: str) -> bool:
        if method == "embed" and folder.exists():
            folder.rename(tmp_path / "gone")
        return False

    with indexing(tmp_path, FakeMachines(fate=vanish)) as gallery:
        report = gallery.index(folder)
    assert (report.new, report.embedded) == (16, 0)


class Failing(Worker):
    """A worker whose network fails."""

    def embed(self, files: Sequence[FileWork], known: frozenset[str], *, sure: bool) -> Done:
        """Return what came of some files."""
        assert self._network is not None
        self._network.embed = broken  # type: ignore[method-assign]
        return super().embed(files, known, sure=sure)


def broken(_images: object) -> NoReturn:
    """Be a network that fails."""
    raise MemoryError("no room")


def test_what_the_network_raises_on_a_worker_ends_the_run(tmp_path: Path, folder: Path) -> None:
    with (
        indexing(tmp_path, FakeMachines(worker=Failing)) as gallery,
        pytest.raises(WorkersError, match="MemoryError: no room"),
    ):
        gallery.index(folder)


def test_a_dry_run_asks_no_machine(tmp_path: Path, folder: Path) -> None:
    machines = FakeMachines()
    with indexing(tmp_path, machines) as gallery:
        assert gallery.index(folder, options=IndexOptions(dry_run=True)).new == 16
    assert machines.asked == []


def test_the_known_hashes_of_a_size_are_those_with_an_embedding(tmp_path: Path) -> None:
    photo = write_picture(tmp_path / "a.png", seed=1)
    other = write_picture(tmp_path / "b.png", seed=2, side=40)
    with Gallery(tmp_path / "gallery", source=FakeSource()) as gallery:
        gallery.index(photo, other)
        hashes = {
            match.path.name: match.content for match in gallery.query(photo, include_self=True, k=2)
        }
    size, another = photo.stat().st_size, other.stat().st_size
    assert size != another
    known = EmbeddedContents(tmp_path / "gallery", 1)
    assert known.of_sizes({size, 7, -1}) == {hashes["a.png"]}
    assert known.of_sizes({another, size}) == set(hashes.values())
    assert known.of_sizes(set()) == frozenset()
    known.close()
    assert EmbeddedContents(tmp_path / "gallery", 2).of_sizes({size}) == frozenset()


@pytest.mark.parametrize(
    "address",
    ["", "head:10001", "ray://", "ray://a b", "ray://user:secret@head", "ray://h:1/x", "slurm://h"],
)
def test_what_is_no_address_of_a_cluster_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="such as ray://head:10001"):
        executor_on(address)


@pytest.mark.parametrize("address", ["ray://local", "ray://local/", "ray://head", "ray://[::1]:9"])
def test_an_address_of_a_cluster_is_taken_and_nothing_is_asked(address: str) -> None:
    assert isinstance(executor_on(address), RemoteExecutor)


@pytest.mark.parametrize("address", ["ray://local", "ray://127.0.0.1:10001"])
def test_the_option_names_the_extra_that_is_missing(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", cli_fakes.FakeSource)
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_USAGE_STATS_ENABLED"):
        monkeypatch.setenv(name, "0")
    done = cli_fakes.run("index", folder, "--gallery", tmp_path / "g", "--on", address)
    assert done.exit_code == 1
    assert "pip install 'ray[client]'" in done.stderr
    assert "the extra `ray`" in done.stderr
    assert not (tmp_path / "g").exists()


def test_the_option_refuses_other_addresses_with_code_2(tmp_path: Path, folder: Path) -> None:
    done = cli_fakes.run("index", folder, "--gallery", tmp_path / "g", "--on", "head:10001")
    assert done.exit_code == 2
    assert "--on head:10001: expected the address of a Ray cluster" in done.stderr
