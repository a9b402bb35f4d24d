"""What start_up.py compares a cold query with: loading a network, a stored index, or both.

Each contender is a short program, as in its library's documentation, run as a whole process. The
indices hold as many raw embeddings as the gallery, filled by the functions of index_rivals.py:

* hnswlib, Chroma and LanceDB: configured as there;
* FAISS: a flat index of inner products, read from its file.

A stored file needs no network: the program reads its embedding from the index and searches for the
ten nearest. A new file goes through Keras's MobileNetV2 first. This module fills one index:

    python benchmarks/start_up_rivals.py NAME vectors.npy FOLDER
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from index_rivals import RIVALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

KERAS: Final = """
import sys, numpy as np, keras
from keras.applications.mobilenet_v2 import MobileNetV2, preprocess_input
shape = (224, 224, 3)
model = MobileNetV2(weights={weights!r}, include_top=False, pooling="avg", input_shape=shape)
image = keras.utils.img_to_array(keras.utils.load_img(sys.argv[1], target_size=(224, 224)))
vector = model.predict(preprocess_input(np.expand_dims(image, 0)), verbose=0)
vector /= np.linalg.norm(vector)
"""
TORCH: Final = """
import sys, torch
from PIL import Image
from torchvision.models import mobilenet_v2
from torchvision.transforms import functional
model = mobilenet_v2(weights=None).eval()
image = functional.to_tensor(Image.open(sys.argv[1]).convert("RGB").resize((224, 224)))
with torch.inference_mode():
    model.features(image[None]).mean((2, 3))
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A program that opens an index and answers one query.

    `folder` is the index's; the vector is an array `(1, dim)`.

    Attributes:
        name: as it is shown.
        module: must be installed.
        opens: the lines that import and open it.
        takes: the line that reads the vector of content 0 from it.
        asks: the line that finds the ten nearest of the vector.
        most: maximum number of contents, if filling takes too long; None for no limit.
    """

    name: str
    module: str
    opens: str
    takes: str
    asks: str
    most: int | None = None

    def program(self, network: str = "") -> str:
        """Return the whole program.

        Args:
            network: lines that compute the vector of an image; "" takes a stored vector.
        """
        folder = "import sys\nfolder = sys.argv[2]\n"
        vector = "" if network else f"{self.takes}\n"
        return f"{network}{folder}{self.opens}{vector}answer = {self.asks}\nprint(answer)\n"


KERAS_DIM: Final = 1280
# Raw embeddings at about a thousand a second: some two minutes each.
CHROMA_MOST: Final = 100_000
LANCEDB_MOST: Final = 100_000
INDICES: Final = {
    "hnswlib": Stored(
        "hnswlib",
        "hnswlib",
        opens="""
import hnswlib
index = hnswlib.Index(space="ip", dim=int(open(folder + "/dim").read()))
index.load_index(folder + "/index.bin")
""",
        takes="vector = index.get_items([0])",
        asks="index.knn_query(vector, k=10)[0]",
    ),
    "faiss": Stored(
        "FAISS flat",
        "faiss",
        opens="""
import faiss
index = faiss.read_index(folder + "/flat.faiss")
""",
        takes="vector = index.reconstruct(0)[None]",
        asks="index.search(vector, 10)[1]",
    ),
    "chroma": Stored(
        "Chroma",
        "chromadb",
        opens="""
import chromadb
settings = chromadb.config.Settings(anonymized_telemetry=False)
client = chromadb.PersistentClient(folder, settings=settings)
contents = client.get_collection("contents", embedding_function=None)
""",
        takes='vector = contents.get(ids=["0"], include=["embeddings"])["embeddings"]',
        asks='contents.query(query_embeddings=vector, n_results=10, include=[])["ids"]',
        most=CHROMA_MOST,
    ),
    "lancedb": Stored(
        "LanceDB",
        "lancedb",
        opens="""
import lancedb
table = lancedb.connect(folder).open_table("contents")
""",
        takes='vector = [table.search().where("id = 0").to_arrow()["vector"][0].as_py()]',
        asks='table.search(vector[0]).distance_type("dot").limit(10).to_arrow()["id"].to_pylist()',
        most=LANCEDB_MOST,
    ),
}
# Those beside which Keras is timed too.
WITH_KERAS: Final = ("hnswlib", "faiss", "chroma")


def rival_commands(
    vectors: NDArray[np.float32], workspace: Path, picture: Path, network: str
) -> dict[str, list[str]]:
    """Fill the indices of what is installed; return the programs by name, as Python's arguments.

    Args:
        vectors: raw embeddings `(n, dim)`, of which an index holds its limit at most.
        workspace: a folder for the indices.
        picture: the new file that is asked about.
        network: the lines that make a vector of it.
    """
    kept = workspace / "vectors.npy"
    # A quick run's embeddings are shorter than those of Keras's network.
    np.save(kept, np.pad(vectors, ((0, 0), (0, max(0, KERAS_DIM - vectors.shape[1])))))
    alone, both = {}, {}
    for key, stored in INDICES.items():
        folder = workspace / key
        count = min(len(vectors), stored.most or len(vectors))
        if find_spec(stored.module) is None:
            print(f"{stored.name}: {stored.module} is not installed, left out", file=sys.stderr)
            continue
        folder.mkdir()
        fill = [sys.executable, __file__, key, str(kept), str(folder), "--count", str(count)]
        done = subprocess.run(fill, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
            print(f"{stored.name}: left out, {reason}", file=sys.stderr)
            continue
        fewer = f" of {count:,}" if count < len(vectors) else ""
        given = [str(picture), str(folder)]
        alone[f"{stored.name}{fewer}: import, load, stored vector"] = [
            "-c", stored.program(), *given,
        ]  # fmt: skip
        if key in WITH_KERAS:
            both[f"Keras + {stored.name}{fewer}: import, load both, new file"] = [
                "-c", stored.program(network), *given,
            ]  # fmt: skip
    kept.unlink()
    return both | alone


def fill(key: str, vectors: NDArray[np.float32], folder: Path) -> None:
    """Build one index of vectors `(n, dim)` in an empty folder."""
    if key != "faiss":
        RIVALS[key].build(vectors, folder)
        return
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / "flat.faiss"))


def main() -> None:
    """Fill the index that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("name", choices=tuple(INDICES))
    parser.add_argument("vectors", type=Path, help=".npy")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, help="of the vectors, the first (default: all)")
    options = parser.parse_args()
    fill(options.name, np.load(options.vectors)[: options.count], options.folder)


if __name__ == "__main__":
    main()
