"""Render the sample pictures again: ``python sample_data/render/render.py``.

Needs POV-Ray 3.7 (Debian package ``povray``), NumPy and Pillow. Pictures that are there already
are skipped; linear renderings are kept in the work folder, so developing anew is cheap.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import meshes
import numpy as np
from collection import pictures
from develop import defocus, develop, read_linear
from edits import make_edits
from exif import exif
from picture import Picture, scene
from truth import write_ground_truth

HERE = Path(__file__).resolve().parent
SAMPLE_DATA = HERE.parent
LARGEST = 48_000  # bytes a photograph, if quality allows
LOWEST_QUALITY = 67


@cache
def fingerprint(work: Path) -> str:
    """Hash the include files, so that a change of any of them renders anew."""
    paths = [*sorted((HERE / "pov").glob("*.inc")), *sorted(work.glob("*.inc"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def trace(picture: Picture, *, work: Path, scale: float, depth: bool = False) -> Path:
    """Render a picture's linear light (or depth) into the work folder, unless it is there."""
    name = picture.path.replace("/", "__").removesuffix(".jpg") + f"@{scale:g}" + "d" * depth
    target, source = work / f"{name}.ppm", work / f"{name}.pov"
    text = scene(picture, depth=depth) + f"// with includes {fingerprint(work)}\n"
    if target.exists() and source.exists() and source.read_text(encoding="utf-8") == text:
        return target
    source.write_text(text, encoding="utf-8")
    width, height = (round(side * scale) for side in picture.size)
    partial = work / f"{name}.partial.ppm"
    smooth = "-A" if depth else "+A0.25"
    command = [
        *("nice", "-n", "12", "povray", f"+I{source}", f"+O{partial}", "+FP", "-D", "-V", "-P"),
        *(f"+W{width}", f"+H{height}", "+WT1", "+AM2", "+R2", smooth, "Antialias_Gamma=2.4"),
        *("Bits_Per_Color=16", "File_Gamma=1.0", f"+L{HERE / 'pov'}", f"+L{work}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not partial.exists():
        source.unlink()
        reason = done.stderr[done.stderr.find("Parsing...") :][-400:]
        raise RuntimeError(f"POV-Ray failed on {picture.path}: {reason}")
    partial.replace(target)
    return target


def main() -> int:
    """Render what is missing; return 1 when a picture failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="POV-Ray processes at a time")
    parser.add_argument("--only", default="", help="only pictures whose path contains this; commas")
    parser.add_argument("--force", action="store_true", help="develop again what is there already")
    parser.add_argument("--scale", type=float, default=1.0, help="render smaller, for a preview")
    parser.add_argument("--output", type=Path, default=SAMPLE_DATA, help="where pictures go")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "sample-data-work"
    )
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    meshes.write(arguments.work)
    wanted = [part for part in arguments.only.split(",") if part] or [""]
    failed = 0

    def take(picture: Picture) -> str:
        target = arguments.output / "photos" / picture.path
        if target.exists() and not arguments.force:
            return ""
        light = read_linear(trace(picture, work=arguments.work, scale=arguments.scale))
        if picture.aperture:
            fog = read_linear(
                trace(picture, work=arguments.work, scale=arguments.scale, depth=True)
            ).mean(axis=2)
            depth = -2 * np.log(np.maximum(1 - fog, 1e-4))
            light = defocus(light, depth, strength=picture.aperture)
        image = develop(light, seed=picture.seed, exposure=picture.exposure)
        target.parent.mkdir(parents=True, exist_ok=True)
        quality = 85
        block = exif(picture.path, picture.light_name)
        image.save(target, quality=quality, optimize=True, exif=block)
        while target.stat().st_size > LARGEST and quality > LOWEST_QUALITY:
            quality -= 3
            image.save(target, quality=quality, optimize=True, exif=block)
        return picture.path

    chosen = [one for one in pictures() if any(part in one.path for part in wanted)]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for future in [pool.submit(take, picture) for picture in chosen]:
            try:
                if path := future.result():
                    print(path, flush=True)
            except RuntimeError as error:
                failed += 1
                print(error, file=sys.stderr, flush=True)
    if not failed and wanted == [""]:
        make_edits(arguments.output)
        write_ground_truth(arguments.output, pictures())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
