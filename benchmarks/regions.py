"""What it finds to search parts of pictures, where, and what that costs.

Scenes: things (photos of a labelled folder, and renderings of sample_data) are pasted into larger
pictures at 1/2, 1/3 and 1/4 of the side, with another scale (0.9 to 1.1), brightness (0.7 to 1.3)
and, for half of them, mirrored. A query is the single thing; four scenes each are relevant, and as
many pictures lie beside them without any. Ranked among all by `--anywhere` and by plain search:
mean average precision, for each size the scenes of the others left out, and the intersection over
union of the box with the truth, for every scene with the thing that is a match.

As they are: mAP of labelled pictures among themselves. Crops: the middle 40 % of the side of a
picture, which is asked about, and how often its source is the first and another picture of its
label among ten. Cost: processor seconds of `index` with and without, and bytes on disk.

    python benchmarks/regions.py --things FOLDER --labelled NAME=FOLDER... --report regions.json
    python benchmarks/regions.py --scale 100000
    python benchmarks/regions.py --quick
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageEnhance
from run_facts import facts

from imgsearch import CropBox, Gallery, IndexOptions
from imgsearch.images.formats import suffixes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgsearch.search.matches import Match

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
BACKBONES: Final = ("compact", "mobilenet_v2")
SHARES: Final = (2, 3, 4)
EACH: Final = 4  # scenes of a thing
SIZE: Final = (640, 480)
CROP: Final = CropBox(30, 30, 40, 40, percent=True)


@dataclass(frozen=True)
class Scene:
    """A picture with a thing in it: which thing, its share of the side, and its box in pixels."""

    thing: int
    share: int
    box: tuple[int, int, int, int]


def pictures(folder: Path) -> list[Path]:
    """Return the picture files beneath a folder, by path."""
    kinds = {suffix.lower() for suffix in suffixes()}
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds)


def background(chance: np.random.Generator, behind: Sequence[Path], avoid: Path) -> Image.Image:
    """Return a part of a picture that lies in another folder."""
    while (path := behind[int(chance.integers(len(behind)))]).parent == avoid:
        pass
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    width, height = (side * chance.uniform(0.7, 1) for side in image.size)
    left = chance.uniform(0, image.width - width)
    top = chance.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    return image.resize(SIZE, Image.Resampling.BICUBIC, box=box)


def paste(
    chance: np.random.Generator, scene: Image.Image, thing: Path, share: int
) -> tuple[int, int, int, int]:
    """Paste a thing somewhere into a scene; return its box."""
    with Image.open(thing) as opened:
        image = opened.convert("RGB")
    scale = min(SIZE[0] / image.width, SIZE[1] / image.height) / share * chance.uniform(0.9, 1.1)
    sides = [
        min(max(8, round(side * scale)), most) for side, most in zip(image.size, SIZE, strict=True)
    ]
    image = image.resize(sides, Image.Resampling.BICUBIC)
    if chance.random() < 0.5:  # noqa: PLR2004  # half of them
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = ImageEnhance.Brightness(image).enhance(chance.uniform(0.7, 1.3))
    left = int(chance.integers(0, SIZE[0] - image.width + 1))
    top = int(chance.integers(0, SIZE[1] - image.height + 1))
    scene.paste(image, (left, top))
    return left, top, image.width, image.height


def choose(folders: Sequence[Path], count: int) -> tuple[list[Path], list[Path]]:
    """Return so many things, and what scenes are made of: other pictures of the folders."""
    chance = np.random.default_rng(0)
    every = [path for folder in folders for path in pictures(folder)]
    order = chance.permutation(len(every))
    return [every[i] for i in order[:count]], [every[i] for i in order[count:]]


def make_scenes(folder: Path, things: Sequence[Path], behind: Sequence[Path]) -> dict[str, Scene]:
    """Write scenes with and without things; return the former by file name."""
    folder.mkdir()
    scenes = {}
    for number in range(2 * EACH * len(things)):
        chance = np.random.default_rng(number)
        name, thing = f"{number:05}.jpg", number // EACH
        if thing < len(things):
            scene = background(chance, behind, things[thing].parent)
            share = SHARES[number % len(SHARES)]
            scenes[name] = Scene(thing, share, paste(chance, scene, things[thing], share))
        else:
            scene = background(chance, behind, Path())
        scene.save(folder / name, quality=88)
    return scenes


def average_precision(ranks: Sequence[int], relevant: int) -> float:
    """Return AP of relevant matches at those ranks, from 1 on, ascending."""
    return sum(found / rank for found, rank in enumerate(ranks, start=1)) / max(1, relevant)


def overlap(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the intersection over the union of two boxes (x, y, width, height)."""
    sides = [
        max(0, min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]))
        for i in (0, 1)
    ]
    common = sides[0] * sides[1]
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def of_scenes(
    scenes: dict[str, Scene], ask: Callable[[int], Sequence[Match]], things: int
) -> dict[str, Any]:
    """Return mAP, and the median IoU, over all scenes and by the share of the thing."""
    precisions: dict[int, list[float]] = {share: [] for share in (0, *SHARES)}
    overlaps: dict[int, list[float]] = {share: [] for share in (0, *SHARES)}
    for thing in range(things):
        hits, wrong = [], 0
        for match in ask(thing):
            scene = scenes.get(match.path.name)
            if scene is not None and scene.thing == thing:
                hits.append((wrong, scene, match.box))
            else:
                wrong += 1
        wanted = [scene for scene in scenes.values() if scene.thing == thing]
        for share in (0, *SHARES):
            mine = [hit for hit in hits if share in (0, hit[1].share)]
            relevant = sum(share in (0, scene.share) for scene in wanted)
            if relevant:
                ranks = [before + place for place, (before, *_) in enumerate(mine, start=1)]
                precisions[share].append(average_precision(ranks, relevant))
            overlaps[share] += [overlap(box, scene.box) for _, scene, box in mine if box]
    return {
        "map": {str(share): mean(values) for share, values in precisions.items()},
        "iou": {
            str(share): round(float(np.median(values)), 3) if values else None
            for share, values in overlaps.items()
        },
        "boxes": {str(share): len(values) for share, values in overlaps.items()},
    }


def mean(values: Sequence[float]) -> float:
    """Return a mean to four places."""
    return round(float(np.mean(values)), 4) if values else 0.0


def indexed(folder: Path, photos: Path, backbone: str) -> tuple[Gallery, dict[str, Any]]:
    """Return a gallery with regions, and what it took."""
    gallery = Gallery(folder, recipe=backbone)
    gallery.index(pictures(photos)[0], progress=lambda _: None)  # prepares the networks
    gallery.index(options=IndexOptions(regions=True), progress=lambda _: None)
    gallery.remove(photos)
    gallery.index(options=IndexOptions(regions=False), progress=lambda _: None)
    cost: dict[str, Any] = {}
    for name, options in (("plain", IndexOptions()), ("regions", IndexOptions(regions=True))):
        before, bytes_before = time.process_time(), on_disk(folder)
        gallery.index(*[photos] * (name == "plain"), options=options, progress=lambda _: None)
        cost[f"{name}_s"] = round(time.process_time() - before, 1)
        after = on_disk(folder)
        cost[f"{name}_bytes"] = {
            kind: after[kind] - bytes_before[kind] for kind in ("database", "index")
        }
    cost["pictures"] = len(pictures(photos))
    cost["times_as_long"] = round((cost["plain_s"] + cost["regions_s"]) / cost["plain_s"], 2)
    return gallery, cost


def on_disk(folder: Path) -> dict[str, int]:
    """Return the bytes of a gallery's database and of its caches."""
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    return {
        "database": sum(sizes[name] for name in sizes if name.startswith("gallery.db")),
        "index": sum(sizes[name] for name in sizes if name.endswith((".faiss", ".lists"))),
    }


def scenes_report(backbone: str, work: Path, things: Sequence[Path], deep: int) -> dict[str, Any]:
    """Return what is found in scenes."""
    scenes = {
        name: Scene(row[0], row[1], tuple(row[2]))
        for name, row in json.loads((work / "scenes.json").read_text()).items()
    }
    gallery, cost = indexed(work / f"{backbone}.gallery", work / "scenes", backbone)
    with gallery:

        def plain(thing: int) -> list[Match]:
            return gallery.query(things[thing], k=deep)

        def anywhere(thing: int) -> list[Match]:
            return gallery.query(things[thing], k=deep, anywhere=True)

        def closer(thing: int) -> list[Match]:
            first = gallery.query(things[thing], k=10, anywhere=True)
            return gallery.refined(first, things[thing])

        return {
            "cost": cost,
            "plain": of_scenes(scenes, plain, len(things)),
            "anywhere": of_scenes(scenes, anywhere, len(things)),
            "first_ten_refined": of_scenes(scenes, closer, len(things))["iou"],
            "first_ten": of_scenes(scenes, lambda thing: anywhere(thing)[:10], len(things))["iou"],
        }


def label_of(path: Path, folder: Path) -> str:
    """Return a picture's folder, or where there are none the first part of its name."""
    below = path.relative_to(folder)
    return str(below.parent) if len(below.parts) > 1 else below.name.split("_")[0]


def labelled_report(backbone: str, work: Path, folder: Path, asked: int) -> dict[str, Any]:
    """Return mAP of pictures as they are, and what crops of them find."""
    every = pictures(folder)
    labels = {path: label_of(path, folder) for path in every}
    counts: dict[str, int] = {}
    for label in labels.values():
        counts[label] = counts.get(label, 0) + 1
    order = np.random.default_rng(0).permutation(len(every))
    queries = [every[i] for i in order if counts[labels[every[i]]] > 1][:asked]
    gallery, cost = indexed(work / f"{backbone}-{folder.name}.gallery", folder, backbone)
    found: dict[str, Any] = {"cost": cost}
    with gallery:
        for name, parts in (("plain", False), ("anywhere", True)):
            precisions, first, ten = [], [], []
            for path in queries:
                matches = gallery.query(path, k=len(every), anywhere=parts)
                ranks = [m.rank for m in matches if labels[m.path] == labels[path]]
                precisions.append(average_precision(ranks, counts[labels[path]] - 1))
            for path in queries[:100]:
                crops = gallery.query(path, crop=CROP, k=11, anywhere=parts, include_self=True)
                first.append(crops[0].path == path)
                others = [m.path for m in crops if m.path != path][:10]
                ten.append(any(labels[other] == labels[path] for other in others))
            found[name] = {
                "map": mean(precisions),
                "crop_finds_its_source_first": sum(first),
                "crop_finds_its_label_in_ten": sum(ten),
                "crops": len(first),
            }
    found["queries"] = len(queries)
    return found


def main() -> None:
    """Run what is asked for, and print or write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--things", type=Path, action="append", default=[])
    parser.add_argument("--labelled", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--backbone", action="append", choices=BACKBONES)
    parser.add_argument("--count", type=int, default=500, help="things that are asked about")
    parser.add_argument("--asked", type=int, default=300, help="queries of labelled pictures")
    parser.add_argument("--scale", type=int, help="only measure queries with so many pictures")
    parser.add_argument("--report", type=Path, help="JSON file, written after every step")
    parser.add_argument("--quick", action="store_true", help="a few pictures, to try the script")
    options = parser.parse_args()
    report: dict[str, Any] = {"facts": facts()}

    def keep(*keys: str, value: object) -> None:
        inner = report
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value
        text = json.dumps(report, indent=1)
        print(*keys, json.dumps(value), flush=True)
        if options.report:
            options.report.write_text(text + "\n")

    if options.scale:
        from regions_scale import measured

        keep("scale", str(options.scale), value=measured(options.scale))
        return
    count = 4 if options.quick else options.count
    asked = 10 if options.quick else options.asked
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        things, behind = choose([*options.things, SAMPLES], count)
        scenes = make_scenes(work / "scenes", things, behind)
        rows = {name: (s.thing, s.share, s.box) for name, s in scenes.items()}
        (work / "scenes.json").write_text(json.dumps(rows))
        for backbone in options.backbone or BACKBONES[: 1 if options.quick else 2]:
            keep(backbone, "scenes", value=scenes_report(backbone, work, things, 1000))
            for named in options.labelled or ([f"sample_data={SAMPLES}"] * options.quick):
                name, _, folder = named.partition("=")
                keep(backbone, name, value=labelled_report(backbone, work, Path(folder), asked))


if __name__ == "__main__":
    main()
