"""The part of the façade that says which pictures are the same."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import GalleryLockedError, ImgsearchError, UnreadableImageError, UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.duplicates.finding import Wanted
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group, Kind
    from imgsearch.duplicates.matching import Asked
    from imgsearch.duplicates.newcomers import Newcomers
    from imgsearch.search.matches import Match
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters

LOG: Final = logging.getLogger(__name__)


class Deduplicating(Asking):
    """What `Gallery` is besides indexing; not used by itself."""

    def duplicates(
        self,
        where: Filters | None = None,
        *,
        kinds: Iterable[Kind | str] | None = None,
        precision: float = 0.99,
        rank: Rank | None = None,
        between: tuple[str | Path, str | Path] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Group]:
        """Return the groups of pictures that are the same, the surest first.

        Every member of a group is the same as the group's keeper itself. The first call in a
        gallery, and one after it has changed much, calibrates: edits of some of its pictures and
        what lies nearest to others say what is sure in this collection.

        Args:
            where: what the files must be.
            kinds: of sameness; None for all but "similar", which is only given when it is named.
            precision: the share of right ones among the pairs that are called the same; what is
                less sure is left out.
            rank: a sort key for files; of those that are the same the one with the least is kept.
                None keeps the one with the most pixels, then bytes, then the oldest.
            between: two folders; keepers lie in the first and members in the second.
            progress: told how many pairs of pictures were looked at, of how many.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: an argument that makes no sense.
        """
        from imgsearch.duplicates.grouping import default_rank
        from imgsearch.duplicates.sides import Sides

        wanted = _wanted(where, kinds, precision)
        if between is not None:
            if wanted.where.under:
                raise UsageError("between: two folders are given; leave out under")
            one, other = map(paths.absolute, between)
            wanted = replace(
                wanted,
                where=replace(wanted.where, under=(one, other)),
                sides=Sides((one,), (other,)),
            )
        return self._groups(replace(wanted, rank=rank or default_rank), progress=progress)

    def already_held(
        self,
        *places: str | Path,
        where: Filters | None = None,
        kinds: Iterable[Kind | str] | None = None,
        precision: float = 0.99,
        failed: Callable[[Path, str], None] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Group]:
        """Return which of some files the gallery has already; nothing is added to it.

        Args:
            places: files and folders. Each group's keeper is a file of the gallery that lies
                elsewhere, its members are among these.
            where: what the gallery's files must be.
            kinds: as for `duplicates`.
            precision: likewise.
            failed: told of each file that cannot be read, and why.
            progress: told how many pairs of pictures were looked at, of how many.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a path that does not exist, or an argument that makes no sense.
        """
        from imgsearch.duplicates.sides import Sides
        from imgsearch.gallery.newcomer_files import read_newcomers

        if not places:
            raise UsageError("new: no file or folder given")
        absolute = tuple(map(paths.absolute, places))
        wanted = replace(_wanted(where, kinds, precision), sides=Sides((), absolute))
        with self._connections.snapshot() as store:
            recipe = self._embeddings_to_query(store).recipe
            known = store.content_hashes()
        newcomers = read_newcomers(
            absolute,
            recipe=recipe,
            known=known,
            network=lambda: self._networks.of(recipe),
            failed=failed,
        )
        return self._groups(wanted, newcomers=newcomers, progress=progress)

    def with_kinds(
        self, picture: QueryImage, matches: Iterable[Match], *, precision: float = 0.99
    ) -> list[Match]:
        """Return a query's matches, each with how it is the same as the picture asked about.

        Args:
            picture: the one that `query` was asked about: a path, bytes, a binary file, an image
                of Pillow's or an array.
            matches: what it found.
            precision: as for `duplicates`. A gallery in which that was never asked for judges as
                others do.

        Raises:
            NoGalleryError: there is no gallery.
            UnreadableImageError: the picture cannot be read.
            UsageError: a vector, of which there is no picture.
        """
        from imgsearch.duplicates.groups import SAME_FROM

        share = arguments.checked_precision(precision)
        found = list(matches)
        if all(match.score < SAME_FROM for match in found):
            return found
        # With decoders, for which a query that finds nothing alike need not wait.
        from imgsearch.duplicates.calibration import USUAL, Calibration
        from imgsearch.duplicates.matching import matches_with_kinds

        with self._connections.snapshot() as store:
            asked = _seen(store, picture)
        if asked is None or asked.rendering is None:
            try:
                asked = _read(picture)
            except UnreadableImageError:
                # A gallery made before renderings were kept answers for files that went since.
                if asked is None:
                    raise
        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            text = store.calibration(held.stored.id)
            known = None if text is None else Calibration.from_json(text)
            return matches_with_kinds(
                held, known or USUAL, asked, found, precision=share, read=_reader(held)
            )

    def not_the_same(self, one: str | Path, other: str | Path, *, take_back: bool = False) -> bool:
        """Remember that two pictures are not the same, whatever their files are called.

        Args:
            one: a file of the gallery, or a content's hash.
            other: likewise.
            take_back: forget what was said of the two.

        Returns:
            Whether that changes anything.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryLockedError: another process is writing it.
            UsageError: a file that the gallery does not hold, or twice the same bytes.
        """
        from imgsearch.search.known_files import content_of

        with self._connections.changing() as store:
            first, second = (content_of(store, each) for each in (one, other))
            if first == second:
                raise UsageError(f"{one} and {other} have the same bytes")
            with store.transaction():
                if take_back:
                    return store.remove_verdict(first, second)
                return store.add_verdict(first, second)

    def _groups(
        self,
        wanted: Wanted,
        *,
        newcomers: Newcomers | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Group]:
        from imgsearch.duplicates.calibration import USUAL
        from imgsearch.duplicates.finding import Ground, find_groups
        from imgsearch.duplicates.groups import Kind

        # Equal bytes are no matter of judgement, and a calibration takes seconds.
        exact = wanted.kinds == {Kind.IDENTICAL}
        calibration = USUAL if exact else self._calibrated()
        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            ground = Ground(
                embeddings=held,
                space=self._open_space(held),
                calibration=calibration,
                read=_reader(held),
            )
            return find_groups(ground, wanted, newcomers=newcomers, progress=progress)

    def _calibrated(self) -> Calibration:
        """Return the gallery's calibration, made again if it has changed much."""
        from imgsearch.duplicates.calibrating import calibrate, is_outdated
        from imgsearch.duplicates.calibration import Calibration

        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            text = store.calibration(held.stored.id)
            known = None if text is None else Calibration.from_json(text)
            if known is not None and not is_outdated(known, held.count()):
                return known
            made = calibrate(held, self._open_space(held), read=_reader(held))
        try:
            with self._connections.changing() as store, store.transaction():
                store.put_calibration(held.stored.id, made.to_json())
        except (GalleryLockedError, ImgsearchError, OSError) as error:
            LOG.info("the calibration is not kept: %s", error)
        return made


def _seen(store: Store, picture: QueryImage) -> Asked | None:
    """Return a picture as the gallery holds it; None if it holds no such file."""
    from imgsearch.duplicates.matching import Asked
    from imgsearch.search.known_files import content_of

    if not isinstance(picture, str | Path):
        return None
    try:
        content_id, _ = store.find_content(content_of(store, picture), -1)
    except UsageError:
        return None
    rendering = store.renderings([] if content_id is None else [content_id]).get(content_id or 0)
    if content_id is None:
        return None
    content = store.contents([content_id])[content_id]
    return Asked(content.hash, content.bytes, content.metadata, rendering)


def _read(picture: QueryImage) -> Asked:
    from imgsearch.duplicates.matching import Asked
    from imgsearch.images import loading
    from imgsearch.search.query_inputs import Weighted, readable

    given = readable(picture.image if isinstance(picture, Weighted) else picture)
    if not isinstance(given, bytes | Path):
        raise UsageError("kind: a vector is no picture; give the picture that it was made of")
    data = given if isinstance(given, bytes) else loading.read_file(paths.absolute(given))
    fingerprint, metadata = loading.fingerprinted(data)
    return Asked(hashlib.sha256(data).hexdigest(), len(data), metadata, fingerprint.rendering, data)


def _reader(held: Embeddings) -> Callable[[str], bytes]:
    from imgsearch.search.originals import read_content

    return lambda content: read_content(content, held.store.files_holding(content))


def _wanted(where: object, kinds: Iterable[Kind | str] | None, precision: object) -> Wanted:
    from imgsearch.duplicates.finding import Wanted

    filters = arguments.checked_filters(where)
    return Wanted(
        where=replace(filters, under=tuple(map(paths.absolute, filters.under))),
        kinds=_kinds(kinds),
        precision=arguments.checked_precision(precision),
    )


def _kinds(given: Iterable[Kind | str] | None) -> frozenset[Kind]:
    from imgsearch.duplicates.finding import SAME
    from imgsearch.duplicates.groups import Kind

    if given is None:
        return frozenset(SAME)
    names = [given] if isinstance(given, str) else list(given)
    try:
        return frozenset(map(Kind, names))
    except ValueError:
        raise UsageError(f"kind: {names} were received; choose from {', '.join(Kind)}") from None
