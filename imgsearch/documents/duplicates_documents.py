"""Groups of duplicates as JSON, described in docs/json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsearch.documents.gallery_documents import file_keys
from imgsearch.text import path_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.duplicates.groups import Group, Member
    from imgsearch.search.matches import GalleryFile

    Json = dict[str, Any]


def duplicates_keys(gallery: Path, groups: Iterable[Group]) -> Json:
    """Return all groups."""
    return {**path_keys(gallery, "gallery"), "groups": [group_keys(group) for group in groups]}


def group_keys(group: Group) -> Json:
    """Return a group."""
    return {
        "kind": group.kind.value,
        "certainty": round(group.certainty, 6),
        "keeper": _file_keys(group.keeper, group.keeper_names),
        "members": [_member_keys(member) for member in group.members],
        "companions": [
            {
                **path_keys(companion.path),
                **path_keys(companion.of, "of"),
                "reason": companion.reason,
            }
            for companion in group.companions
        ],
    }


def _member_keys(member: Member) -> Json:
    evidence = member.evidence
    transform = evidence.transform
    return {
        "kind": evidence.kind.value,
        "certainty": round(evidence.certainty, 6),
        "changes": list(evidence.changes),
        "transform": None if transform is None else [round(value, 6) for value in transform],
        **_file_keys(member.file, member.other_names),
    }


def _file_keys(file: GalleryFile, names: Sequence[Path]) -> Json:
    return {**file_keys(file), "other_names": [path_keys(name) for name in names]}
