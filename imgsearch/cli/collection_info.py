"""`imgsearch info` of a collection in a search service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import align, amount, byte_size
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents, service_documents
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.cli.terminal import Terminal
    from imgsearch.gallery.published import PublishedInformation


def show_collection(address: str, terminal: Terminal, *, json: bool) -> None:
    """Print what is in a collection.

    Raises:
        NoGalleryError: nothing has been published at the address.
        ServiceError: the server does not answer or refuses.
    """
    from imgsearch.gallery.published import PublishedGallery

    with PublishedGallery(address) as published:
        known = published.information()
    if json:
        write_data(gallery_documents.dump("collection", service_documents.collection_keys(known)))
    else:
        terminal.show(_lines(known))


def _lines(known: PublishedInformation) -> list[Line]:
    size = "" if known.bytes is None else f", {byte_size(known.bytes)}"
    searched = (
        f"the embeddings themselves, {known.dim} dimensions"
        if known.projection == "none"
        else f"projection {known.projection}: {known.dim} dimensions"
    )
    facts = [
        ("collection", known.address),
        ("engine", known.engine),
        ("index", f"{known.index}{size}"),
        ("published", known.published),
        ("files", amount(known.files)),
        ("contents", amount(known.contents)),
        ("recipe", f"{known.recipe.identifier}  {printable(known.recipe.name)}"),
        ("searched", searched),
    ]
    lines = align([[(name, FAINT), (value, PLAIN)] for name, value in facts], "<<")
    lines += [[], [("Roots", "bold")]]
    return [*lines, *([(f"  {short_path(root)}", PLAIN)] for root in known.roots)]
