"""imgsearch: find the pictures that look like the one in hand.

>>> from imgsearch import Gallery
>>> gallery = Gallery("holidays.gallery", recipe="compact")  # doctest: +SKIP
>>> gallery.index("~/Photos")  # doctest: +SKIP
>>> for match in gallery.query("sunset.jpg", k=5):  # doctest: +SKIP
...     print(f"{match.score:.3f}  {match.path}")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgsearch.duplicates.groups import Companion, Evidence, Group, Kind, Member
    from imgsearch.errors import ImgsearchError
    from imgsearch.exchange.exporting import ExportReport
    from imgsearch.exchange.importing import ImportReport
    from imgsearch.gallery.checking import CheckReport
    from imgsearch.gallery.examining import Examined
    from imgsearch.gallery.explaining import Explanation, ScoreMap
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.gallery.information import (
        CalibrationInformation,
        GalleryInformation,
        RecipeInformation,
        RootInformation,
    )
    from imgsearch.gallery.location import default_gallery_path
    from imgsearch.gallery.maintenance import PruneReport, RelocationReport, RemovalReport
    from imgsearch.gallery.merging import MergedPart, MergeReport
    from imgsearch.gallery.overview import (
        FileNotRead,
        FilesNotRead,
        HeldRecipe,
        HeldRoot,
        Overview,
    )
    from imgsearch.gallery.picture_sets import PictureSet
    from imgsearch.gallery.published import PublishedGallery, PublishedInformation
    from imgsearch.gallery.publishing import PublishReport
    from imgsearch.gallery.taking import Original
    from imgsearch.images.exposure import Detail
    from imgsearch.images.geometry import CropBox
    from imgsearch.indexing.report import IndexOptions, IndexProgress, IndexReport, UnreadableFile
    from imgsearch.indexing.shards import Shard
    from imgsearch.maps.gallery_map import GalleryMap, MapAge, MapCluster, MapReport
    from imgsearch.maps.watch import MapProgress
    from imgsearch.networks.source import EmbedderSource, PretrainedNetworks
    from imgsearch.plans.plan import (
        Choice,
        LeftFile,
        Plan,
        PlannedFile,
        PlannedGroup,
        PlannedRemoval,
    )
    from imgsearch.plans.plan_file import read_plan, write_plan
    from imgsearch.plans.reports import ApplyReport, Refusal, UndoReport
    from imgsearch.recipe import Recipe, RecipeRequest
    from imgsearch.search.engine import EngineState
    from imgsearch.search.matches import Answer, Comparison, FileCopy, GalleryFile, Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.query_inputs import HeldContent, Part, Weighted, Words
    from imgsearch.storage.facets import Facets, PlaceCount, ValueCount
    from imgsearch.storage.filters import Filters
    from imgsearch.storage.findings import Finding
    from imgsearch.storage.folder_tree import Folder
    from imgsearch.storage.merging import JoinedRows
    from imgsearch.storage.places import Near
    from imgsearch.storage.roots import MergedPath
    from imgsearch.storage.timelines import Section, Timeline

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "ApplyReport",
    "CalibrationInformation",
    "CheckReport",
    "Choice",
    "Companion",
    "Comparison",
    "CropBox",
    "Detail",
    "EmbedderSource",
    "EngineState",
    "Evidence",
    "Examined",
    "Expansion",
    "Explanation",
    "ExportReport",
    "Facets",
    "FileCopy",
    "FileNotRead",
    "FilesNotRead",
    "Filters",
    "Finding",
    "Folder",
    "Gallery",
    "GalleryFile",
    "GalleryInformation",
    "GalleryMap",
    "Group",
    "HeldContent",
    "HeldRecipe",
    "HeldRoot",
    "ImgsearchError",
    "ImportReport",
    "IndexOptions",
    "IndexProgress",
    "IndexReport",
    "JoinedRows",
    "Kind",
    "LeftFile",
    "MapAge",
    "MapCluster",
    "MapProgress",
    "MapReport",
    "Match",
    "Member",
    "MergeReport",
    "MergedPart",
    "MergedPath",
    "Near",
    "Original",
    "Overview",
    "Part",
    "PictureSet",
    "PlaceCount",
    "Plan",
    "PlannedFile",
    "PlannedGroup",
    "PlannedRemoval",
    "PretrainedNetworks",
    "PruneReport",
    "PublishReport",
    "PublishedGallery",
    "PublishedInformation",
    "Recipe",
    "RecipeInformation",
    "RecipeRequest",
    "Refusal",
    "RelocationReport",
    "RemovalReport",
    "RootInformation",
    "ScoreMap",
    "Section",
    "Shard",
    "Timeline",
    "UndoReport",
    "UnreadableFile",
    "ValueCount",
    "Weighted",
    "Words",
    "__version__",
    "default_gallery_path",
    "read_plan",
    "write_plan",
]

# The command line must start fast, so nothing is imported before it is asked for.
_HOMES = {
    "duplicates.groups": ("Companion", "Evidence", "Group", "Kind", "Member"),
    "errors": ("ImgsearchError",),
    "exchange.exporting": ("ExportReport",),
    "exchange.importing": ("ImportReport",),
    "gallery.checking": ("CheckReport",),
    "storage.findings": ("Finding",),
    "gallery.examining": ("Examined",),
    "gallery.explaining": ("Explanation", "ScoreMap"),
    "gallery.gallery": ("Gallery",),
    "gallery.location": ("default_gallery_path",),
    "gallery.information": (
        "CalibrationInformation",
        "GalleryInformation",
        "RecipeInformation",
        "RootInformation",
    ),
    "gallery.maintenance": (
        "PruneReport",
        "RelocationReport",
        "RemovalReport",
    ),
    "gallery.overview": (
        "FileNotRead",
        "FilesNotRead",
        "HeldRecipe",
        "HeldRoot",
        "Overview",
    ),
    "gallery.picture_sets": ("PictureSet",),
    "gallery.published": ("PublishedGallery", "PublishedInformation"),
    "gallery.publishing": ("PublishReport",),
    "gallery.taking": ("Original",),
    "images.exposure": ("Detail",),
    "gallery.merging": ("MergeReport", "MergedPart"),
    "images.geometry": ("CropBox",),
    "indexing.report": (
        "IndexOptions",
        "IndexProgress",
        "IndexReport",
        "UnreadableFile",
    ),
    "indexing.shards": ("Shard",),
    "maps.gallery_map": (
        "GalleryMap",
        "MapAge",
        "MapCluster",
        "MapReport",
    ),
    "maps.watch": ("MapProgress",),
    "networks.source": (
        "EmbedderSource",
        "EngineState",
        "PretrainedNetworks",
    ),
    "plans.plan": ("Choice", "LeftFile", "Plan", "PlannedFile", "PlannedGroup", "PlannedRemoval"),
    "plans.plan_file": ("read_plan", "write_plan"),
    "plans.reports": ("ApplyReport", "Refusal", "UndoReport"),
    "recipe": (
        "Recipe",
        "RecipeRequest",
    ),
    "search.engine": ("EngineState",),
    "search.matches": (
        "Answer",
        "Comparison",
        "FileCopy",
        "GalleryFile",
        "Match",
    ),
    "search.query_expansion": ("Expansion",),
    "search.query_inputs": (
        "HeldContent",
        "Part",
        "Weighted",
        "Words",
    ),
    "storage.facets": (
        "Facets",
        "PlaceCount",
        "ValueCount",
    ),
    "storage.filters": ("Filters",),
    "storage.folder_tree": ("Folder",),
    "storage.merging": ("JoinedRows",),
    "storage.places": ("Near",),
    "storage.roots": ("MergedPath",),
    "storage.timelines": (
        "Section",
        "Timeline",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute is of any type
    if name in _HOME_OF:
        return getattr(import_module(f"imgsearch.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'imgsearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
