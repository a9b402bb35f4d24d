"""``ground_truth.json``: which pictures show the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picture import Picture


import json

from edits import EDITS


def write_ground_truth(sample_data: Path, pictures: Sequence[Picture]) -> None:
    """Write groups, distractors and edits; every path is relative to ``sample_data``."""
    groups: dict[str, list[str]] = {}
    for picture in pictures:
        if picture.group:
            groups.setdefault(picture.group, []).append(f"photos/{picture.path}")
    content = {
        "about": "groups: four photographs each of one object or place; all four are relevant to "
        "one another. distractors: relevant to nothing. edits: copies of an original, relevant to "
        "it and to its group. Paths are relative to this file.",
        "licence": "CC0-1.0",
        "groups": dict(sorted(groups.items())),
        "distractors": sorted(f"photos/{one.path}" for one in pictures if not one.group),
        "edits": [
            {
                "path": f"edits/{edit.path}",
                "original": f"photos/{edit.original}",
                "kind": edit.kind,
            }
            for edit in sorted(EDITS, key=lambda edit: edit.path)
        ],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (sample_data / "ground_truth.json").write_text(text, encoding="utf-8")
