"""The part of the façade that plans what becomes of duplicates, does it, and takes it back."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import GalleryDamagedError, UsageError
from imgsearch.gallery.deduplicating import Deduplicating
from imgsearch.plans.plan import DEFAULT_KINDS, DEFAULT_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from imgsearch.duplicates.groups import Group
    from imgsearch.plans.plan import Choice, Plan
    from imgsearch.plans.reports import ApplyReport, UndoReport
    from imgsearch.plans.step_values import Link
    from imgsearch.storage.database import Store

LOG: Final = logging.getLogger(__name__)
LINKS: Final = ("hard", "reflink", "symlink")


class Tidying(Deduplicating):
    """What `Gallery` is besides indexing; not used by itself."""

    def plan(
        self,
        groups: Iterable[Group],
        *,
        keep: Sequence[str] = (),
        prefer: Sequence[str | Path] = (),
        protect: Sequence[str | Path] = (),
        kinds: Sequence[str] = (),
        split_companions: bool = False,
        choices: Mapping[Path, Choice] | None = None,
    ) -> Plan:
        """Say which files of some groups are to go, and why; nothing is done.

        Every file that is to go is the same as the one that stays in its place: one that was only
        compared with a third is left.

        Args:
            groups: of files of this gallery.
            keep: rules that choose the file to keep, the weightiest first: "largest",
                "best-format", "preferred", "most-metadata", "protected", "oldest", "newest",
                "shortest-path". None means these in this order, without "newest".
            prefer: folders for the rule "preferred", the most preferred first.
            protect: folders whose files stay, whatever they are.
            kinds: of sameness that files may go for; none means "identical", "pixels" and "copy".
            split_companions: a file may go although another one belongs to it, such as a RAW.
            choices: what a person chose instead of rules, by the paths of groups' keepers; groups
                without one are then left out.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a rule or a kind that does not exist, or "similar", or no such folder.
        """
        from imgsearch.plans.planning import Planner, Terms
        from imgsearch.plans.rules import folders_there, parse_kinds, parse_rules

        terms = Terms(
            keep=parse_rules(keep, preferring=bool(prefer)) or DEFAULT_RULES,
            prefer=folders_there("prefer", prefer),
            protect=folders_there("protect", protect),
            kinds=parse_kinds(kinds) or DEFAULT_KINDS,
            split_companions=split_companions,
        )
        planner = Planner(terms)
        for group in groups:
            if choices is None or group.keeper.path in choices:
                planner.add(group, (choices or {}).get(group.keeper.path))
        with self._connections.snapshot() as store:
            stored = self._embeddings_to_query(store).stored
        if not stored.gallery:
            raise UsageError(f"{self.path}: made by an earlier version; run `imgsearch index` once")
        return planner.plan(
            self.path,
            gallery_id=stored.gallery,
            recipe=stored.recipe.identifier,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def apply(
        self,
        plan: Plan,
        *,
        to: str | Path | None = None,
        link: Link | None = None,
        dry_run: bool = False,
        progress: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> ApplyReport:
        """Put the files of a plan elsewhere; nothing is deleted, and `undo` takes it back.

        Unless everything is as it was when the plan was made, nothing is done. Right before a file
        goes, it and its keeper are read once more. One that changed in between is left.

        Args:
            plan: of this gallery.
            to: a folder outside the gallery's roots, in which files lie as they did; None for the
                platform's trash.
            link: what takes the place of a file: "hard", "reflink" or "symlink"; None for nothing.
            dry_run: only look, and say what would be done.
            progress: told how many files were dealt with, and of how many.
            stop: asked before each file; True ends it there.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            PlanRefusedError: the plan does not fit the gallery or the files.
            OSError: a disk is full; what was done is in the journal.
            UsageError: a folder or a link that makes no sense.
        """
        from imgsearch.plans import applying, checks, ways
        from imgsearch.storage import moved_files

        if link is not None and link not in LINKS:
            raise UsageError(f"link: {link!r} is none of {', '.join(LINKS)}")
        with self._connections.snapshot() if dry_run else self._connections.changing() as store:
            if not dry_run:
                settled = applying.settle(plan, self.path)
                moved_files.recall(store, [(s.root, s.path, s.content) for s in settled])
            pairs = checks.pairs_to_remove(plan, applying.gone_before(plan, self.path))
            checks.check_gallery(plan, store, pairs)
            checks.check_files(plan, pairs)
            roots = tuple(root.path for root in store.roots())
            way: ways.Way = ways.trash()
            if to is not None:
                way = ways.ToFolder(paths.absolute(to), roots, paths.absolute(self.path))
            way.check([file for file, _ in pairs])
            ways.check_links(pairs, link)
            work = applying.Application(plan, way, link, pairs, plan.files - len(pairs))
            if dry_run or not pairs:
                return work.report(dry_run=dry_run)
            with applying.begin(plan, self.path) as journal:
                try:
                    return work.carry_out(journal, progress=progress, stop=stop)
                finally:
                    done = [s.step for s in journal.open_states if s.outcome == "done"]
                    moved_files.forget(
                        store, [step.path for step in done if step.link in {None, "symlink"}]
                    )

    def undo(
        self,
        journal: str | Path | None = None,
        *,
        dry_run: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> UndoReport:
        """Put back what `apply` put elsewhere; doing it again does nothing more.

        Nothing is overwritten: where something else is now, the file stays where it was put.

        Args:
            journal: of the application; None for the last one of this gallery.
            dry_run: only look, and say what would be done.
            progress: told how many files were dealt with, and of how many.

        Raises:
            GalleryLockedError: another process is writing the gallery.
            PlanRefusedError: the journal is none, or damaged.
            UsageError: nothing was ever applied.
        """
        from imgsearch.plans import applying
        from imgsearch.plans.journal import Journal
        from imgsearch.storage import moved_files

        if journal is None:
            place = applying.last_journal(self.path)
            if place is None:
                raise UsageError(f"nothing was applied to the gallery in {self.path}")
        else:
            place = paths.absolute(journal)
        if dry_run:
            return applying.take_back(Journal.read(place), dry_run=True, progress=progress)
        with self._changing_if_possible() as store, Journal.open(place) as opened:
            before = opened.open_states
            try:
                return applying.take_back(opened, progress=progress)
            finally:
                if store is not None:
                    # Those of an earlier call too, which may have been killed before this.
                    moved_files.recall(store, applying.put_back(opened, surely=before))

    @contextmanager
    def _changing_if_possible(self) -> Iterator[Store | None]:
        """Give a writer under the lock, or None where the database is gone or damaged.

        Files can be put back even then.
        """
        if not self._connections.exists:
            yield None
            return
        try:
            writer = self._connections.changing()
            store = writer.__enter__()
        except GalleryDamagedError as error:
            LOG.warning("%s; the files are put back all the same", error)
            yield None
            return
        try:
            yield store
        finally:
            writer.__exit__(None, None, None)
