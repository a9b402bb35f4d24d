"""Pymilvus, imported without what it does besides."""

from __future__ import annotations

import logging
import os
from typing import Final

# It would read the file .env of any folder above its own into the environment.
_NAME: Final = "PYTHON_DOTENV_DISABLED"
_before = os.environ.get(_NAME)
os.environ[_NAME] = "1"
try:
    import pymilvus
finally:
    del os.environ[_NAME]
    if _before is not None:
        os.environ[_NAME] = _before
# It writes every error, with what was sent, to standard error before it raises it.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)

__all__ = ["pymilvus"]
