"""The list of pictures: groups of four, and distractors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picture import Picture


from indoors import indoor_pictures
from landscapes import outdoor_pictures


def pictures() -> list[Picture]:
    """Return every picture that is rendered, groups first."""
    every = [*indoor_pictures(), *outdoor_pictures()]
    return sorted(every, key=lambda picture: picture.group is None)
