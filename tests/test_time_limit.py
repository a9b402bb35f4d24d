"""Each file gets only so much time: whatever its decoder does, the run goes on and ends."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import picture_files
import pytest
from conftest import FakeSource, write_picture
from PIL import Image

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.images import formats, loading, memory
from imgsearch.images.decoding_process import DecodingProcess
from imgsearch.images.format_row import Format
from imgsearch.indexing import decoding_threads
from imgsearch.indexing.file_loader import LoadedFile, load_files
from imgsearch.indexing.report import IndexOptions
from imgsearch.recipe import DECODER_VERSION, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
RECIPE = FakeSource().resolve(RecipeRequest(), offline=True)
SHORT = 0.3
TOO_LONG = "took longer than 0.3 seconds to decode"


def slow_jpeg(side: int) -> bytes:
    """Return a JPEG of some kilobytes that takes long: ninety times the same scan."""
    jpeg = picture_files.encode(Image.new("L", (side, side), 99), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * 90 + jpeg[-2:]


@pytest.fixture(scope="module")
def jpeg2000() -> bytes:
    """Return a file whose decoder holds the interpreter's lock for about a second."""
    noise = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    return picture_files.encode(Image.fromarray(noise), "JPEG2000")


def load(paths: list[Path], *, seconds: float | None) -> list[LoadedFile[Path]]:
    return list(
        load_files(
            paths,
            lambda path: path,
            recipe=RECIPE,
            is_embedded=lambda _: False,
            jobs=2,
            seconds=seconds,
        )
    )


@pytest.fixture
def endless() -> Iterator[None]:
    """Register a format whose decoder never ends while the test runs."""
    over = threading.Event()

    def decode(*_: object) -> None:
        over.wait()
        raise ValueError

    row = Format("ENDLESS", (".endless",), matches=lambda data: data == b"endless", decoder=decode)
    take_out = formats.register(row)
    yield
    take_out()
    over.set()
    while decoding_threads.some_given_up():
        time.sleep(0.01)


def test_a_slow_file_is_given_up_and_all_others_are_read(tmp_path: Path) -> None:
    good = [write_picture(tmp_path / f"{n}.png", seed=n) for n in range(40)]
    slow = tmp_path / "slow.jpg"
    slow.write_bytes(slow_jpeg(4000))
    loaded = load([*good[:20], slow, *good[20:]], seconds=SHORT)
    assert [file.reason for file in loaded] == [None] * 20 + [TOO_LONG] + [None] * 20
    assert loaded[20].hash == hashlib.sha256(slow.read_bytes()).hexdigest()


def test_a_file_that_needs_no_more_than_its_time_is_read_in_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread gets almost none here; the pixels are the same bit for bit."""
    monkeypatch.setattr(decoding_threads, "SHARE", 1_000_000)
    path = tmp_path / "slow.jpg"
    path.write_bytes(slow_jpeg(1500))
    (file,) = load([path], seconds=100.0)
    expected = loading.load(path.read_bytes(), size=RECIPE.size, resize=RECIPE.resize)
    assert file.image is not None
    np.testing.assert_array_equal(file.image.pixels, expected.pixels)
    assert file.image.metadata == expected.metadata


def test_what_holds_the_interpreters_lock_is_ended_too(tmp_path: Path, jpeg2000: bytes) -> None:
    """In a thread it would stop every other one, and the clock with them."""
    path = tmp_path / "a.jp2"
    path.write_bytes(jpeg2000)
    (file,) = load([path], seconds=0.05)
    assert file.reason == "took longer than 0.05 seconds to decode"


def test_without_a_limit_everything_is_read_in_threads(
    tmp_path: Path, jpeg2000: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    path = tmp_path / "a.jp2"
    path.write_bytes(jpeg2000)
    assert [file.reason for file in load([path], seconds=None)] == [None]


def test_where_no_process_can_be_started_threads_do_what_they_can(
    tmp_path: Path, jpeg2000: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    (tmp_path / "a.jp2").write_bytes(jpeg2000)
    (tmp_path / "b.jpg").write_bytes(slow_jpeg(2000))
    assert [file.reason for file in load([tmp_path / "a.jp2"], seconds=100.0)] == [None]
    (jpeg,) = load([tmp_path / "b.jpg"], seconds=0.15)
    assert jpeg.reason == "took longer than 0.05 seconds to decode"


@pytest.mark.usefixtures("endless")
def test_a_decoder_from_outside_is_waited_for_no_longer_than_any(tmp_path: Path) -> None:
    """No other process knows it, so its thread is left to itself."""
    path, other = tmp_path / "a.endless", write_picture(tmp_path / "b.png", seed=1)
    path.write_bytes(b"endless")
    assert [file.reason for file in load([path, other], seconds=SHORT)] == [TOO_LONG, None]
    assert decoding_threads.some_given_up()


def test_who_stops_waits_for_no_slow_file(tmp_path: Path, jpeg2000: bytes) -> None:
    path, other = tmp_path / "a.jp2", write_picture(tmp_path / "b.png", seed=1)
    path.write_bytes(jpeg2000 + bytes(10))
    loading_files = load_files(
        [other, *[path] * 40],
        lambda item: item,
        recipe=RECIPE,
        is_embedded=lambda _: False,
        jobs=2,
        seconds=100.0,
    )
    next(loading_files)
    loading_files.close()
    assert not [thread for thread in threading.enumerate() if "imgsearch" in thread.name]


@pytest.mark.usefixtures("endless")
def test_a_run_can_be_stopped_while_a_file_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scan asks twice, the first file once, and then whoever waits for the second."""
    monkeypatch.setattr(decoding_threads, "LAST_SECONDS", 0.1)
    write_picture(tmp_path / "photos/a.png", seed=1)
    (tmp_path / "photos/b.endless").write_bytes(b"endless")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with Gallery(tmp_path / "gallery", source=FakeSource()) as gallery:
        options = IndexOptions(seconds_per_file=100.0)
        report = gallery.index(tmp_path / "photos", options=options, stop=stop)
        assert (report.interrupted, report.embedded, report.unreadable) == (True, 1, 0)


def test_a_gallery_tries_again_with_more_time_and_not_with_the_same(
    tmp_path: Path, jpeg2000: bytes
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jp2").write_bytes(jpeg2000)
    with Gallery(tmp_path / "gallery", source=FakeSource()) as gallery:
        short = IndexOptions(seconds_per_file=0.05)
        first = gallery.index(photos, options=short)
        assert len(first.newly_unreadable) == 1
        again = gallery.index(photos, options=short)
        assert (again.unreadable, again.newly_unreadable, again.unchanged) == (1, (), 1)
        assert gallery.index(photos).unreadable == 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_limit_is_a_number_above_nothing(seconds: float) -> None:
    with pytest.raises(UsageError, match="seconds per file: "):
        IndexOptions(seconds_per_file=seconds)


# The process


@pytest.fixture
def process() -> Iterator[DecodingProcess]:
    decoding = DecodingProcess()
    yield decoding
    decoding.end()


def decode(process: DecodingProcess, data: bytes, *, seconds: float = 100.0) -> object:
    return process.load(data, size=8, resize="squash", decoder=DECODER_VERSION, seconds=seconds)


def test_a_process_gives_the_same_reasons(process: DecodingProcess, tmp_path: Path) -> None:
    expected = picture_files.write_broken_files(tmp_path)
    for name in sorted(expected):
        data = (tmp_path / name).read_bytes()
        with pytest.raises(UnreadableImageError) as here:
            loading.load(data, size=8, resize="squash")
        with pytest.raises(UnreadableImageError) as there:
            decode(process, data)
        assert there.value.reason == here.value.reason


def test_a_process_waits_for_memory_beside_this_ones_threads(
    process: DecodingProcess, jpeg2000: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """25 bytes for each of 600 x 400 pixels; and no time passes while it waits."""
    asked: list[int] = []
    take = memory.SHARED.take

    def slowly(amount: int) -> None:
        asked.append(amount)
        time.sleep(1.0)
        take(amount)

    monkeypatch.setattr(memory.SHARED, "take", slowly)
    png = picture_files.encode(Image.new("RGB", (600, 400)), "PNG")
    decode(process, png, seconds=0.8)
    decode(process, jpeg2000)
    assert asked == [8 * 600 * 400, 25 * 600 * 400]
    assert memory.SHARED._taken == {}


def test_a_decoder_that_crashes_costs_its_file_alone(
    process: DecodingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    png = picture_files.encode(Image.new("RGB", (9, 9)), "PNG")
    take = memory.SHARED.take

    def crash(_amount: int) -> None:
        assert process._process is not None
        process._process.kill()

    monkeypatch.setattr(memory.SHARED, "take", crash)
    with pytest.raises(UnreadableImageError, match="damaged PNG: its decoder crashed"):
        decode(process, png)
    monkeypatch.setattr(memory.SHARED, "take", take)
    assert decode(process, png) is not None


@pytest.mark.skipif(os.name == "nt", reason="there are no sessions")
def test_ctrl_c_does_not_reach_a_process(process: DecodingProcess) -> None:
    decode(process, picture_files.encode(Image.new("RGB", (9, 9)), "PNG"))
    assert process._process is not None
    assert os.getsid(process._process.pid) != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="others bound no address space")
def test_a_process_can_take_no_more_than_its_bound() -> None:
    code = (
        "from imgsearch.images.decoding_child import _bound; _bound(1 << 30)\n"
        "try: bytearray(1 << 30)\n"
        "except MemoryError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"


# The command line

PROGRAM = """
import hashlib
import cli_fakes
from imgsearch.images import formats
from imgsearch.images.format_row import Format
def hang(*_):
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
formats.register(Format("HANG", (".hang",), matches=lambda data: data == b"hang", decoder=hang))
cli_fakes.start()
"""


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent)))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_decoder_that_hangs_for_ever_keeps_neither_the_run_nor_its_exit(tmp_path: Path) -> None:
    """One hangs in a thread, where only the end of the program ends it; one in a process."""
    write_picture(tmp_path / "photos/good.png", seed=1)
    (tmp_path / "photos/a.hang").write_bytes(b"hang")
    (tmp_path / "photos/b.jpg").write_bytes(slow_jpeg(3000))
    place = ("--gallery", tmp_path / "gallery")
    done = command("index", tmp_path / "photos", "--seconds-per-file", "0.3", *place)
    assert (done.returncode, done.stderr.count(TOO_LONG)) == (3, 2)
    assert "1 embedding" in done.stderr
    (tmp_path / "photos/a.hang").unlink()
    assert command("index", "--seconds-per-file", "0", *place).returncode == 0
