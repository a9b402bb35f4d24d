"""Trying a runtime: its agreement with TensorFlow, and its speed on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.networks.backbones.preprocessing import preprocess
from imgsearch.networks.pooling import l2_normalise, pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.networks.runtimes.runtime import Runtime
    from imgsearch.recipe import Precision, Recipe

LEAST_AGREEMENT: Final[dict[Precision, float]] = {"float32": 0.9999, "bfloat16": 0.999}
# Fourier amplitudes of photographs fall about as 1 / frequency (Field 1987, J. Opt. Soc. Am. A 4).
SPECTRUM_SLOPES: Final = (1.0, 1.0, 1.25, 1.25, 1.5, 1.5)
MEASURED_SECONDS: Final = 0.6
MEASURED_BATCH: Final = 16


def probe_images(size: int) -> NDArray[np.uint8]:
    """Return ten fixed images, shape (10, size, size, 3), uint8.

    A gradient, coarse and fine blocks of colour, noise, and six clouds of colour with the spectrum
    of photographs: real images lie between these.
    """
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:size, 0:size] / max(size - 1, 1)
    images = [np.stack([rows, columns, 1 - (rows + columns) / 2], axis=-1) * 255]
    for blocks in (5, 24, size):
        side = -(-size // blocks)
        colours = generator.integers(0, 256, size=(blocks, blocks, 3))
        images.append(colours.repeat(side, axis=0).repeat(side, axis=1)[:size, :size])
    images += [_clouds(generator, size, slope) for slope in SPECTRUM_SLOPES]
    return np.stack(images).astype(np.uint8)


def agreement(recipe: Recipe, reference: Runtime, candidate: Runtime) -> float:
    """Return the lowest cosine similarity of two runtimes' embeddings of the probe images."""
    images = preprocess(probe_images(recipe.size), recipe.preprocessing)
    expected, received = (
        l2_normalise(pool(runtime.feature_maps(images), recipe.pooling)).astype(np.float64)
        for runtime in (reference, candidate)
    )
    return float(np.min(np.sum(expected * received, axis=1)))


def images_per_second(recipe: Recipe, runtime: Runtime) -> float:
    """Return a runtime's throughput in images per second, the best of a few batches."""
    pixels = probe_images(recipe.size)
    images = preprocess(
        np.resize(pixels, (MEASURED_BATCH, *pixels.shape[1:])), recipe.preprocessing
    )
    # The first run allocates memory and, in TensorFlow, optimises the graph.
    runtime.feature_maps(images)
    best = np.inf
    end = time.perf_counter() + MEASURED_SECONDS
    while (start := time.perf_counter()) < end:
        runtime.feature_maps(images)
        best = min(best, time.perf_counter() - start)
    return MEASURED_BATCH / best


def _clouds(generator: np.random.Generator, size: int, slope: float) -> NDArray[np.float64]:
    """Return noise with amplitudes ∝ frequency ** -slope, half of it common to all colours."""
    frequencies = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    frequencies[0, 0] = 1 / size
    noise = generator.normal(size=(4, size, size))
    filtered = np.fft.ifft2(np.fft.fft2(noise) / frequencies**slope).real
    image = np.moveaxis(filtered[:3] + filtered[3], 0, -1)
    image = (image - image.mean()) / max(float(image.std()), 1e-9)
    clouds: NDArray[np.float64] = np.clip(128 + 55 * image, 0, 255)
    return clouds
