"""Advice after a run of `index`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.recipe import AUTO, RecipeRequest
from imgsearch.storage.roots import is_absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.indexing.report import IndexReport
    from imgsearch.storage.database import Store

COMPACT: Final = "compact"
PREFERRED: Final = "mobilenet_v2"


def hints(
    store: Store, report: IndexReport, *, wanted: str | RecipeRequest | None
) -> Iterator[str]:
    """Yield lines of advice that follow from what a run did; each ends with a command.

    Args:
        store: the gallery after the run.
        report: of the run.
        wanted: what was asked to be indexed with; None for what the gallery has.
    """
    backbone = report.recipe.backbone if report.recipe else ""
    # Left to choose, it takes compact only where the other's weights cannot be had.
    if report.first and report.embedded and backbone.startswith(f"{COMPACT}-") and _named(wanted):
        from imgsearch.networks.backbones.catalogue import CATALOGUE
        from imgsearch.networks.backbones.weights import is_available

        preferred = CATALOGUE[PREFERRED]
        size = f"a download of {round(preferred.download_bytes / 1e6)} MB"
        where = "on this machine already" if is_available(preferred) else size
        yield (
            f"{PREFERRED} tells kinds of things apart better than {COMPACT} and is {where}: "
            f"imgsearch index --backbone {PREFERRED}"
        )
    absent = [root for root in store.roots() if is_absent(store, root)]
    if absent and report.new and not report.embedded and not report.dry_run:
        yield (
            f"the gallery knew all {report.new} new files by their bytes, and {absent[0].path} is "
            "absent: if that folder was moved, say so with imgsearch relocate OLD NEW"
        )


def _named(wanted: str | RecipeRequest | None) -> bool:
    backbone = wanted.backbone if isinstance(wanted, RecipeRequest) else wanted
    return backbone not in (None, AUTO)
