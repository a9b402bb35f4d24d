# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch duplicates`: which pictures are the same, and as which one of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgsearch import addresses
from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.duplicates_options import DuplicatesOutput, SamenessOptions
from imgsearch.cli.filter_options import FilterOptions
from imgsearch.cli.group_writers import write_groups
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.plan_options import PlanOptions
from imgsearch.cli.progress import working
from imgsearch.cli.settings import Settings
from imgsearch.cli.sheet_options import SheetOptions
from imgsearch.cli.terminal import Terminal
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group
    from imgsearch.gallery.gallery import Gallery


def duplicates(
    *,
    sameness: SamenessOptions,
    matching: FilterOptions,
    output: DuplicatesOutput,
    planning: PlanOptions,
    showing: SheetOptions,
    settings: Settings,
) -> None:
    """Show which pictures of the gallery are the same, the surest first.

    Each group names the picture to keep (the one with the most pixels, then bytes, then the
    oldest) and its members, each of which was laid over that very picture and agrees with it.
    Nothing on disk is touched. The first call calibrates on your own pictures, which takes some
    seconds.
    """
    form = output.form()
    if output.null and form != "paths":
        raise UsageError("--null says how --paths separates paths; give both")
    sameness.check()
    planning.check(sameness.kind, of_gallery=not sameness.new)
    showing.check()
    terminal = settings.terminal
    failed: list[Path] = []

    def fail(path: Path, reason: str) -> None:
        failed.append(path)
        terminal.warn(f"{path}: {reason}")

    with (
        native_stderr_held(terminal),
        settings.open_gallery(terminal, recipe=sameness.recipe) as gallery,
    ):
        if sameness.differ is not None or sameness.same is not None:
            _decide(gallery, sameness, terminal)
            return
        with working(terminal, "Looking for candidates") as steps:
            groups = _find(
                gallery,
                sameness,
                matching,
                rank=planning.rank(),
                failed=fail,
                progress=lambda done, total: steps.at("Comparing", done, total),
            )
        write_groups(groups, form, gallery=gallery.path, terminal=terminal, null=output.null)
        plan = planning.write(gallery, groups, kinds=sameness.kind, settings=settings)
        showing.write_groups(gallery, groups, terminal, plan=plan)
    if failed:
        raise typer.Exit(SOME_UNREADABLE)


def _find(
    gallery: "Gallery",
    sameness: SamenessOptions,
    matching: FilterOptions,
    *,
    rank: "Rank | None",
    failed: Callable[[Path, str], None],
    progress: Callable[[int, int], None],
) -> list["Group"]:
    where, kinds = matching.filters(), sameness.kind or None
    if sameness.new:
        return gallery.already_held(
            *map(addresses.named, sameness.new),
            where=where,
            kinds=kinds,
            precision=sameness.precision,
            failed=failed,
            progress=progress,
        )
    return gallery.duplicates(
        where,
        kinds=kinds,
        precision=sameness.precision,
        rank=rank,
        between=sameness.folders(),
        progress=progress,
    )


def _decide(gallery: "Gallery", sameness: SamenessOptions, terminal: Terminal) -> None:
    """Remember that two pictures are not the same, or forget it."""
    take_back = sameness.differ is None
    pair = sameness.same if sameness.differ is None else sameness.differ
    assert pair is not None  # noqa: S101 - one of the two is given
    one, other = pair
    is_news = gallery.not_the_same(one, other, take_back=take_back)
    what = "no longer remembered as different" if take_back else "remembered as not the same"
    terminal.say(f"{what if is_news else 'nothing to change'}: {one} and {other}")
