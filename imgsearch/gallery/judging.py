"""The part of the façade that remembers what a person says of pairs of pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.gallery.connections import Connections


class Judging:
    """What `Gallery` is besides indexing, querying and upkeep; not used by itself."""

    _connections: Connections

    def judge(self, one: str, other: str, *, same: bool) -> bool:
        """Remember that two contents are not the same, or forget that somebody said so.

        `duplicates` puts no two contents into one group that were said not to be the same.

        Args:
            one: SHA-256 of a content's bytes, 64 hexadecimal digits.
            other: likewise.
            same: False remembers, True forgets.

        Returns:
            Whether that changed something.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            UsageError: the gallery holds no such content, or the two are one.
        """
        if one == other:
            raise UsageError(f"content: {one!r} is the same as itself, whatever is said of it")
        with self._connections.changing() as store:
            for content in (one, other):
                if store.content_id(content) is None:
                    raise UsageError(f"content: the gallery holds none of hash {content!r}")
            with store.transaction():
                if same:
                    return store.remove_verdict(one, other)
                made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                return store.add_verdict(one, other, made=made)
