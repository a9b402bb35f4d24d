"""How the matches of a query are the same as the picture that was asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from imgsearch.duplicates.gathering import Gathering
from imgsearch.duplicates.groups import SAME_FROM, Kind
from imgsearch.storage.records import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.images.metadata import Metadata
    from imgsearch.search.matches import Match
    from imgsearch.storage.embeddings import Embeddings

_ASKED: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The picture that was asked about.

    Attributes:
        content: SHA-256 of the bytes, 64 hexadecimal digits.
        size: number of bytes.
        metadata: of the image.
        rendering: as it is stored; None where none is, and the file cannot be read.
        data: the bytes; none where the gallery holds them.
    """

    content: str
    size: int
    metadata: Metadata
    rendering: bytes | None
    data: bytes = b""


def matches_with_kinds(
    embeddings: Embeddings,
    calibration: Calibration,
    asked: Asked,
    matches: Sequence[Match],
    *,
    precision: float,
    read: Callable[[str], bytes],
) -> list[Match]:
    """Return matches, each with how it is the same as the picture asked about.

    Args:
        embeddings: in a snapshot.
        calibration: what scores mean.
        asked: the picture.
        matches: what it found.
        precision: the least certainty.
        read: from a content's hash to its bytes; raises `UnreadableImageError`.
    """
    store = embeddings.store
    ids = {
        match.content: content_id
        for match in matches
        if (content_id := store.find_content(match.content, embeddings.stored.id)[0]) is not None
    }
    contents = store.contents(ids.values())
    contents[_ASKED] = Content(_ASKED, asked.content, asked.size, asked.metadata)
    renderings: dict[int, bytes] = store.renderings(list(ids.values()))
    if asked.rendering is not None:
        renderings[_ASKED] = asked.rendering
    gathering = Gathering(
        contents,
        {},
        rendering=renderings.get,
        read=lambda content: (
            asked.data if content == asked.content and asked.data else read(content)
        ),
        calibration=calibration,
        precision=precision,
        distinct={(verdict.one, verdict.other) for verdict in store.verdicts()},
    )
    found = []
    for match in matches:
        kind = Kind.IDENTICAL if match.content == asked.content else None
        if kind is None and match.content in ids and match.score >= SAME_FROM:
            gathering.look_at(_ASKED, ids[match.content])
            why = gathering.evidence.get((match.content, asked.content))
            kind = None if why is None else why.kind
        found.append(replace(match, kind=kind))
    return found
