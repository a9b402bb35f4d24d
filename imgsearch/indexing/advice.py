"""Advice after a run of `index`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.storage.roots import is_absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.indexing.report import IndexReport
    from imgsearch.storage.database import Store

COMPACT: Final = "compact"
PREFERRED: Final = "mobilenet_v2"


def hints(store: Store, report: IndexReport) -> Iterator[str]:
    """Yield lines of advice that follow from what a run did.

    Args:
        store: the gallery after the run.
        report: of the run.
    """
    backbone = report.recipe.backbone if report.recipe else ""
    if report.first and report.embedded and backbone.startswith(f"{COMPACT}-"):
        from imgsearch.networks.backbones.catalogue import CATALOGUE

        megabytes = round(CATALOGUE[PREFERRED].download_bytes / 1e6)
        yield (
            f"{PREFERRED} tells kinds of things apart better than {COMPACT} and is a download "
            f"of {megabytes} MB: imgsearch index --backbone {PREFERRED}"
        )
    absent = [root for root in store.roots() if is_absent(store, root)]
    if absent and report.new and not report.embedded and not report.dry_run:
        yield (
            f"the gallery knew all {report.new} new files by their bytes, and {absent[0].path} is "
            "absent: if that folder was moved, say so with imgsearch relocate OLD NEW"
        )
