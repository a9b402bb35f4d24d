"""Meshes of many small triangles (leaves, needles, grass, fur), written as POV-Ray includes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mesh(name: str, triangles: Floats) -> str:
    """Declare a mesh from triangles ``(n, 3, 3)``."""
    rows = [
        "triangle{" + ",".join(f"<{x:.3f},{y:.3f},{z:.3f}>" for x, y, z in corner) + "}"
        for corner in triangles
    ]
    return f"#declare {name} = mesh {{\n" + "\n".join(rows) + "\n}\n"


def directions(generator: np.random.Generator, count: int) -> Floats:
    """Draw unit vectors ``(count, 3)``, uniform on the sphere."""
    vectors = generator.normal(size=(count, 3))
    lengths: Floats = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def leaves(generator: np.random.Generator, centres: Floats, size: float) -> Floats:
    """Put a leaf of two triangles at each centre ``(n, 3)``, turned at random: ``(2n, 3, 3)``."""
    count = len(centres)
    along = directions(generator, count) * size * generator.uniform(0.6, 1.2, (count, 1))
    across = np.cross(along, directions(generator, count))
    across *= size * 0.35 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    left = np.stack([centres - along / 2, centres + across, centres + along / 2], axis=1)
    right = np.stack([centres - along / 2, centres - across, centres + along / 2], axis=1)
    return np.concatenate([left, right])


def broadleaf(generator: np.random.Generator, count: int, leaf: float) -> Floats:
    """Make a crown of one unit radius around (0, 1, 0), gathered in clumps."""
    clumps = directions(generator, 26) * generator.uniform(0.35, 0.85, (26, 1))
    clumps[:, 1] = clumps[:, 1] * 0.85 + 1.0
    chosen = generator.integers(0, len(clumps), count)
    shell = directions(generator, count) * generator.uniform(0.6, 1.0, (count, 1)) * 0.36
    return leaves(generator, clumps[chosen] + shell, leaf)


def conifer(generator: np.random.Generator, count: int) -> Floats:
    """Make a spruce of height one and radius 0.22: whorls of drooping branches with needles."""
    level = np.floor(generator.uniform(0, 1, count) ** 0.6 * 17) / 17
    radius = 0.24 * (1 - level * 0.96) + 0.01
    out = generator.uniform(0.1, 1.0, count) ** 0.7
    spoke = generator.integers(0, 11, count)
    angle = (spoke + level * 5.3) * 2 * np.pi / 11 + generator.normal(0, 0.13, count)
    distance = radius * out * (0.8 + 0.2 * np.sin(spoke * 7.1 + level * 40))
    height = 0.08 + 0.9 * level - 0.1 * out * radius / 0.24
    height += generator.normal(0, 0.008, count)
    centres = np.stack([distance * np.cos(angle), height, distance * np.sin(angle)], axis=1)
    return leaves(generator, centres, 0.05)


def grass(generator: np.random.Generator, count: int) -> Floats:
    """Make a square tile of blades, one unit wide, blades up to 0.12 high."""
    base = np.zeros((count, 3))
    base[:, [0, 2]] = generator.uniform(0, 1, (count, 2))
    height = generator.uniform(0.04, 0.12, count)
    lean = generator.normal(0, 0.035, (count, 3))
    lean[:, 1] = height
    angle = generator.uniform(0, np.pi, count)
    half = np.stack([np.cos(angle), np.zeros(count), np.sin(angle)], axis=1) * 0.004
    return np.stack([base - half, base + half, base + lean], axis=1)


def palm(generator: np.random.Generator) -> Floats:
    """Make a crown of palm fronds around the origin, about one unit in radius."""
    blades = []
    for frond in range(17):
        angle = frond * 2.4 + generator.normal(0, 0.1)
        rise = generator.uniform(0.1, 0.75)
        heading = np.array([np.cos(angle), 0, np.sin(angle)])
        side = np.array([-np.sin(angle), 0, np.cos(angle)])
        steps = np.linspace(0.06, 1, 46)
        for step in steps:
            spine = heading * step * (1 - 0.25 * rise) + [0, rise * step - 0.95 * step**2, 0]
            length = 0.26 * np.sin(np.pi * min(step * 0.93 + 0.07, 1)) + 0.03
            for sign in (-1, 1):
                tip = spine + sign * side * length + heading * length * 0.5 - [0, length * 0.6, 0]
                blades.append([spine - heading * 0.014, spine + heading * 0.014, tip])
    return np.array(blades)


def fur(generator: np.random.Generator, count: int) -> Floats:
    """Make the fur of the toy bear, over the ellipsoids of ``TeddySkin`` in ``home.inc``."""
    parts: list[tuple[Floats, Floats, float, float]] = [
        (np.array([0, 1.15, 0]), np.array([0.95, 1.1, 0.85]), 0, 0),
        (np.array([0, 2.75, 0]), np.array([0.82, 0.82, 0.82]), 0, 0),
    ]
    for sign in (-1.0, 1.0):
        parts += [
            (np.array([sign * 0.62, 3.4, 0.05]), np.array([0.32, 0.32, 0.32]), 0, 0),
            (np.array([sign * 1.15, 1.5, -0.2]), np.array([0.38, 0.9, 0.4]), sign * 48, 0),
            (np.array([sign * 0.72, 0.46, -0.95]), np.array([0.46, 0.46, 0.95]), 0, sign * -25),
        ]
    blades = []
    areas = np.array([np.prod(radii) ** (2 / 3) for _, radii, _, _ in parts])
    for (centre, radii, about_z, about_y), area in zip(parts, areas, strict=True):
        number = int(count * area / areas.sum())
        normal = directions(generator, number)
        root, out = normal * radii, normal / radii
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        for degrees, first, second in ((about_z, 0, 1), (about_y, 2, 0)):
            cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            for array in (root, out):
                one, two = array[:, first].copy(), array[:, second].copy()
                array[:, first] = one * cosine - two * sine
                array[:, second] = one * sine + two * cosine
        root += centre
        tip = root + out * 0.11 + generator.normal(0, 0.045, root.shape) - [0, 0.03, 0]
        across = np.cross(out, directions(generator, number)) * 0.016
        blades.append(np.stack([root - across, root + across, tip], axis=1))
    return np.concatenate(blades)


def write(folder: Path) -> None:
    """Write each mesh into an include file of its name; the same seeds give the same bytes."""
    draw = np.random.default_rng
    made = {
        "CrownFine": broadleaf(draw(1), 9000, 0.075),
        "CrownCoarse": broadleaf(draw(2), 3500, 0.12),
        "Spruce": conifer(draw(3), 9000),
        "GrassTile": grass(draw(4), 2600),
        "PalmCrown": palm(draw(5)),
        "Fur": fur(draw(6), 26000),
    }
    for name, triangles in made.items():
        (folder / f"{name}.inc").write_text(mesh(name, triangles), encoding="ascii")
