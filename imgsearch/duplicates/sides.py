"""Two sides that files lie on, where only what is the same across them is looked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Evidence, Group
    from imgsearch.search.matches import GalleryFile


@dataclass(frozen=True, slots=True)
class Sides:
    """Where files lie: what is kept is on the first side, its members are on the second.

    Attributes:
        first: folders, or files.
        second: folders, or files.
    """

    first: tuple[Path, ...]
    second: tuple[Path, ...]

    def __post_init__(self) -> None:
        """Refuse sides that overlap.

        Raises:
            UsageError: names the two folders.
        """
        for one in self.first:
            for other in self.second:
                if one.is_relative_to(other) or other.is_relative_to(one):
                    raise UsageError(
                        f"between: {one} and {other} lie within each other; name two folders that "
                        "share no file"
                    )

    def on_first(self, path: Path) -> bool:
        """Whether a file lies on the first side."""
        return not self.on_second(path) if not self.first else _lies(path, self.first)

    def on_second(self, path: Path) -> bool:
        """Whether a file lies on the second side."""
        return _lies(path, self.second)

    def crossing(self, one: GalleryFile, other: GalleryFile) -> bool:
        """Whether one of two contents has a file on the first side, and the other on the second."""
        return self._crosses(one, other) or self._crosses(other, one)

    def chosen(
        self, evidence: Mapping[tuple[str, str], Evidence], files: Iterable[GalleryFile]
    ) -> dict[tuple[str, str], Evidence]:
        """Return the evidence by which something on the first side is kept."""
        by_content = {file.content: file for file in files}
        return {
            pair: why
            for pair, why in evidence.items()
            if self._crosses(by_content[pair[0]], by_content[pair[1]])
        }

    def ranked(self, rank: Rank) -> Rank:
        """Return a rank that puts the first side before the second."""

        def key(file: GalleryFile) -> tuple[bool, Any]:
            return not self.on_first(file.path), rank(file)

        return key

    def across(self, groups: Iterable[Group]) -> Iterator[Group]:
        """Yield the groups with a keeper on the first side, and their members on the second."""
        for group in groups:
            members = tuple(each for each in group.members if self.on_second(each.file.path))
            if members and self.on_first(group.keeper.path):
                yield replace(group, members=members)

    def _crosses(self, one: GalleryFile, other: GalleryFile) -> bool:
        return any(map(self.on_first, _paths(one))) and any(map(self.on_second, _paths(other)))


def _paths(file: GalleryFile) -> list[Path]:
    return [file.path, *(copy.path for copy in file.duplicates)]


def _lies(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
