"""The rules by which one file of a group is kept, and what they say in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imgsearch import paths
from imgsearch.duplicates.groups import Kind
from imgsearch.errors import UsageError
from imgsearch.plans.places import Places
from imgsearch.plans.plan import KeepRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imgsearch.search.matches import GalleryFile

# What a format can hold of what the camera saw, the most first. A format that is not here, which
# another program registered, comes last.
FORMATS: Final = (
    ("RAW",),
    ("PSD", "TIFF"),
    ("PNG", "BMP", "PPM", "TGA", "SGI", "PCX"),
    ("HEIF", "AVIF", "JXL", "JPEG2000"),
    ("JPEG",),
    ("WEBP",),
    ("GIF", "ICO"),
)
_RANKS: Final = {name: rank for rank, names in enumerate(FORMATS) for name in names}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be the keeper.

    Attributes:
        file: as the gallery knows it.
        mtime_ns: its modification time in nanoseconds.
        preference: place of the first preferred folder that it lies in; their number if in none.
        protected: whether it stays anyway.
    """

    file: GalleryFile
    mtime_ns: int
    preference: int
    protected: bool = False


def parse_rules(names: Iterable[str], *, preferring: bool) -> tuple[KeepRule, ...]:
    """Return the rules of some names, each of which may be several with commas between.

    Args:
        names: such as "largest" or "largest,oldest".
        preferring: folders are preferred, which comes last where no name says otherwise.

    Raises:
        UsageError: a name is none of a rule, or comes twice.
    """
    rules: list[KeepRule] = []
    for name in (part.strip() for text in names for part in text.split(",")):
        try:
            rule = KeepRule(name)
        except ValueError:
            known = ", ".join(KeepRule)
            raise UsageError(f"keep: {name!r} is no rule; the rules are {known}") from None
        if rule in rules:
            raise UsageError(f"keep: {name} is named twice; its first place is its weight")
        rules.append(rule)
    if preferring and rules and KeepRule.PREFERRED not in rules:
        rules.append(KeepRule.PREFERRED)
    if KeepRule.PREFERRED in rules and not preferring:
        raise UsageError("keep: 'preferred' needs folders; name them with --prefer FOLDER")
    return tuple(rules)


def known_metadata(file: GalleryFile) -> tuple[str, ...]:
    """Return what is known of a picture besides its pixels, in words, in a fixed order."""
    place = None
    if file.latitude is not None and file.longitude is not None:
        place = f"{file.latitude}, {file.longitude}"
    known = (("taken", file.taken), ("camera", file.camera), ("lens", file.lens), ("place", place))
    return tuple(f"{name} {value}" for name, value in known if value)


def only_here(file: GalleryFile, keeper: GalleryFile) -> tuple[str, ...]:
    """Return what is known of a file in words, of which the keeper knows nothing at all."""
    there = {text.partition(" ")[0] for text in known_metadata(keeper)}
    return tuple(text for text in known_metadata(file) if text.partition(" ")[0] not in there)


def parse_kinds(names: Iterable[str]) -> tuple[Kind, ...]:
    """Return the kinds of some names.

    Raises:
        UsageError: a name is none of a kind, or is "similar".
    """
    kinds = []
    for name in names:
        if name == Kind.SIMILAR:
            raise UsageError("kinds: what is only similar is never removed; leave 'similar' out")
        try:
            kinds.append(Kind(name))
        except ValueError:
            known = ", ".join(kind for kind in Kind if kind != Kind.SIMILAR)
            raise UsageError(f"kinds: {name!r} is no kind; the kinds are {known}") from None
    return tuple(dict.fromkeys(kinds))


def folders_there(name: str, folders: Sequence[str | Path]) -> tuple[Path, ...]:
    """Return absolute folders, each of which is there.

    Raises:
        UsageError: one is not; a misspelt one would protect nothing.
    """
    if isinstance(folders, str | Path):
        raise UsageError(f"{name}: {str(folders)!r} is not a list of folders")
    found = tuple(paths.absolute(folder) for folder in folders)
    for folder in found:
        if not folder.is_dir():
            raise UsageError(f"{name}: {folder}: no such folder")
    return found


def key(rules: Sequence[KeepRule], candidate: Candidate) -> tuple[Any, ...]:
    """Return a value that is smaller for the better of two files."""
    return tuple(_VALUES[rule](candidate) for rule in rules)


def rank(
    rules: Sequence[KeepRule], *, prefer: Sequence[Path] = (), protect: Sequence[Path] = ()
) -> Callable[[GalleryFile], tuple[Any, ...]]:
    """Return a sort key by which the file to keep comes first, for `Gallery.duplicates`.

    Groups that were made with it are built around the files that a plan with these rules keeps.

    Args:
        rules: the weightiest first.
        prefer: folders for the rule `PREFERRED`, absolute.
        protect: folders whose files are kept where the rules leave it open, absolute.
    """
    places = Places()

    def key_of(file: GalleryFile) -> tuple[Any, ...]:
        try:
            mtime_ns = 0 if file.offline else file.path.stat().st_mtime_ns
        except OSError:
            mtime_ns = 0
        protected = places.first_above(file.path, protect) is not None
        candidate = Candidate(file, mtime_ns, preference(file.path, prefer), protected)
        return (file.offline, *key(rules, candidate), not protected)

    return key_of


def why(rules: Sequence[KeepRule], kept: Candidate, other: Candidate) -> str:
    """Say in words why one file is kept rather than another."""
    for rule in rules:
        if _VALUES[rule](kept) != _VALUES[rule](other):
            return f"{rule}: {_in_words(rule, kept, other)}"
    return "as good by every rule"


def preference(path: Path, folders: Sequence[Path]) -> int:
    """Return the place of the first folder that a path lies in, their number if in none."""
    places = (at for at, folder in enumerate(folders) if path.is_relative_to(folder))
    return next(places, len(folders))


# Of each rule, a value that is smaller for the better file.
_VALUES: Final[dict[KeepRule, Callable[[Candidate], Any]]] = {
    KeepRule.LARGEST: lambda c: (-c.file.width * c.file.height, -c.file.bytes),
    KeepRule.BEST_FORMAT: lambda c: _RANKS.get(c.file.format, len(FORMATS)),
    KeepRule.PREFERRED: lambda c: c.preference,
    KeepRule.MOST_METADATA: lambda c: -len(known_metadata(c.file)),
    KeepRule.PROTECTED: lambda c: not c.protected,
    KeepRule.OLDEST: lambda c: c.mtime_ns,
    KeepRule.NEWEST: lambda c: -c.mtime_ns,
    KeepRule.SHORTEST_PATH: lambda c: (len(c.file.path.parts), len(paths.encode(c.file.path))),
}


def _in_words(rule: KeepRule, kept: Candidate, other: Candidate) -> str:
    if rule == KeepRule.SHORTEST_PATH:
        return str(kept.file.path)
    if rule == KeepRule.PROTECTED:
        return "it stays anyway"
    one, two = _measured(rule, kept), _measured(rule, other)
    if one == two:  # as many pixels
        one, two = f"{kept.file.bytes:,} bytes", f"{other.file.bytes:,}"
    return f"{one} rather than {two}"


def _measured(rule: KeepRule, candidate: Candidate) -> str:
    file = candidate.file
    if rule == KeepRule.LARGEST:
        return f"{file.width}x{file.height}"
    if rule == KeepRule.BEST_FORMAT:
        return file.format
    if rule == KeepRule.PREFERRED:
        return str(file.path.parent)
    if rule == KeepRule.MOST_METADATA:
        known = [text.partition(" ")[0] for text in known_metadata(file)]
        return " and ".join(known) or "nothing known"
    return _moment(candidate.mtime_ns)


def _moment(mtime_ns: int) -> str:
    seconds = mtime_ns / 1_000_000_000
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S.%f}"
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"
