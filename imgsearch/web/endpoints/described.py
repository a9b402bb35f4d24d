"""The endpoint that describes all endpoints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


async def openapi(_: Request) -> Response:
    """Describe the interface as OpenAPI."""
    from imgsearch.web.openapi import description

    return Response(json.dumps(description()).encode("ascii"), media_type="application/json")
