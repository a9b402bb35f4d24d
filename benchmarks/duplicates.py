"""How many duplicates are found, and how many of those found are none.

Three collections, none of whose pictures the judge was made with (`half`):

* edits: 15 kinds in three strengths each of some photographs (`duplicate_edits.py`), looked for
  among all of them, as `imgsearch duplicates --new` does;
* bursts: other exposures of the rendered sample photographs, which are to be called bursts, among
  these photographs, of which some show one object from four sides and are no duplicates;
* real: what `imgsearch duplicates` finds in the photographs as they are. A person has looked at
  every pair and noted in `--labels` which are none.

    python benchmarks/duplicates.py FOLDER... --work EMPTY_FOLDER --labels pairs.json
    python benchmarks/duplicates.py --quick --work EMPTY_FOLDER

Rivals judge the same pairs in the same run, each at its usual threshold and at the one that gives
it the precision asked for on these very pairs, which is more than a person could know.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parent))

from duplicate_edits import KINDS, another_exposure, edited
from duplicate_rivals import rivals

from imgsearch import Gallery
from imgsearch.images import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imgsearch.duplicates.groups import Group

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
PRECISION: Final = 0.99
BACKBONES: Final = ("compact", "mobilenet_v2")


@dataclass(frozen=True)
class Pair:
    """Two files that were called the same.

    Attributes:
        keeper: path, relative to the folder of all pictures.
        member: likewise.
        kind: of sameness.
        certainty: of the kind.
        changes: in words.
    """

    keeper: str
    member: str
    kind: str
    certainty: float
    changes: tuple[str, ...] = ()


def half_of(paths: Iterable[Path], half: int) -> list[Path]:
    """Return one half of pictures: those of one product, which its number names, stay together."""
    chosen = []
    for path in sorted(paths):
        name = path.name.split("_")[0]
        key = name if name.isdigit() else f"{path.parent.name}/{path.name}"
        if hashlib.sha256(key.encode()).digest()[0] & 1 == half:
            chosen.append(path)
    return chosen


def prepare(folders: Sequence[Path], work: Path, *, half: int, originals: int) -> None:
    """Copy the pictures of one half, and write edits of some of them and exposures of others."""
    for folder in folders:
        paths = half_of(
            (path for path in folder.rglob("*") if path.suffix.lower() in formats.suffixes()), half
        )
        for path in paths:
            target = work / "photos" / folder.name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        for path in sorted(random.Random(half).sample(paths, min(originals, len(paths)))):  # noqa: S311 - a sample, not a secret
            name = f"{path.parent.name}-{path.stem}.jpg"
            for kind in KINDS:
                for strength in range(3):
                    target = work / "edits" / folder.name / f"{kind}-{strength}" / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    edited(path, kind, strength).save(target, quality=95)
            (work / "sources.jsonl").open("a").write(
                json.dumps([f"{folder.name}/{name}", f"{folder.name}/{path.relative_to(folder)}"])
                + "\n"
            )
    shutil.copytree(SAMPLES, work / "bursts/photos")
    views = sorted((work / "bursts/photos").rglob("*_1.jpg"))
    for path in views:
        for number in (1, 2):
            moved, exif = another_exposure(path, number)
            moved.save(path.with_name(f"{path.stem}-burst{number}.jpg"), quality=92, exif=exif)


def pairs_of(groups: Iterable[Group], base: Path) -> list[Pair]:
    """Return keepers with each of their members."""
    return [
        Pair(
            str(group.keeper.path.relative_to(base)),
            str(member.file.path.relative_to(base)),
            member.evidence.kind.value,
            member.evidence.certainty,
            member.evidence.changes,
        )
        for group in groups
        for member in group.members
    ]


def ours(work: Path, backbone: str) -> None:
    """Write what imgsearch finds in the three collections under a backbone."""
    results = work / f"found-{backbone}.json"
    found: dict[str, Any] = json.loads(results.read_text()) if results.is_file() else {}

    def once(name: str, find: Callable[[], Any]) -> None:
        """Find something that an earlier run has not found, and keep it."""
        if name not in found:
            started = time.process_time()
            found[name] = find()
            found[f"{name}_seconds"] = time.process_time() - started
            results.write_text(json.dumps(found, default=asdict))

    with Gallery(work / f"{backbone}.gallery", recipe=backbone) as gallery:
        gallery.index(work / "photos")
        edits = sorted((work / "edits").rglob("*.jpg"))
        once("real", lambda: pairs_of(gallery.duplicates(precision=PRECISION), work))
        once(
            "edits",
            lambda: pairs_of(gallery.already_held(work / "edits", precision=PRECISION), work),
        )
        once(
            "cosine",
            lambda: [
                [str(path.relative_to(work)), *_first(answer.matches, work)]
                for path, answer in zip(edits, gallery.query_many(edits, k=1), strict=True)
            ],
        )
    with Gallery(work / f"{backbone}-bursts.gallery", recipe=backbone) as others:
        others.index(work / "bursts")
        once("bursts", lambda: pairs_of(others.duplicates(precision=PRECISION), work))


def _first(matches: Sequence[Any], work: Path) -> tuple[str, float]:
    return (str(matches[0].path.relative_to(work)), matches[0].score) if matches else ("", -1.0)


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="folders of photographs")
    parser.add_argument("--work", type=Path, required=True, help="where everything is written")
    parser.add_argument("--half", type=int, default=1, help="0: what the judge was made with")
    parser.add_argument("--originals", type=int, default=40, help="edited of each folder")
    parser.add_argument("--backbone", action="append", help="default: compact and mobilenet_v2")
    parser.add_argument("--quick", action="store_true", help="the sample photographs, two of them")
    options = parser.parse_args()
    work = options.work.absolute()
    folders = [SAMPLES] if options.quick else options.folders
    if not (work / "sources.jsonl").is_file():
        prepare(
            folders, work, half=options.half, originals=2 if options.quick else options.originals
        )
    for backbone in options.backbone or (BACKBONES[:1] if options.quick else BACKBONES):
        ours(work, backbone)
    if not (work / "rivals.json").is_file():
        (work / "rivals.json").write_text(json.dumps(rivals(work)))


if __name__ == "__main__":
    main()
