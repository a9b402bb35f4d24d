"""Endpoints for taking contents away, and for named sets of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from imgsearch.documents import web_documents as documents
from imgsearch.errors import UsageError
from imgsearch.text import path_keys
from imgsearch.web import exports, fields, replies
from imgsearch.web.refusals import not_found, usage
from imgsearch.web.service import Service, service_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from imgsearch.gallery.picture_sets import PictureSet

MOST_JSON: Final = 8 << 20
USUAL_NAME: Final = "pictures"
MOST_NAME: Final = 100
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")


def _contents(body: fields.Fields) -> list[str]:
    """Take contents, each once."""
    found = body.each("contents", fields.content, most=exports.MOST_CONTENTS, required=True)
    return list(dict.fromkeys(found))


async def held_ids(service: Service, contents: list[str]) -> list[int]:
    """Return the ids of contents.

    Raises:
        RefusalError: the gallery holds none of that hash.
    """
    found = await service.workers.looking.run(service.gallery.ids_of, contents)
    for content, identifier in zip(contents, found, strict=True):
        if identifier is None:
            raise not_found(f"contents: the gallery holds none of hash {content!r}")
    return [identifier for identifier in found if identifier is not None]


async def prepare_export(request: Request) -> Response:
    """Prepare contents for being taken away."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    contents = _contents(body)
    form = cast("exports.Form", body.take("form", fields.one_of(*exports.FORMS)))
    name = body.take("name", fields.text, USUAL_NAME)
    body.end()
    if not contents:
        raise usage("contents: empty; name one at least")
    if len(name) > MOST_NAME:
        raise usage(f"name: {len(name)} characters; {MOST_NAME} at most")
    ids = await held_ids(service, contents)
    files = await service.workers.looking.run(service.gallery.files_of, ids)
    missing = sum(file is None or file.offline for file in files)
    identifier = service.exports.add(ids, form, name)
    found: dict[str, Any] = {"contents": len(ids), "missing": missing}
    if form != "links":
        href = f"/api/v1/exports/{identifier}"
        return replies.document("export", {**found, "href": href, "folder": None}, status=201)
    if service.options.links is None:
        raise usage("form: folders of links are made only under `imgsearch serve --links DIR`")
    folder = await service.workers.looking.run(
        exports.make_links,
        service.exports.get(identifier),
        service.gallery,
        within=service.options.links,
    )
    shown = path_keys(folder)["path"]
    return replies.document("export", {**found, "href": None, "folder": shown}, status=201)


async def download_export(request: Request) -> Response:
    """Give what was prepared."""
    service = service_of(request)
    export = service.exports.get(request.path_params["export"])
    if export.form == "links":
        raise not_found("export: a folder of links is not downloaded")
    kind, suffix = exports.MEDIA_TYPES[export.form]
    name = quote(f"{_UNSAFE.sub('_', export.name)}.{suffix}".encode("utf-8", "replace"), safe="")
    return StreamingResponse(
        exports.parts(export, service.gallery),
        media_type=kind,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


async def sets(request: Request) -> Response:
    """List the named sets."""
    service = service_of(request)
    found = await service.workers.looking.run(service.gallery.sets)
    return replies.document("sets", {"sets": [documents.set_keys(kept) for kept in found]})


async def _set(service: Service, name: str) -> PictureSet:
    for kept in await service.workers.looking.run(service.gallery.sets):
        if kept.name == name:
            return kept
    raise not_found(f"set: there is none named {name!r}")


async def one_set(request: Request) -> Response:
    """Give a named set."""
    service = service_of(request)
    kept = await _set(service, request.path_params["name"])
    contents = list(kept.contents)
    ids = await service.workers.looking.run(service.gallery.ids_of, contents)
    files = await service.workers.looking.run(service.gallery.files_of, [i or 0 for i in ids])
    entries = [
        {"content": content}
        if file is None
        else documents.entry_keys(file, service.thumbnails.colour)
        for content, file in zip(contents, files, strict=True)
    ]
    return replies.document(
        "set", {"name": kept.name, "changed": kept.changed, "contents": entries}
    )


async def keep_set(request: Request) -> Response:
    """Keep a named set."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    contents = _contents(body)
    body.end()
    name = request.path_params["name"]
    await service.workers.looking.run(service.gallery.keep_set, name, contents)
    return replies.nothing()


async def drop_set(request: Request) -> Response:
    """Forget a named set."""
    service = service_of(request)
    name = request.path_params["name"]
    try:
        await service.workers.looking.run(service.gallery.drop_set, name)
    except UsageError as error:
        raise not_found(str(error)) from None
    return replies.nothing()
