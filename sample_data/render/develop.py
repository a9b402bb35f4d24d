"""From linear light to a photograph: exposure, white balance, tone curve, lens and sensor."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from pathlib import Path

Floats = NDArray[np.float64]


def read_linear(path: Path) -> Floats:
    """Read a binary 16-bit PPM as linear RGB in [0, 1], shape ``(h, w, 3)``."""
    data = path.read_bytes()
    fields: list[bytes] = []
    start = 0
    while len(fields) < 4:
        end = start
        while not data[end : end + 1].isspace():
            end += 1
        if data[start : start + 1] == b"#":
            end = data.index(b"\n", start)
        elif end > start:
            fields.append(data[start:end])
        start = end + 1
    width, height, limit = (int(field) for field in fields[1:])
    pixels = np.frombuffer(data, dtype=">u2" if limit > 255 else "u1", offset=start)
    return pixels.reshape(height, width, 3).astype(np.float64) / limit


def disc(array: Floats, radius: float) -> Floats:
    """Average ``(h, w, c)`` over a disc of ``radius`` pixels."""
    reach = int(np.ceil(radius))
    padded = np.pad(array, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total, weights = np.zeros_like(array), 0.0
    height, width, _ = array.shape
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            weight = float(np.clip(radius + 0.5 - np.hypot(row, column), 0, 1))
            if weight > 0:
                top, left = reach + row, reach + column
                total += weight * padded[top : top + height, left : left + width]
                weights += weight
    return total / weights


def defocus(light: Floats, depth: Floats, *, strength: float) -> Floats:
    """Blur what lies before and behind the plane of focus.

    ``depth`` is ``(h, w)`` in units of the focus distance. The circle of confusion of a thin lens,
    strength x |1 - 1 / depth| x width pixels, is cut into layers, composited from far to near.
    """
    width = light.shape[1]
    signed = strength * width * (1 - 1 / np.maximum(depth, 0.15))
    edges = np.array([-99, -6, -4, -2.5, -1.2, 1.2, 2.5, 4, 6, 8.5, 99], dtype=np.float64)
    result = np.zeros_like(light)
    filled = np.zeros((*depth.shape, 1))
    for low, high in reversed(list(pairwise(edges))):
        inside = (signed >= low) & (signed < high)
        if not inside.any():
            continue
        radius = min(float(np.abs(signed[inside]).mean()), 11.0)
        alpha = inside[..., None].astype(np.float64)
        stack = np.concatenate([light * alpha, alpha], axis=2)
        if radius > 0.8:
            stack = disc(stack, radius)
        cover = stack[..., 3:]
        result = result * (1 - cover) + stack[..., :3]
        filled = filled * (1 - cover) + cover
    return result / np.maximum(filled, 1e-3)


def tone(light: Floats) -> Floats:
    """Compress highlights with a filmic shoulder, then apply sRGB's transfer curve."""
    shoulder = light * (1 + light / 4.0**2) / (1 + light * 0.72)
    shoulder = np.clip(shoulder * 1.25, 0, 1)
    return np.where(
        shoulder <= 0.0031308,
        12.92 * shoulder,
        1.055 * np.maximum(shoulder, 1e-9) ** (1 / 2.4) - 0.055,
    )


def develop(light: Floats, *, seed: int, exposure: float = 0.0) -> Image.Image:
    """Turn linear light ``(h, w, 3)`` into a picture.

    The meter aims at a mean of log luminance as a camera does, only part of the way, so that
    evenings stay dark; ``exposure`` (in stops) corrects it. Vignetting, white balance, contrast,
    saturation and noise vary with ``seed``.
    """
    draw = np.random.default_rng(seed)
    height, width, _ = light.shape
    luminance = light @ np.array([0.2126, 0.7152, 0.0722])
    key = np.exp(np.mean(np.log(luminance + 1e-3)))
    bright = np.percentile(luminance, 96)
    gain = min((0.31 / key) ** 0.8, 2.2 / max(bright, 1e-3))
    gain *= 2 ** (exposure + draw.uniform(-0.22, 0.22))
    vertical, horizontal = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1 - draw.uniform(0.05, 0.2) * (horizontal**2 + vertical**2) / 2
    balance = np.array([1 + draw.uniform(-0.04, 0.05), 1.0, 1 + draw.uniform(-0.05, 0.04)])
    cast = light.mean(axis=(0, 1))
    balance *= (cast.mean() / cast) ** 0.35
    picture = light * gain * vignette[..., None] * balance
    bloom = Image.fromarray(np.uint8(np.clip(picture - 0.9, 0, 1) * 255))
    bloom = bloom.filter(ImageFilter.GaussianBlur(width / 90))
    picture = picture + np.asarray(bloom, dtype=np.float64) / 255 * 0.25
    iso = draw.choice([0.004, 0.006, 0.009, 0.013])
    grain = draw.normal(size=picture.shape) + draw.normal(size=(height, width, 1)) * 0.8
    picture = picture + grain * iso * np.sqrt(np.maximum(picture, 0) + 0.02) * 0.55
    shown = tone(np.maximum(picture, 0))
    contrast = draw.uniform(0.12, 0.3)
    shown = shown * (1 - contrast) + contrast * (3 * shown**2 - 2 * shown**3)
    grey = shown.mean(axis=2, keepdims=True)
    shown = grey + (shown - grey) * draw.uniform(0.95, 1.12)
    return Image.fromarray(np.uint8(np.clip(shown * 255 + 0.5, 0, 255)))
