"""One run of `index`: from folders on disk to committed embeddings.

The run scans first. Then an executor reads and embeds what is new or changed, in the order of the
scan, and this thread commits what comes of it. A run that is stopped or killed leaves what it has
committed; the next one finds it by its hashes and goes on.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.addresses import Address
from imgsearch.images import formats
from imgsearch.indexing.committer import Committed, Committer, decoders_of
from imgsearch.indexing.executor import EmbeddingJob, FileWork
from imgsearch.indexing.local_executor import LocalExecutor
from imgsearch.indexing.report import IndexOptions, IndexProgress, IndexReport, UnreadableFile
from imgsearch.indexing.scan import ScanRules, UnlistedFolder, walk
from imgsearch.indexing.shards import remembered
from imgsearch.paths import Listings, ScannedFile, look_up
from imgsearch.sources.finding import source_of
from imgsearch.storage.embedded_contents import EmbeddedContents
from imgsearch.storage.roots import is_absent
from imgsearch.storage.scan_comparison import Changes
from imgsearch.storage.typed_values import RootsById

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from imgsearch.indexing.executor import Executor
    from imgsearch.networks.source import EmbedderSource
    from imgsearch.recipe import Recipe
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root, StoredRecipe
    from imgsearch.storage.roots import ScanTarget

CHUNK: Final = 256  # files given to an executor at once


class IndexRun:
    """One run, over a store that is open for writing under the writer lock."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        options: IndexOptions,
        progress: Callable[[IndexProgress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        executor: Executor | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            store: open for writing.
            folder: the gallery's folder, which scans leave out.
            options: of the run.
            progress: called at every step.
            stop: asked after every file, scanned or read; True ends the run in good order.
            executor: reads and embeds; None for threads of this process.
        """
        self._store = store
        self._folder = folder
        self._options = options
        self._progress = progress or (lambda _: None)
        self._stop = stop or (lambda: False)
        self._executor = executor or LocalExecutor()
        self._changes = Changes(store)
        self._listings = Listings()
        self._unlisted: list[UnreadableFile] = []
        self._unknown: list[UnreadableFile] = []
        self._passed_over: Counter[str] = Counter()
        self._known_unreadable: set[UnreadableFile] = set()
        self._counts = _Counts()
        self._decoders = decoders_of(options)

    def scan(self, targets: Sequence[ScanTarget]) -> None:
        """Walk the targets that are online, and note what was found and what is missing."""
        self._known_unreadable = set(self._unreadable(targets))
        shard = remembered(self._store, None)
        for target in targets:
            if target.absent:
                self._counts.offline += self._store.file_count(target.root.id, target.below)
                continue
            rules = ScanRules(
                suffixes=formats.suffixes(),
                exclude=target.root.exclude,
                follow_symlinks=target.root.follow_symlinks,
                skip=(self._folder,),
                any_name=self._options.any_name,
                shard=shard,
            )
            unlisted: list[bytes] = []
            self._changes.add(target.root.id, self._walk(target, rules, unlisted))
            if self._counts.interrupted or is_absent(self._store, target.root):
                continue  # half a scan, or a drive unplugged meanwhile, shows nothing missing
            self._changes.add_missing(
                target.root.id,
                target.below,
                unlisted=unlisted,
                still_there=self._finder(target.root, rules),
            )

    def _walk(
        self, target: ScanTarget, rules: ScanRules, unlisted: list[bytes]
    ) -> Iterator[ScannedFile]:
        def leave_out(path: bytes, reason: str) -> None:
            unlisted.append(path)
            self._unlisted.append(UnreadableFile(target.root.at(path), reason))

        try:
            named = self._named(target, rules)
        except OSError as error:
            leave_out(target.below, error.strerror or str(error))
            return
        if named is not None or not target.root.recursive:
            yield from named or ()
            return
        for found in walk(
            target.root.path, rules, below=target.below, passed_over=self._passed_over
        ):
            if isinstance(found, ScannedFile):
                self._counts.scanned += 1
                if self._counts.scanned % 500 == 0:
                    self._progress(IndexProgress("scan", self._counts.scanned, None))
                yield found
            elif isinstance(found, UnlistedFolder):
                leave_out(found.path, found.reason)
            else:
                self._unknown.append(UnreadableFile(target.root.at(found.path), found.reason))
            if self._stop():
                self._counts.interrupted = True
                return

    def compare(self, recipe_id: int | None) -> int:
        """Return how many of the scanned files have to be read for a recipe."""
        tally = self._changes.compare(recipe_id, self._decoders, rehash=self._options.rehash)
        self._counts.unchanged = tally.unchanged
        if self._options.dry_run:
            self._counts.new = tally.new
            self._counts.changed = tally.changed + tally.retry
            self._counts.missing = tally.missing
            self._counts.unchanged += tally.rehash
        return tally.pending

    def read(self, stored: StoredRecipe, source: EmbedderSource, *, total: int) -> None:
        """Let the executor embed the files that `compare` found, and commit what comes of them.

        Args:
            stored: the recipe.
            source: loads its network.
            total: how many files there are to read.
        """
        if self._counts.interrupted:
            return  # half a scan does not show what has moved
        started = time.monotonic()
        stopped = False

        def stop() -> bool:
            nonlocal stopped
            stopped = self._stop()
            return stopped

        def tell(committed: Committed) -> None:
            self._counts.committed = committed
            rate = committed.embedded / max(time.monotonic() - started, 1e-9)
            self._progress(IndexProgress("read", committed.files, total, rate))

        committer = Committer(self._store, self._changes, stored, decoders=self._decoders)
        tell(committer.committed)
        with closing(EmbeddedContents(self._folder, stored.id)) as known:
            job = EmbeddingJob.of(self._options, stored.recipe, source, known=known)
            with closing(self._executor.embed(job, self._chunks(), stop=stop)) as embedded:
                for files in embedded:
                    committer.commit(files)
                    tell(committer.committed)
        self._counts.interrupted |= stopped and committer.committed.files < total

    def _chunks(self) -> Iterator[list[FileWork]]:
        roots = RootsById({root.id: paths.encode(root.path) for root in self._store.roots()})
        pending = self._changes.pending()
        while chunk := [FileWork(roots[file.root_id], file) for file in islice(pending, CHUNK)]:
            yield chunk

    def forget_missing(self) -> None:
        """Remove missing files from the gallery, unless the run was stopped before its end.

        Only a whole run can tell that a missing file has not moved.
        """
        if not self._counts.interrupted:
            with self._store.transaction():
                self._counts.missing = self._changes.missing()
                self._changes.forget_missing()
                self._changes.fill_in()

    def promote(self, stored: StoredRecipe) -> bool:
        """Make a newer version of the primary recipe the primary one, once it has as much."""
        primary, *_ = self._store.recipes()
        if not self._counts.interrupted and stored.recipe.supersedes(primary.recipe):
            count = self._store.embedding_count
            if count(stored.id) >= count(primary.id):
                with self._store.transaction():
                    self._store.make_primary(stored.id)
                return True
        return False

    def report(
        self, recipe: Recipe | None, targets: Sequence[ScanTarget], *, first: bool
    ) -> IndexReport:
        """Return what the run did."""
        counts, committed = self._counts, self._counts.committed
        unreadable = self._unreadable(targets) + self._unknown
        return IndexReport(
            recipe=recipe,
            new=counts.new + committed.new,
            changed=counts.changed + committed.changed,
            moved=committed.moved,
            unchanged=counts.unchanged + committed.unchanged,
            missing=counts.missing,
            offline=counts.offline,
            unreadable_files=tuple(unreadable),
            newly_unreadable=tuple(
                file for file in unreadable if file not in self._known_unreadable
            ),
            embedded=committed.embedded,
            seconds=time.monotonic() - counts.started,
            interrupted=counts.interrupted,
            dry_run=self._options.dry_run,
            first=first,
            offline_roots=tuple(
                dict.fromkeys(target.root.path for target in targets if target.absent)
            ),
            unlisted=tuple(self._unlisted),
            aliases=self._changes.aliases,
            merged=tuple(dict.fromkeys(merged for target in targets for merged in target.merged)),
            not_read=tuple(self._passed_over.most_common()),
        )

    def _named(self, target: ScanTarget, rules: ScanRules) -> list[ScannedFile] | None:
        """Return the file that a target is, if the share holds it; None for a folder."""
        root, below = target.root, target.below
        # Whether an address is a folder is told by its name: to ask would cost a request.
        is_folder = not below or (root.is_address and not rules.may_be_image(below))
        file = None if is_folder else self._look_up(root.path, below)
        return None if file is None else [file] * rules.shard.holds(below)

    def _look_up(self, root: Path, path: bytes) -> ScannedFile | None:
        if isinstance(root, Address):
            return source_of(root).stat(path)
        found = look_up(root, path)
        return found if found and self._listings.holds(root, path) else None

    def _finder(self, root: Root, rules: ScanRules) -> Callable[[bytes], ScannedFile | None]:
        def find(path: bytes) -> ScannedFile | None:
            listed = root.is_address and root.recursive and rules.may_be_image(path)
            if listed or rules.excludes(path) or not rules.shard.holds(path):
                return None
            folders = [root.path / folder for folder in paths.decode(path).parents[:-1]]
            if not rules.follow_symlinks and any(folder.is_symlink() for folder in folders):
                return None
            return self._look_up(root.path, path)

        return find

    def _unreadable(self, targets: Sequence[ScanTarget]) -> list[UnreadableFile]:
        return [
            UnreadableFile(path, reason)
            for target in targets
            if not target.absent
            for path, reason in self._store.unreadable(target.root, target.below)
        ]


@dataclass(slots=True)
class _Counts:
    scanned: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    offline: int = 0
    interrupted: bool = False
    started: float = field(default_factory=time.monotonic)
    committed: Committed = field(default_factory=Committed)
