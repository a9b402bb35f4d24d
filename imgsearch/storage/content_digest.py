"""A digest of which contents have an embedding, kept up to date in constant time.

It is the XOR of one number for each content, so that neither the order of additions nor what was
added and removed in between makes a difference.
"""

from __future__ import annotations

import hashlib
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def content_digest(content_id: int, content_hash: str) -> int:
    """Return a content's share of the digest, 62 bits: SQLite's integers are signed."""
    digest = hashlib.sha256(f"{content_id} {content_hash}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 2


def digest_of(contents: Iterable[tuple[int, str]]) -> int:
    """Return the digest of contents, given as ids and hashes; 0 for none."""
    return reduce(xor, (content_digest(*content) for content in contents), 0)


def digest_of_rows(connection: Any, recipe_id: int) -> int:  # noqa: ANN401 - whatever executes SQL
    """Return the digest of a recipe, counted anew from the rows."""
    return digest_of(
        connection.execute(
            "SELECT content.id, content.hash FROM embedding "
            "JOIN content ON content.id = embedding.content_id WHERE embedding.recipe_id = ?",
            (recipe_id,),
        )
    )
