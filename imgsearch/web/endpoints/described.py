"""The endpoint that describes all endpoints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


async def openapi(request: Request) -> Response:
    """Describe the interface as OpenAPI."""
    described = json.dumps(request.app.state.description).encode("ascii")
    return Response(described, media_type="application/json")
