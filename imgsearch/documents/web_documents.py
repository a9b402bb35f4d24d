"""The documents of the page's interface, described in docs/web-api.md."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from imgsearch import paths
from imgsearch.search.matches import FileCopy
from imgsearch.text import path_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from imgsearch.duplicates.groups import Group
    from imgsearch.gallery.overview import FileNotRead, HeldRoot, Overview
    from imgsearch.gallery.picture_sets import PictureSet
    from imgsearch.search.matches import GalleryFile, Match
    from imgsearch.storage.facets import Facets, ValueCount
    from imgsearch.storage.folder_tree import Folder
    from imgsearch.storage.timelines import Order, Timeline

    Json = dict[str, Any]
    Colour = Callable[[str], str | None]


def folder_id(folder: Path) -> str:
    """Return what names a folder in addresses: its path, spelled so that any bytes fit."""
    return base64.urlsafe_b64encode(paths.encode(folder)).decode("ascii").rstrip("=")


def entry_keys(file: GalleryFile, colour: Colour) -> Json:
    """Return a content in a list.

    Args:
        file: its first file, the others being its duplicates.
        colour: returns a content's mean colour, "#rrggbb", where it is known.
    """
    return {
        "content": file.content,
        **path_keys(file.path),
        **path_keys(file.root, "root"),
        "folder": folder_id(file.path.parent),
        "width": file.width,
        "height": file.height,
        "format": file.format,
        "bytes": file.bytes,
        "taken": file.taken,
        "camera": file.camera,
        "lens": file.lens,
        "latitude": file.latitude,
        "longitude": file.longitude,
        "offline": file.offline,
        "copies": 1 + len(file.duplicates),
        "colour": colour(file.content),
    }


def match_keys(match: Match, colour: Colour) -> Json:
    """Return a match in an answer."""
    return {
        "rank": match.rank,
        "score": match.score,
        "kind": match.kind,
        "box": None if match.box is None else list(match.box),
        **entry_keys(match, colour),
    }


def held_file_keys(file: GalleryFile) -> list[Json]:
    """Return every file that holds a content."""
    first = FileCopy(file.path, file.root, file.offline)
    return [
        {
            **path_keys(held.path),
            **path_keys(held.root, "root"),
            "folder": folder_id(held.path.parent),
            "offline": held.offline,
            "hard_link": held.hard_link,
        }
        for held in (first, *file.duplicates)
    ]


def overview_keys(overview: Overview) -> Json:
    """Return what is in a gallery."""
    return {
        "files": overview.files,
        "contents": overview.contents,
        "unreadable": overview.unreadable,
        "roots": [_root_keys(root) for root in overview.roots],
        "recipes": [
            {
                "identifier": held.recipe.identifier,
                "name": held.recipe.name,
                "backbone": held.recipe.backbone,
                "dim": held.recipe.dim,
                "primary": held.primary,
                "embeddings": held.embeddings,
                "regions": held.regions,
                "words": held.recipe.text is not None,
            }
            for held in overview.recipes
        ],
    }


def _root_keys(root: HeldRoot) -> Json:
    return {
        **path_keys(root.path),
        "folder": folder_id(root.path),
        "online": root.online,
        "files": root.files,
    }


def timeline_keys(timeline: Timeline, order: Order) -> Json:
    """Return what a window of a timeline needs to know of all of it."""
    sections: list[Json] = []
    for section in timeline.sections:
        if isinstance(section.key, bytes):
            folder = paths.decode(section.key)
            sections.append(
                {
                    "key": folder_id(folder),
                    "count": section.count,
                    **path_keys(folder),
                    "name": path_keys(folder)["path"].rpartition("/")[2],
                }
            )
        else:
            sections.append({"key": section.key, "count": section.count})
    return {
        "order": order,
        "total": len(timeline.ids),
        "ratios": timeline.ratios.tolist(),
        "sections": sections,
    }


def facet_keys(facets: Facets) -> Json:
    """Return what there is among some contents."""
    return {
        "total": facets.total,
        "months": [{"month": month.value, "count": month.count} for month in facets.months],
        "cameras": _value_keys(facets.cameras),
        "lenses": _value_keys(facets.lenses),
        "formats": _value_keys(facets.formats),
        "located": [[place.latitude, place.longitude, place.count] for place in facets.places],
    }


def _value_keys(values: Iterable[ValueCount]) -> list[Json]:
    return [{"value": value.value, "count": value.count} for value in values]


def folder_keys(folder: Folder) -> Json:
    """Return a folder of a tree."""
    shown = path_keys(folder.path)
    return {
        "folder": folder_id(folder.path),
        **shown,
        "name": shown["path"].rpartition("/")[2] or shown["path"],
        "contents": folder.contents,
        "children": folder.children,
        "online": folder.online,
    }


def not_read_keys(file: FileNotRead) -> Json:
    """Return a file that could not be read."""
    return {
        **path_keys(file.path),
        **path_keys(file.root, "root"),
        "folder": folder_id(file.path.parent),
        "reason": file.reason,
        "offline": file.offline,
    }


def group_keys(group: Group, colour: Colour) -> Json:
    """Return a group of duplicates, but for its id; each entry is one file."""
    return {
        "kind": group.kind.value,
        "certainty": group.certainty,
        "keeper": entry_keys(group.keeper, colour),
        "members": [
            {
                **entry_keys(member.file, colour),
                "kind": member.evidence.kind.value,
                "certainty": member.evidence.certainty,
                "changes": list(member.evidence.changes),
                "transform": member.evidence.transform and list(member.evidence.transform),
            }
            for member in group.members
        ],
        "companions": [
            {
                **path_keys(companion.path),
                **path_keys(companion.of, "of"),
                "reason": companion.reason,
            }
            for companion in group.companions
        ],
    }


def set_keys(kept: PictureSet) -> Json:
    """Return a named set in a list."""
    return {"name": kept.name, "count": len(kept.contents), "changed": kept.changed}
