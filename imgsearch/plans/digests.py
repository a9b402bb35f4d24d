"""What tells whether plans and journals are as they were written.

The digests guard against accidents; they are no signature.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def digest(keys: Mapping[str, Any], *, after: str = "") -> str:
    """Return SHA-256 of a JSON object without its own digest, however it is laid out.

    Args:
        keys: the object; of "digest" nothing is taken in.
        after: digest of what comes before it, where objects are a chain.

    Returns:
        64 hexadecimal digits.
    """
    body = {name: value for name, value in keys.items() if name != "digest"}
    text = after + json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
