"""Endpoints about one content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.documents import web_documents as documents
from imgsearch.errors import UsageError
from imgsearch.images import thumbnails
from imgsearch.web import fields, filters, originals, replies
from imgsearch.web.endpoints.lists import taken_order
from imgsearch.web.refusals import not_found
from imgsearch.web.service import Service, service_of
from imgsearch.web.thumbnails import SIDES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from imgsearch.search.matches import GalleryFile

VIEW_SIDES: Final = (1024, 2048, 4096)
USUAL_VIEW: Final = 2048
VIEW_QUALITY: Final = 90
MOST_JSON: Final = 4096
MOST_FILES: Final = 1_000_000


async def _file(service: Service, content: str) -> GalleryFile:
    """Return a content of the gallery.

    Raises:
        RefusalError: the gallery holds none such.
    """
    try:
        return await service.workers.looking.run(service.gallery.file_of, content)
    except UsageError as error:
        raise not_found(str(error)) from None


async def content(request: Request) -> Response:
    """Say all that is known of a content."""
    service = service_of(request)
    name = fields.content_in_address(request)
    given, where = filters.of_address(request)
    order = taken_order(given)
    given.end()
    file = await _file(service, name)
    generation, timeline = await service.timeline(where, order)
    (identifier,) = await service.workers.looking.run(service.gallery.ids_of, [name])
    position = None if identifier is None else timeline.position(identifier)
    neighbours: list[str | None] = [None, None]
    if position is not None:
        places = [place for place in (position - 1, position + 1) if 0 <= place < len(timeline.ids)]
        found = await service.workers.looking.run(
            service.gallery.files_of, [int(timeline.ids[place]) for place in places], where
        )
        for place, neighbour in zip(places, found, strict=True):
            neighbours[place > position] = None if neighbour is None else neighbour.content
    details = await service.workers.looking.run(service.gallery.details, name)
    return replies.document(
        "content",
        {
            "generation": generation,
            **documents.entry_keys(file, service.thumbnails.colour),
            "files": documents.held_file_keys(file),
            "inline": originals.is_shown(file.format),
            "details": [{"name": detail.name, "value": detail.value} for detail in details],
            "total": len(timeline.ids),
            "position": position,
            "previous": neighbours[0],
            "next": neighbours[1],
        },
    )


async def thumbnail(request: Request) -> Response:
    """Give a small rendering of a content."""
    service = service_of(request)
    name = fields.content_in_address(request)
    given = fields.query_fields(request, {})
    side = given.take("side", fields.one_of(*map(str, SIDES)), str(SIDES[0]))
    given.end()
    try:
        data = await service.thumbnails.get(name, int(side))
    except UsageError as error:
        raise not_found(str(error)) from None
    return replies.for_ever(data, thumbnails.MEDIA_TYPE)


async def view(request: Request) -> Response:
    """Give a large rendering of a content."""
    service = service_of(request)
    name = fields.content_in_address(request)
    given = fields.query_fields(request, {})
    side = given.take("side", fields.one_of(*map(str, VIEW_SIDES)), str(USUAL_VIEW))
    given.end()
    await _file(service, name)

    def draw() -> bytes:
        pixels = service.gallery.image(name, longest=int(side))
        return thumbnails.encode_jpeg(pixels, quality=VIEW_QUALITY)

    data = await service.workers.drawing.run(draw)
    return replies.for_ever(data, "image/jpeg")


async def original(request: Request) -> Response:
    """Give a content's bytes."""
    service = service_of(request)
    name = fields.content_in_address(request)
    given = fields.query_fields(request, {})
    attach = given.take("download", fields.one_of("0", "1"), "0") == "1"
    given.end()
    await _file(service, name)
    found = await service.workers.looking.run(service.gallery.original, name)
    wanted = request.headers.get("range")
    return originals.response(found, content=name, wanted=wanted, attach=attach)


async def reveal(request: Request) -> Response:
    """Show one of a content's files in the file manager."""
    service = service_of(request)
    name = fields.content_in_address(request)
    body = await fields.json_body(request, most=MOST_JSON)
    index = body.take("file", fields.integer(0, MOST_FILES), 0)
    body.end()
    file = await _file(service, name)
    places = [file.path, *(copy.path for copy in file.duplicates)]
    if index >= len(places):
        raise not_found(f"file: the content is in {len(places)}, counted from 0")
    if service.revealing is None or not service.revealing.can:
        raise not_found("no file manager can be asked here")
    await service.workers.reading.run(service.revealing.show, places[index])
    return replies.nothing()
