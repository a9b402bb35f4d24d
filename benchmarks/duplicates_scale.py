"""What it costs to name the candidates of a large gallery, and to look for new pictures in it.

The gallery is grown from a real one: embeddings as `grown_embeddings.py` grows them, hashes by
turning a third of the bits of real ones. A fifth are copies: an embedding a little apart, a hash
with up to three other bits, in one of eight orientations. Nothing is decoded or judged.

    python benchmarks/duplicates_scale.py REAL.gallery --contents 100000
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from grown_embeddings import Grown

from imgsearch import Gallery
from imgsearch.duplicates.candidates import NEIGHBOURS, candidate_pairs
from imgsearch.duplicates.hashes import near_pairs, oriented
from imgsearch.images.fingerprints import HASH_BYTES, Fingerprint
from imgsearch.images.metadata import Metadata
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.records import ScannedRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

COPIES: Final = 0.2
NEW: Final = 1_000
FEW_BITS: Final = 3


def grown_hashes(real: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return hashes (count, HASH_BYTES): real ones, a third of whose bits were drawn anew."""
    chance = np.random.default_rng(1)
    bits = np.unpackbits(real[chance.integers(0, len(real), count)], axis=1)
    anew = chance.random(bits.shape) < 2 / 3
    return np.packbits(np.where(anew, chance.integers(0, 2, bits.shape), bits), axis=1)


def copied(
    rows: NDArray[np.float32], hashes: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return embeddings and hashes of copies of pictures."""
    chance = np.random.default_rng(2)
    noise = chance.normal(0, 0.1 / np.sqrt(rows.shape[1]), rows.shape)
    near = np.maximum(rows + noise, 0).astype(np.float32)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    turned = hashes.copy()
    orientations = chance.integers(0, 8, len(hashes))
    for orientation in range(8):
        chosen = orientations == orientation
        turned[chosen] = oriented(hashes[chosen], orientation)
    for _ in range(FEW_BITS):
        place = chance.integers(0, 8 * HASH_BYTES, len(turned))
        bit = np.uint8(1) << (place % 8).astype(np.uint8)
        turned[np.arange(len(turned)), place // 8] ^= bit
    return near, turned


def fill(
    folder: Path, recipe: Recipe, rows: NDArray[np.float32], hashes: NDArray[np.uint8]
) -> None:
    """Write a gallery of contents that no file holds any more on this disk."""
    store = Store.create(folder)
    with store.transaction():
        stored = store.add_recipe(recipe)
        root = store.add_root(Path("/nowhere"), recursive=True)
        for number, (row, code) in enumerate(zip(rows, hashes, strict=True)):
            content = store.add_content(f"{number:064x}", 1000, Metadata(640, 480, "JPEG"))
            store.add_embedding(stored.id, content, row)
            store.put_fingerprint(content, Fingerprint(b"", code.tobytes()))
            scanned = ScannedRow(root.id, f"{number:06}.jpg".encode(), 1000, 1)
            store.put_file(None, scanned, content_id=content)
        store.raise_generation(stored.id)
    store.close()


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("real", type=Path, help="a gallery with a few thousand pictures")
    parser.add_argument("--contents", type=int, default=100_000)
    options = parser.parse_args()
    with Gallery(options.real) as gallery:
        _, embeddings = gallery.embeddings()
        recipe = gallery.information().recipes[0].recipe
    store = Store.open(options.real)
    _, real = store.perceptual_hashes()
    store.close()
    count = options.contents
    originals = round(count * (1 - COPIES))
    rows = Grown.calibrated(embeddings, projected=True).draw(originals, seed=3)
    hashes = grown_hashes(real, originals)
    chosen = np.random.default_rng(4).choice(originals, count - originals, replace=False)
    near, turned = copied(rows[chosen], hashes[chosen])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.gallery"
        fill(path, recipe, np.concatenate([rows, near]), np.concatenate([hashes, turned]))
        with Gallery(path) as gallery, gallery._connections.snapshot() as held:  # noqa: SLF001 - a benchmark
            measure(gallery, Embeddings(held, path, held.recipes()[0]), originals, chosen)


def measure(gallery: Gallery, held: Embeddings, originals: int, chosen: NDArray[np.int64]) -> None:
    """Print what naming candidates costs, and which of the copies it names."""
    space = gallery._open_space(held)  # noqa: SLF001 - a benchmark
    ids = held.ids()
    clock, cpu = time.perf_counter(), time.process_time()
    pairs = candidate_pairs(held, space, ids)
    print(
        f"{len(ids):,} contents: {len(pairs):,} candidates, "
        f"{time.process_time() - cpu:.1f} s of CPU, {time.perf_counter() - clock:.1f} s"
    )
    named = {tuple(pair) for pair in pairs.tolist()}
    copies = list(zip(ids[chosen].tolist(), ids[originals:].tolist(), strict=True))
    print(f"copies named: {np.mean([pair in named for pair in copies]):.4f}")
    _, hashes = held.store.perceptual_hashes()
    rows = np.concatenate([block for _, block in held.blocks(ids[:NEW].tolist())])
    clock, cpu = time.perf_counter(), time.process_time()
    near_pairs(hashes[:NEW], hashes)
    space.index.search(space.project(rows), NEIGHBOURS)
    print(
        f"{len(rows):,} new: {time.process_time() - cpu:.2f} s of CPU, "
        f"{time.perf_counter() - clock:.2f} s"
    )
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
