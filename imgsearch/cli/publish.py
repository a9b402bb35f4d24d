# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch publish`: send what is searched to a search service."""

from dataclasses import dataclass
from typing import Annotated

import typer

from imgsearch.cli import completion
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import write_data
from imgsearch.documents import gallery_documents, service_documents
from imgsearch.recipe import AUTO


@dataclass(frozen=True)
class PublishOptions:
    """What is published, and over what."""

    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            autocompletion=completion.recipes,
            help="Publish another recipe's embeddings: a backbone's name, or the first digits of "
            "an identifier that 'imgsearch info' shows.",
        ),
    ] = None
    projection: Annotated[
        str,
        typer.Option(
            "--projection",
            metavar="WHICH",
            help="What is searched there: auto (default), as a query takes it. Words take none.",
        ),
    ] = AUTO
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Also where the collection is of another gallery or recipe."
        ),
    ] = False
    json: JsonOption = False


def publish(
    *,
    address: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="The collection: postgresql://HOST[:PORT]/DATABASE/COLLECTION or "
            "milvus://HOST[:PORT]/[DATABASE/]COLLECTION. Passwords come "
            "from the environment or a file.",
        ),
    ],
    options: PublishOptions,
    settings: Settings,
) -> None:
    """Send what is searched to a search service, where others can ask it.

    Run it again after 'imgsearch index': only what has changed is sent. Who queries the collection
    with --gallery ADDRESS sees it as it was until all has been sent. A publish that was killed is
    run again.
    """
    terminal = settings.terminal
    with (
        settings.open_gallery(
            terminal, recipe=options.recipe, projection=options.projection
        ) as gallery,
        working(terminal, "Publishing") as steps,
    ):
        report = gallery.publish(
            address,
            replacing=options.replace,
            progress=lambda done, total: steps.at("Publishing", done, total),
        )
    changes = [f"{report.sent:,} sent"] * bool(report.sent)
    changes += [f"{report.removed:,} removed"] * bool(report.removed)
    terminal.say(
        f"{report.address}: {counted(report.contents, 'content')}, "
        f"{', '.join(changes) or 'nothing new'}"
    )
    if options.json:
        write_data(
            gallery_documents.dump("publish", service_documents.publish_keys(gallery.path, report))
        )
