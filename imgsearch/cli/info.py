# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch info`: show what is in the gallery."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli.collection_info import show_collection
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import align, amount, byte_size, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents
from imgsearch.errors import UsageError
from imgsearch.text import path_keys, printable

if TYPE_CHECKING:
    from imgsearch.gallery.information import (
        CalibrationInformation,
        GalleryInformation,
        RecipeInformation,
        RootInformation,
    )

ALL: Final = "1/1"


@dataclass(frozen=True)
class InfoOptions:
    """What is shown, and as what."""

    unreadable: Annotated[
        bool,
        typer.Option("--unreadable", help="List the files that could not be read, and why."),
    ] = False
    json: JsonOption = False


def info(*, options: InfoOptions, settings: Settings) -> None:
    """Show what is in the gallery: roots, files, recipes, sizes.

    Files with the same content share one entry, a content.
    """
    terminal = settings.terminal
    if settings.service is not None:
        if options.unreadable:
            raise UsageError("--unreadable: files that could not be read are not published")
        show_collection(settings.service, terminal, json=options.json)
        return
    with settings.open_gallery(terminal) as gallery:
        if options.unreadable:
            files = gallery.unreadable()
            if options.json:
                content = path_keys(gallery.path, "gallery")
                content["unreadable_files"] = gallery_documents.unreadable_keys(files)
                write_data(gallery_documents.dump("unreadable", content))
                return
            found = False
            for file in files:
                found = True
                terminal.show(
                    [[(short_path(file.path), PLAIN), (f"  {printable(file.reason)}", FAINT)]]
                )
            if not found:
                terminal.say("Every file in the gallery could be read.")
            return
        information = gallery.information()
        if options.json:
            write_data(
                gallery_documents.dump("info", gallery_documents.information_keys(information))
            )
        else:
            terminal.show(_lines(information, settings.command))
            if not information.files:
                command = settings.command("imgsearch index FOLDER")
                terminal.say(f"The gallery is empty: '{command}' fills it.")


def _lines(information: "GalleryInformation", command: Callable[[str], str]) -> list[Line]:
    facts = [
        ("gallery", short_path(information.path)),
        ("database", byte_size(information.bytes)),
        ("files", amount(information.files)),
        ("contents", amount(information.contents)),
        ("unreadable", _with_hint(information.unreadable, command("imgsearch info --unreadable"))),
        ("without a file", _with_hint(information.orphans, command("imgsearch prune"))),
    ]
    if information.shard != ALL:
        facts.append(("shard", f"{information.shard}: a share of the files in these roots"))
    lines = align([[(name, FAINT), (value, PLAIN)] for name, value in facts], "<<")
    lines += [[], [("Roots", "bold")]]
    lines += align([_root(root) for root in information.roots], "<><", indent="  ")
    lines += [[], [("Recipes", "bold")]]
    for recipe in information.recipes:
        lines += _recipe(recipe)
    return lines


def _with_hint(count: int, command: str) -> str:
    return f"{count:,}  ({command})" if count else "0"


def _root(root: "RootInformation") -> list[tuple[str, str]]:
    notes = [f"excluding {' '.join(map(printable, root.exclude))}"] if root.exclude else []
    if root.follow_symlinks:
        notes.append("follows symbolic links")
    note = f"  ({'; '.join(notes)})" if notes else ""
    return [
        ("online", "green") if root.online else ("offline", "yellow"),
        (counted(root.files, "file"), PLAIN),
        (short_path(root.path) + note, PLAIN),
    ]


def _recipe(entry: "RecipeInformation") -> list[Line]:
    head: Line = [
        ("  ", PLAIN),
        (entry.recipe.identifier, "cyan"),
        (f"  {printable(entry.recipe.name)}", PLAIN),
        ("  (primary)" if entry.primary else "", FAINT),
    ]
    if entry.projection == "none":
        searched = f"the embeddings themselves, {entry.recipe.dim} dimensions"
    else:
        searched = (
            f"projection {entry.projection}: {entry.projection_dim} dimensions, power "
            f"{entry.projection_power:g}, fitted on {entry.fitted_count:,} embeddings"
        )
    size = f", {byte_size(entry.cache_bytes)}" if entry.cache_bytes else ""
    style = {"fresh": "green", "damaged": "red"}.get(entry.cache, "yellow")
    facts = align(
        [
            [("embeddings", FAINT), (f"{entry.embeddings:,} of dim {entry.recipe.dim}", PLAIN)],
            [("searched", FAINT), (searched, PLAIN)],
            [("index cache", FAINT), (f"{entry.cache}{size}", style)],
            *([[("index", FAINT), (_index(entry), PLAIN)]] if entry.index else []),
            *([[("words", FAINT), ("can be asked", PLAIN)]] if entry.recipe.text else []),
            *([[("parts", FAINT), (_parts(entry.regions), PLAIN)]] if entry.regions else []),
            *(
                [[("duplicates", FAINT), (_calibration(entry.calibration), PLAIN)]]
                if entry.calibration
                else []
            ),
        ],
        "<<",
        indent="    ",
    )
    return [head, *facts]


def _parts(regions: int) -> str:
    return f"of {counted(regions, 'picture')}, for 'query --anywhere'"


def _calibration(known: "CalibrationInformation") -> str:
    return (
        f"calibrated {known.made[:10]} on {counted(known.edits, 'edit')} and "
        f"{counted(known.pairs, 'pair')} of nearest pictures: at a precision of 0.99, "
        f"{100 * known.found:.0f} % of the edits are found"
    )


def _index(entry: "RecipeInformation") -> str:
    if entry.recall is None:
        return entry.index
    text = (
        f"{entry.index}, {entry.lists_probed} lists probed on average: ANN recall@10 "
        f"{entry.recall:.3f} on {entry.recall_queries} of its own embeddings"
    )
    changes = [f"{entry.added:,} added"] * bool(entry.added)
    changes += [f"{entry.removed:,} removed"] * bool(entry.removed)
    return f"{text}; since then {', '.join(changes)}" if changes else text
