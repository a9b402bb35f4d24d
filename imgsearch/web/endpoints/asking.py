"""Endpoints that take uploads and answer questions."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from imgsearch.documents import web_documents as documents
from imgsearch.documents.gallery_documents import explanation_keys
from imgsearch.errors import ImgsearchError, NotThereError, UnreadableImageError
from imgsearch.web import fields, questions, replies, uploads
from imgsearch.web.refusals import RefusalError, usage
from imgsearch.web.service import Service, service_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from imgsearch.gallery.examining import Examined
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.web.uploads import Rendering

UPLOAD_SECONDS: Final = 60.0
MOST_JSON: Final = 256 << 10


async def upload(request: Request) -> Response:
    """Take an image that is to be asked about."""
    service = service_of(request)
    fields.query_fields(request, {}).end()
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > uploads.MOST_BYTES:
        raise _too_large()
    async with service.receiving:
        data = await _received(request)
        recipe, gallery = await service.workers.looking.run(service.galleries.asking, None)
        examined = await service.workers.asking.run(gallery.examine, data)
    rendering: Future[Rendering] = Future()
    kept = service.uploads.add(examined, recipe, rendering)
    service.keep(_render(service, gallery, data, examined, rendering))
    return replies.document(
        "upload",
        {
            "upload": kept.name,
            "content": examined.content,
            "held": examined.held,
            "width": examined.width,
            "height": examined.height,
            "format": examined.format,
        },
        status=201,
    )


async def _received(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > uploads.MOST_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise RefusalError(
            408,
            "too-slow",
            f"the picture did not arrive within {UPLOAD_SECONDS:.0f} seconds",
        ) from None
    if not body:
        raise RefusalError(422, "unreadable", "empty (0 bytes)")
    return bytes(body)


def _too_large() -> RefusalError:
    return RefusalError(
        413,
        "too-large",
        f"the picture is larger than {uploads.MOST_BYTES // 1_000_000} MB; `imgsearch query -` "
        "takes larger ones",
    )


async def _render(
    service: Service,
    gallery: Gallery,
    data: bytes,
    examined: Examined,
    rendering: Future[Rendering],
) -> None:
    try:
        drawn = await service.workers.drawing.run(uploads.render, gallery, data, examined)
        rendering.set_result(drawn)
    except BaseException as error:
        rendering.set_exception(error)
        if not isinstance(error, ImgsearchError | RefusalError | MemoryError):
            raise


async def upload_view(request: Request) -> Response:
    """Give the rendering of an upload."""
    service = service_of(request)
    kept = service.uploads.get(request.path_params["upload"])
    rendering = await asyncio.shield(asyncio.wrap_future(kept.rendering))
    return Response(rendering.data, media_type=rendering.media_type)


async def drop_upload(request: Request) -> Response:
    """Forget an upload."""
    service_of(request).uploads.drop(request.path_params["upload"])
    return replies.nothing()


async def query(request: Request) -> Response:
    """Answer a question."""
    service = service_of(request)
    started = time.monotonic()
    wanted = questions.wanted(await fields.json_body(request, most=MOST_JSON))
    await _await_renderings(
        service, wanted.question.pictures, whole=wanted.kinds or wanted.question.anywhere
    )
    generation = await service.generation.current()
    recipe, gallery = await service.workers.looking.run(service.galleries.asking, wanted.recipe)
    try:
        page = await service.workers.asking.run(
            service.answers.page, wanted, gallery, recipe=recipe, generation=generation
        )
    except NotThereError:
        raise
    except UnreadableImageError as error:
        raise RefusalError(422, "unreadable", str(error)) from None
    where = wanted.question.where
    _, remarks = await service.lists.get(("remarks", recipe, where), lambda: gallery.remarks(where))
    return replies.document(
        "answer",
        {
            "generation": generation,
            "recipe": recipe,
            "offset": wanted.offset,
            "more": page.more,
            "matches": [
                documents.match_keys(match, service.thumbnails.colour) for match in page.matches
            ],
            "remarks": remarks,
            "seconds": round(time.monotonic() - started, 4),
        },
    )


async def _await_renderings(
    service: Service, pictures: tuple[questions.Asked, ...], *, whole: bool = False
) -> None:
    """Wait for what parts are cut from, or for whole renderings, without a thread for it."""
    for asked in pictures:
        if asked.upload is not None:
            kept = service.uploads.get(asked.upload)
            if whole or asked.crop is not None:
                await asyncio.shield(asyncio.wrap_future(kept.rendering))


async def compare(request: Request) -> Response:
    """Say how alike two images are."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    pair = body.take("one", questions.picture), body.take("other", questions.picture)
    wanted = body.take("recipe", fields.text, None)
    body.end()
    await _await_renderings(service, pair)
    recipe, gallery = await service.workers.looking.run(service.galleries.asking, wanted)

    def compared() -> documents.Json:
        images = [
            questions.image_of(asked, recipe, gallery=gallery, uploads=service.uploads)
            for asked in pair
        ]
        found = gallery.compare(*images)
        return {
            "recipe": recipe,
            "score": found.score,
            "raw_score": found.raw_score,
            "same_content": found.same_content,
        }

    return replies.document("comparison", await service.workers.asking.run(compared))


async def explain(request: Request) -> Response:
    """Say where two images agree."""
    service = service_of(request)
    body = await fields.json_body(request, most=MOST_JSON)
    one, other = body.take("one", questions.picture), body.take("other", questions.picture)
    wanted = body.take("recipe", fields.text, None)
    body.end()
    if one.words is not None or other.words is not None or other.crop is not None:
        raise usage("one and other: two pictures, of which the second is whole")
    await _await_renderings(service, (one, other), whole=True)
    recipe, gallery = await service.workers.looking.run(service.galleries.asking, wanted)

    def explained() -> documents.Json:
        images = [questions.whole_of(asked, service.uploads) for asked in (one, other)]
        crop = None if one.crop is None else questions.box_of(one.crop)
        found = gallery.explain(*images, crop=crop)
        keys = explanation_keys(found)
        for name, seen in (("image", found.one), ("match", found.other)):
            keys[name]["size"] = list(seen.size)
        return {"recipe": recipe, **keys}

    try:
        return replies.document("explanation", await service.workers.asking.run(explained))
    except NotThereError:
        raise
    except UnreadableImageError as error:
        raise RefusalError(422, "unreadable", str(error)) from None
