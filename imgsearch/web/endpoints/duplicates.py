"""Endpoints about duplicates: the search for them, what a person says of them, plans."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from imgsearch.documents import web_documents as documents
from imgsearch.text import path_keys
from imgsearch.web import duplicate_search, fields, replies
from imgsearch.web.duplicate_search import Decision
from imgsearch.web.endpoints.lists import FARTHEST
from imgsearch.web.endpoints.taking import held_ids
from imgsearch.web.service import service_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

MOST_GROUPS: Final = 100
USUAL_GROUPS: Final = 20
MOST_KINDS: Final = 10
MOST_DECISIONS: Final = 100_000
MOST_FILES: Final = 10_000
MOST_JSON: Final = 32 << 20


async def groups(request: Request) -> Response:
    """Give some of the groups of duplicates, and say how far the search for them has come."""
    service = service_of(request)
    given = fields.query_fields(request, {})
    offset = given.take("offset", fields.digits(0, FARTHEST), 0)
    limit = given.take("limit", fields.digits(1, MOST_GROUPS), USUAL_GROUPS)
    kind = given.take("kind", fields.text, None)
    given.end()
    wanted = None if kind is None else duplicate_search.checked_kinds([kind])[0]
    found = service.duplicates.found
    shown = [(name, g) for name, g in found.groups.items() if wanted in (None, g.kind)]
    return replies.document(
        "duplicates",
        {
            "state": found.state,
            "progress": found.progress,
            "reason": found.reason,
            "total": len(shown),
            "offset": offset,
            "groups": [
                {"id": name, **documents.group_keys(group, service.thumbnails.colour)}
                for name, group in shown[offset : offset + limit]
            ],
        },
    )


async def look_for_duplicates(request: Request) -> Response:
    """Start the search for duplicates."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    kinds = duplicate_search.checked_kinds(body.each("kinds", fields.text, most=MOST_KINDS))
    body.end()
    service.keep(service.duplicates.run(kinds))
    return replies.nothing(202)


async def judge(request: Request) -> Response:
    """Remember whether two contents are the same."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    one, other = body.take("one", fields.content), body.take("other", fields.content)
    same = body.take("same", fields.flag)
    body.end()
    await held_ids(service, [one, other])
    await service.workers.looking.run(service.gallery.not_the_same, one, other, take_back=same)
    return replies.nothing()


def _decision(name: str, value: object) -> Decision:
    given = fields.Fields(value, name)
    decision = Decision(
        given.take("id", fields.text),
        keep=frozenset(given.each("keep", fields.text, most=MOST_FILES)),
        drop=frozenset(given.each("drop", fields.text, most=MOST_FILES)),
    )
    given.end()
    return decision


async def plan(request: Request) -> Response:
    """Save a plan of what was decided; nothing else happens."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    decisions = body.each("groups", _decision, most=MOST_DECISIONS, required=True)
    body.end()
    path = await service.workers.looking.run(
        duplicate_search.save_plan,
        service.gallery,
        service.duplicates.found,
        decisions,
        shown=_shown,
    )
    typed = ["imgsearch", "apply", str(path), "--gallery", str(service.gallery.path)]
    return replies.document(
        "saved plan", {**path_keys(path), "command": shlex.join(typed)}, status=201
    )


def _shown(path: Path) -> str:
    shown: str = path_keys(path)["path"]
    return shown
