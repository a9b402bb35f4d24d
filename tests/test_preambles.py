"""However much stands before the pixels of a file, it opens at once or is refused."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import picture_files
import pytest
from picture_checks import needs, reason_for, squash
from PIL import Image

from imgsearch.errors import UnreadableImageError
from imgsearch.images import boxes, decoding, loading, memory, preambles, tiff_directories
from imgsearch.images.loading import load, read_file

PICTURE = picture_files.photograph(64, 48)


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def test_a_jpeg_of_a_thousand_exif_segments_shows_its_picture_at_once() -> None:
    """Pillow joins them one by one, which took 65 s for 98 MB; one of them is enough."""
    jpeg = picture_files.encode(PICTURE, "JPEG", exif=picture_files.exif(make="First"))
    more = segment(0xE1, b"Exif\0\0".ljust(65_533, b"\0"))
    first = len(jpeg) - len(jpeg[2:].split(b"\xff\xdb", 1)[1]) - 2
    crowded = jpeg[:first] + more * 1500 + jpeg[first:]
    bounded = preambles.of_jpeg(crowded)
    assert len(bounded) < len(jpeg) + 100
    np.testing.assert_array_equal(squash(crowded), squash(jpeg))
    assert load(crowded, size=8, resize="squash").metadata.camera == "First"
    with_comments = jpeg[:2] + segment(0xFE, bytes(65_533)) * 600 + jpeg[2:]
    assert preambles.of_jpeg(with_comments) == jpeg
    assert preambles.of_jpeg(jpeg) is jpeg


@pytest.mark.parametrize("filling", [segment(0xFE, b"") * 20_000, b"\xff" * 2_000_000])
def test_a_jpeg_of_segments_or_filling_without_end_is_refused(filling: bytes) -> None:
    jpeg = picture_files.encode(PICTURE, "JPEG")
    assert "segments, or a megabyte of nothing" in reason_for(jpeg[:2] + filling + jpeg[2:])


def test_a_png_is_read_without_its_text() -> None:
    png = picture_files.encode(PICTURE, "PNG")
    bomb = zlib.compress(bytes(64 << 20), 9)
    texts = [
        picture_files.png_chunk(b"zTXt", b"note\0\0" + bomb),
        picture_files.png_chunk(b"iTXt", b"note\0\1\0\0\0" + bomb),
        picture_files.png_chunk(b"tEXt", b"note\0" + bytes(2 << 20)),
        picture_files.png_chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb) * 50,
    ]
    for text in texts:
        for place in (33, len(png) - 12):
            crowded = png[:place] + text + png[place:]
            assert preambles.of_png(crowded) == png
            np.testing.assert_array_equal(squash(crowded), squash(png))
    assert preambles.of_png(png) is png


def test_a_png_of_chunks_without_end_is_refused() -> None:
    png = picture_files.encode(PICTURE, "PNG")
    crowd = picture_files.png_chunk(b"tEXt", b"a\0b") * 20_000
    assert "more than 10000 chunks" in reason_for(png[:33] + crowd + png[33:])


def test_a_gif_is_read_without_its_long_comments() -> None:
    gif = picture_files.encode(PICTURE.convert("P"), "GIF")
    start = 13 + (3 << (gif[10] & 7) + 1)
    comment = b"!\xfe" + (b"\xff" + b"a" * 255) * 300 + b"\0"
    assert preambles.of_gif(gif[:start] + comment + gif[start:]) == gif
    np.testing.assert_array_equal(squash(gif[:start] + comment + gif[start:]), squash(gif))
    short = gif[:start] + b"!\xfe\x02hi\0" + gif[start:]
    assert preambles.of_gif(short) is short


def test_other_headers_without_end_are_refused() -> None:
    assert "header makes no sense" in reason_for(b"P5\n#" + b"a" * 100_000 + b"\n1 1 255\n\0")
    needs("JPEG2000")
    jp2 = picture_files.encode(PICTURE, "JPEG2000")
    free = (struct.pack(">L", 8) + b"free") * (boxes.MOST_BOXES + 1)
    assert "header makes no sense" in reason_for(jp2[:12] + free + jp2[12:])
    stream = boxes.first(jp2, "jp2c")
    assert stream is not None
    place = stream.start + 51
    crowd = b"\xff\x64\0\2" * 20_000
    assert "does not end" in reason_for(jp2[stream.start : place] + crowd + jp2[place:])


def test_a_tiff_of_tags_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tiff = picture_files.encode(PICTURE, "TIFF")
    count = 60_000
    entries = b"".join(struct.pack("<HHLL", tag, 3, 1, 0) for tag in range(count))
    crowded = b"II*\0" + struct.pack("<LH", 8, count) + entries + bytes(4)
    assert "more tags than any picture" in reason_for(crowded)
    monkeypatch.setattr(tiff_directories, "MOST_NUMBERS", 0)
    assert "more tags than any picture" in reason_for(tiff)


# ── Memory ──────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_refused_by_its_size_before_a_byte_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse file of 3 GB takes no space on the disk, and was read to 2 GiB."""
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(loading.MAX_FILE_BYTES + 1)

    def read(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("pathlib.Path.open", read)
    with pytest.raises(UnreadableImageError, match="larger than 2 GiB"):
        read_file(path)


def test_an_image_that_would_take_too_much_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """8 bytes a pixel: 64 x 48 take 24,576 bytes; a deep grey takes 14, 43,008 bytes."""
    png = picture_files.encode(PICTURE, "PNG")
    monkeypatch.setattr(decoding, "MOST_MEMORY", 24_576)
    assert squash(png).shape == (8, 8, 3)
    deep = picture_files.encode(Image.new("F", (64, 48), 0.5), "TIFF")
    assert "would take 0.0 GB" in reason_for(deep)
    monkeypatch.setattr(decoding, "MOST_MEMORY", 24_575)
    assert "too large: decoding this PNG of 64 x 48 pixels" in reason_for(png)


def test_images_wait_for_the_memory_that_others_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SHARED_MEMORY", 1)  # one at a time
    png = picture_files.encode(PICTURE, "PNG")
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        shapes = {pixels.shape for pixels in pool.map(squash, [png] * 20)}
    assert shapes == {(8, 8, 3)}
    assert memory.SHARED._taken == {}


@pytest.mark.skipif(sys.platform != "linux", reason="others bound no address space")
def test_reading_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    """Not the two gigabytes that a file may have at most, which a container may refuse."""
    (tmp_path / "small.png").write_bytes(b"small")
    code = (
        "import resource, sys; from pathlib import Path; from imgsearch.images import loading\n"
        "most = 1 << 30; resource.setrlimit(resource.RLIMIT_AS, (most, most))\n"
        "print(loading.read_file(Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "small.png")],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "b'small'\n"


def test_a_file_that_grows_while_it_is_read_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "grows.png"
    path.write_bytes(b"0123456789")
    monkeypatch.setattr(loading, "_checked_size", lambda _: 4)
    assert read_file(path) == b"0123456789"
