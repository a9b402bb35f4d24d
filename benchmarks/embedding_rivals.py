"""How fast imgsearch turns photographs into embeddings, compared with other ways to do it.

    python benchmarks/embedding_rivals.py FOLDER [--count 200] [--large-count 60] [--json FILE]
    python benchmarks/embedding_rivals.py --quick

Every contender is a process of its own, embeds the same files and is timed from the first file to
the last embedding, after its imports, its network and one warm-up picture, which are timed apart.
Two sets of files: the folder's photographs as they are, and the same ones enlarged to 12
megapixels with fine detail added, as JPEG of quality 90. All contenders may use every core; batches
and workers are what their own documentation advises.

- keras-loop: `load_img`, `preprocess_input`, `model.predict`, image by image, as tutorials do.
- keras-batched: the same network fed by `image_dataset_from_directory`-like `tf.data` in batches.
- torch: torchvision's MobileNetV2 behind a `DataLoader` with one worker a core.
- imagededup: its CNN method with its own network, MobileNetV3 Small.
- imgsearch: the whole of `Gallery.index`, with hashing, metadata and committed rows; the others
  write nothing.

MobileNetV2 takes the weights in Keras's cache where they are, else random ones, which are as fast.
Contenders that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
BACKBONE: Final = "mobilenet_v2"
# Needs only the bundled weights.
QUICK_BACKBONE: Final = "compact"
LARGE_SIZE: Final = (4000, 3000)
BATCH: Final = 32
NEEDS: Final = {
    "keras-loop": "tensorflow",
    "keras-batched": "tensorflow",
    "torch": "torchvision",
    "imagededup": "imagededup",
    "imgsearch float32": "imgsearch",
    "imgsearch bfloat16": "imgsearch",
}


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one contender on one set of files.

    Attributes:
        contender: its name.
        files: which set.
        count: number of files it embedded.
        rate: files/s.
        start: seconds until it was ready for the first file.
    """

    contender: str
    files: str
    count: int
    rate: float
    start: float


def enlarge(source: Path, target: Path, *, seed: int) -> None:
    """Write a photograph as a JPEG of 12 megapixels with detail down to the pixel."""
    generator = np.random.default_rng(seed)
    with Image.open(source) as image:
        large = image.convert("RGB").resize(LARGE_SIZE, Image.Resampling.BICUBIC)
    pixels = np.asarray(large, dtype=np.int16)
    grain = generator.normal(0, 6, size=(*pixels.shape[:2], 1))
    noisy = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(target, quality=90)


def keras_network() -> Any:  # noqa: ANN401  Keras has no types
    """Return MobileNetV2 with global average pooling."""
    import keras

    path = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    weights = "imagenet" if (path / name).is_file() else None
    return keras.applications.MobileNetV2(
        weights=weights, include_top=False, pooling="avg", input_shape=(224, 224, 3)
    )


def keras_loop() -> Callable[[Sequence[Path]], int]:
    """Return the loop of the tutorials."""
    import keras
    from keras.applications.mobilenet_v2 import preprocess_input

    model = keras_network()

    def embed(paths: Sequence[Path]) -> int:
        for path in paths:
            image = keras.utils.load_img(path, target_size=(224, 224))
            batch = preprocess_input(np.expand_dims(keras.utils.img_to_array(image), 0))
            model.predict(batch, verbose=0)
        return len(paths)

    return embed


def keras_batched() -> Callable[[Sequence[Path]], int]:
    """Return `tf.data` with parallel decoding in front of the compiled network."""
    import tensorflow as tf

    model = keras_network()
    function = tf.function(lambda batch: model(batch, training=False))

    def load(path: Any) -> Any:  # noqa: ANN401  a symbolic tensor
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        image = tf.image.resize(image, (224, 224), antialias=True)
        return image / 127.5 - 1.0

    def embed(paths: Sequence[Path]) -> int:
        data = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
        data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        data = data.batch(BATCH).prefetch(tf.data.AUTOTUNE)
        return sum(len(function(batch).numpy()) for batch in data)

    return embed


def torch_loader() -> Callable[[Sequence[Path]], int]:
    """Return torchvision's MobileNetV2 behind a `DataLoader`."""
    import torch
    from torchvision import models, transforms

    network = models.mobilenet_v2(weights=None).features.eval()
    transform = transforms.Compose(
        [
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )

    class Files(torch.utils.data.Dataset):  # type: ignore[misc]  # PyTorch is not type-checked
        def __init__(self, paths: Sequence[Path]) -> None:
            self.paths = paths

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> Any:  # noqa: ANN401  a tensor
            with Image.open(self.paths[index]) as image:
                return transform(image.convert("RGB"))

    def embed(paths: Sequence[Path]) -> int:
        loader = torch.utils.data.DataLoader(
            Files(paths), batch_size=BATCH, num_workers=os.cpu_count() or 1
        )
        with torch.inference_mode():
            return sum(len(network(batch).mean((2, 3)).numpy()) for batch in loader)

    return embed


def imagededup() -> Callable[[Sequence[Path]], int]:
    """Return imagededup's CNN encoder with its own network and random weights."""
    from imagededup.methods import CNN
    from imagededup.utils.models import CustomModel
    from torchvision import models

    network = models.mobilenet_v3_small(weights=None)
    encoder = CNN(
        verbose=False,
        model_config=CustomModel(
            name="mobilenet_v3_small",
            model=_Pooled.of(network),
            transform=models.MobileNet_V3_Small_Weights.DEFAULT.transforms(),
        ),
    )

    def embed(paths: Sequence[Path]) -> int:
        return len(encoder.encode_images(paths[0].parent, num_enc_workers=os.cpu_count() or 1))

    return embed


class _Pooled:
    """torchvision's network up to its pooling, as imagededup cuts it."""

    @staticmethod
    def of(network: Any) -> Any:  # noqa: ANN401  PyTorch is not looked into
        import torch

        return torch.nn.Sequential(network.features, network.avgpool, torch.nn.Flatten()).eval()


def imgsearch(precision: str, backbone: str) -> Callable[[Sequence[Path]], int]:
    """Return the whole of `Gallery.index` into a new gallery."""
    from imgsearch import Gallery
    from imgsearch.networks.backbones.resolve import resolve
    from imgsearch.networks.embedder import load_embedder
    from imgsearch.recipe import RecipeRequest

    request = RecipeRequest(backbone, precision=precision)  # type: ignore[arg-type]
    load_embedder(resolve(request, offline=True))

    def embed(paths: Sequence[Path]) -> int:
        with (
            tempfile.TemporaryDirectory() as place,
            Gallery(Path(place) / "gallery", recipe=request, offline=True) as gallery,
        ):
            return gallery.index(paths[0].parent).embedded

    return embed


# From the name of imgsearch's backbone to a function that embeds files.
CONTENDERS: Final[dict[str, Callable[[str], Callable[[Sequence[Path]], int]]]] = {
    "keras-loop": lambda _: keras_loop(),
    "keras-batched": lambda _: keras_batched(),
    "torch": lambda _: torch_loader(),
    "imagededup": lambda _: imagededup(),
    "imgsearch float32": partial(imgsearch, "float32"),
    "imgsearch bfloat16": partial(imgsearch, "bfloat16"),
}


def contend(name: str, folder: Path, warm_up: Path, backbone: str) -> Row:
    """Run one contender on one folder, in this process."""
    began = time.perf_counter()
    embed = CONTENDERS[name](backbone)
    embed([next(warm_up.iterdir())])
    start = time.perf_counter() - began
    paths = sorted(folder.iterdir())
    began = time.perf_counter()
    count = embed(paths)
    seconds = time.perf_counter() - began
    if count != len(paths):
        raise RuntimeError(f"{name} embedded {count} of {len(paths)} files")
    return Row(name, folder.name, count, round(count / seconds, 2), round(start, 2))


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, nargs="?", default=SAMPLES)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--large-count", type=int, default=80)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="a few files, imgsearch with compact")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        name, folder, warm_up, backbone = given.only
        print(json.dumps(asdict(contend(name, Path(folder), Path(warm_up), backbone))))
        return
    backbone = QUICK_BACKBONE if given.quick else BACKBONE
    if given.quick:
        given.count, given.large_count = 8, 2
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        originals = sorted(path for path in given.folder.rglob("*.[jJ][pP]*[gG]"))
        chosen = originals[:: max(1, len(originals) // given.count)][: given.count]
        small, large, warm_up = (Path(place) / name for name in ("as they are", "12 MP", "warm"))
        for folder in (small, large, warm_up):
            folder.mkdir()
        for number, path in enumerate(chosen):
            (small / f"{number:05}.jpg").write_bytes(path.read_bytes())
        (warm_up / "warm.jpg").write_bytes(chosen[0].read_bytes())
        for number, path in enumerate(chosen[: given.large_count]):
            enlarge(path, large / f"{number:05}.jpg", seed=number)
        for folder in (small, large):
            for name in CONTENDERS:
                if importlib.util.find_spec(NEEDS[name]) is None:
                    print(f"{name}: {NEEDS[name]} is not installed, left out")
                    continue
                rows += _row(name, folder, warm_up, backbone)
    table(rows)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def _row(name: str, folder: Path, warm_up: Path, backbone: str) -> list[Row]:
    done = subprocess.run(
        [sys.executable, __file__, "--only", name, str(folder), str(warm_up), backbone],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{name}: failed: {done.stderr.strip().splitlines()[-1]}")
        return []
    row = Row(**json.loads(done.stdout.strip().splitlines()[-1]))
    print(f"{row.files:12} {row.contender:20} {row.rate:8.1f} files/s", flush=True)
    return [row]


def table(rows: Sequence[Row]) -> None:
    """Print every row with its ratio to the plain loop on the same files."""
    base = {row.files: row.rate for row in rows if row.contender == "keras-loop"}
    print("| files | contender | files/s | times the plain loop | ready after |")
    print("|---|---|---|---|---|")
    for row in rows:
        ratio = f"{row.rate / base[row.files]:.1f}" if row.files in base else "-"
        print(f"| {row.files} | {row.contender} | {row.rate:.1f} | {ratio} | {row.start:.1f} s |")


if __name__ == "__main__":
    main()
