"""Crops of folders, and what teachers say of them, for long runs: development code.

    python -m training.ask_teachers SOURCE... --teacher mobilenet_v2
        --teacher efficientnet_lite0.keras:unit --crops 60000 --seed 101 --out FOLDER
        [--dense PROJECTION] [--whole 0.3] [--smallest-area 0.4] [--mixed 0.3] [--tiled 0.15]
        [--distorted 0.6] [--true-colours]
    python -m training.ask_teachers SOURCE... --teacher ... --held-out --out FOLDER
    python -m training.ask_teachers --fit CACHE... --out FILE

Makes the caches and the projection that `torch_run.py` trains on. A source is a folder; a crop's
source is drawn in proportion to its number of pictures to the power 0.6, times the factor behind
"=", as in `things=2`. The same pictures are held out whatever the seed of the crops. One's own
network is taken as it is, so it should come from somebody that you trust.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from imgsearch.distillation.crops import CropRules
from imgsearch.distillation.dense import DenseTargets
from imgsearch.distillation.run import FITTED_ON, POWER, SHRINKAGE
from imgsearch.distillation.targets import CachePlan, CropCache, Teacher
from imgsearch.distillation.training_set import pixels
from imgsearch.files import write_atomically
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.networks.backbones.weights import fingerprint
from imgsearch.networks.embedder import Embedder, load_embedder
from imgsearch.networks.runtimes import graphs
from imgsearch.networks.runtimes.openvino import OpenVINORuntime
from imgsearch.recipe import RecipeRequest
from imgsearch.vectors import projection_fitting
from imgsearch.vectors.projection import Projection
from training.pool import Source, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.recipe import Preprocessing

HELD_OUT: Final = 1536
HELD_OUT_SEED: Final = (20261125, 2)
SIZE: Final = 128
DIM: Final = 256
SHARES: Final = ("whole", "smallest_area", "mixed", "tiled", "distorted")
"""Shares of `CropRules` that the command line sets."""
_LOG: Final = logging.getLogger(__name__)


def plan(
    sources: Sequence[Source],
    *,
    crops: int,
    seed: int,
    rules: CropRules | None,
    dense: DenseTargets | None = None,
) -> CachePlan:
    """Return which crops are made: of the pictures held out whole, or of all others drawn.

    Args:
        sources: where pictures come from.
        crops: how many are drawn.
        seed: of the drawing.
        rules: how; None takes the pictures that are held out instead, whole.
        dense: makes targets of locations, too.
    """
    paths = [path for source in sources for path in source.paths]
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(paths))
    apart = np.sort(order[: min(HELD_OUT, len(paths) // 2)])
    kept = np.setdiff1d(np.arange(len(paths)), apart)
    drawn = apart
    if rules is not None:
        generator = np.random.default_rng((seed, 3))
        drawn = generator.choice(kept, size=crops, p=shares(sources, kept))
    return CachePlan(
        images=drawn.astype(np.int64),
        size=SIZE,
        rules=rules,
        seed=seed,
        identity=hashlib.sha256("\0".join(map(str, paths)).encode(errors="replace")).hexdigest(),
        dense=dense,
    )


def teacher(text: str, *, bfloat16: bool = False) -> Teacher:
    """Return the teacher that "NAME" or "FILE.keras:PREPROCESSING" names.

    Args:
        text: the network's name or file.
        bfloat16: compute in bfloat16, however far the embeddings are from float32's: what they are
            off by is small beside what the student is off by.

    Raises:
        ImgsearchError: there is no such network, its weights are not here, or OpenVINO is not.
    """
    name, _, preprocessing = text.partition(":")
    request = RecipeRequest(name)
    if preprocessing:
        request = RecipeRequest(
            name,
            preprocessing=cast("Preprocessing", preprocessing),
            trusted_sha256=fingerprint(Path(name)),
        )
    recipe = resolve(request, offline=True)
    said = recipe.identifier
    embedder = load_embedder(recipe, runtime="openvino" if bfloat16 else "auto")
    if bfloat16:
        said = f"{said}/bfloat16"
        graph = graphs.load(graphs.GraphKey.of(recipe, "openvino"))
        assert graph is not None  # noqa: S101  # it was kept when the embedder was made
        embedder = Embedder(recipe, OpenVINORuntime(graph, precision="bfloat16"))
    return Teacher(
        name=said,
        size=recipe.size,
        dim=recipe.dim,
        embed=embedder.embed,
        # Only the mean of the maps is the embedding.
        maps=embedder.feature_maps if recipe.pooling == "gap" else None,
    )


def fit(caches: Sequence[Path], out: Path) -> None:
    """Fit the projection that makes targets of embeddings, and write it."""
    opened = [CropCache.open(folder).embeddings for folder in caches]
    every = max(1, sum(map(len, opened)) // FITTED_ON)
    rows = np.concatenate([embeddings[::every] for embeddings in opened]).astype(np.float32)
    fitted = projection_fitting.fit(rows, dim=DIM, power=POWER, shrinkage=SHRINKAGE)
    write_atomically(out, [fitted.to_bytes()])


def _progress(done: int, total: int) -> None:
    _LOG.info("%d of %d crops", done, total)


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description="Ask teachers about crops.")
    parser.add_argument("sources", nargs="*", type=Source.parse, help="FOLDER or FOLDER=FACTOR")
    parser.add_argument("--teacher", action="append", default=[], help="NAME, FILE.keras:unit")
    parser.add_argument("--bfloat16", action="store_true", help="ask teachers in bfloat16")
    parser.add_argument("--crops", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--dense", type=Path, help="projection that makes targets of locations")
    for name in SHARES:
        default = getattr(CropRules(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=default)
    parser.add_argument("--true-colours", action="store_true", help="distort shapes only")
    parser.add_argument("--fit", type=Path, nargs="+", help="caches that a projection is fitted on")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if given.fit:
        fit(given.fit, given.out)
        return
    paths = [path for source in given.sources for path in source.paths]
    rules = CropRules(**{name: getattr(given, name) for name in (*SHARES, "true_colours")})
    wanted = plan(
        given.sources,
        crops=given.crops,
        seed=given.seed,
        rules=None if given.held_out else rules,
        dense=DenseTargets(Projection.from_bytes(given.dense.read_bytes()))
        if given.dense
        else None,
    )
    CropCache.make(
        given.out,
        wanted,
        read=lambda index: pixels(paths[index]),
        teachers=[teacher(text, bfloat16=given.bfloat16) for text in given.teacher],
        progress=_progress,
        stop=lambda: False,
    )


if __name__ == "__main__":
    main()
