"""Object storage and web servers, through fsspec. Owner of fsspec."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Any, Final

from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.paths import ScannedFile
from imgsearch.sources.faults import fault_of
from imgsearch.sources.protocol import Entry, SourceError, state_number
from imgsearch.sources.retrying import patiently

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What servers call the state and the time of an object, in the words of fsspec's file systems.
_STATES: Final = ("ETag", "etag", "md5Hash", "content_md5", "checksum", "crc32c")
_TIMES: Final = (
    "LastModified",
    "Last-Modified",
    "last_modified",
    "mtime",
    "updated",
    "modified",
    "created",
)
# One way of trying again is enough: ours, which knows how often and says so.
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "s3": {
        "config_kwargs": {"retries": {"mode": "standard", "max_attempts": 1}},
        "max_concurrency": 1,  # with more, it asks for an object's size before it reads it
    },
}
_OPTIONS["s3a"] = _OPTIONS["s3"]


class FsspecFiles:
    """The files beneath an address of a server."""

    def __init__(self, address: str) -> None:
        """Prepare to ask; nothing is asked yet.

        Raises:
            UsageError: fsspec knows no such addresses.
            MissingExtraError: a package that it needs is not installed.
        """
        protocol = address.partition("://")[0]
        try:
            import fsspec
            from fsspec.registry import known_implementations
        except ImportError as error:
            raise MissingExtraError(
                f"addresses such as {protocol}://… need packages that are not installed: "
                "pip install fsspec s3fs (gcsfs for gs://, aiohttp for https://)"
            ) from error
        try:
            self._files = fsspec.filesystem(
                protocol, use_listings_cache=False, **_OPTIONS.get(protocol, {})
            )
        except ImportError as error:
            needed = known_implementations[protocol]["class"].split(".")[0]
            package = "aiohttp" if needed == "fsspec" else needed
            raise MissingExtraError(
                f"addresses such as {protocol}://… need a package that is not installed: "
                f"pip install {package}"
            ) from error
        except ValueError as error:
            raise UsageError(f"{protocol}://: fsspec knows no such addresses") from error
        if hasattr(self._files, "retries"):
            self._files.retries = 1
        # A web server's whole address is a file's name; elsewhere it is what follows.
        web = protocol in {"http", "https"}
        self._base = (address if web else self._files._strip_protocol(address)).rstrip("/")  # noqa: SLF001 - the only way from an address to a name

    def list(self, folder: bytes) -> Iterator[Entry]:
        """Yield what a folder holds, by name."""
        place = self._name(folder)
        found = patiently(lambda: self._files.ls(place, detail=True), fault_of)
        entries: dict[bytes, Entry] = {}
        for known in found:
            whole = str(known["name"]).rstrip("/")
            if not whole.startswith(f"{place}/"):
                continue  # the folder itself, which some tools make an empty object of
            name = whole[len(place) + 1 :].encode("utf-8", "surrogateescape")
            path = folder + b"/" + name if folder else name
            is_folder = known.get("type") == "directory"
            if not is_folder and known.get("size") is None:
                known = self._info(known["name"])  # noqa: PLW2901 - the same, with its size
            entries[name] = Entry(name, None if is_folder else scanned(path, known))
        yield from (entries[name] for name in sorted(entries))

    def stat(self, path: bytes) -> ScannedFile | None:
        """Return what tells whether a file has changed; None if there is none."""
        try:
            known = self._info(self._name(path))
        except SourceError as error:
            if error.gone:
                return None
            raise
        return None if known.get("type") == "directory" else scanned(path, known)

    def read(self, path: bytes, *, start: int = 0, size: int | None = None) -> bytes:
        """Return the bytes of a file, in one request."""
        part = {} if size is None else {"start": start, "end": start + size}
        place = self._name(path)
        return patiently(lambda: bytes(self._files.cat_file(place, **part)), fault_of)

    def open(self, path: bytes) -> IO[bytes]:
        """Return a file to be read here and there, in blocks."""
        file: IO[bytes] = patiently(lambda: self._files.open(self._name(path), "rb"), fault_of)
        return file

    def _info(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = patiently(lambda: self._files.info(name), fault_of)
        return found

    def _name(self, path: bytes) -> str:
        text = path.decode("utf-8", "surrogateescape")
        return f"{self._base}/{text}" if text else self._base


def scanned(path: bytes, known: Mapping[str, Any]) -> ScannedFile:
    """Return what tells whether a file has changed, from what a server says of it."""
    state = next((known[name] for name in _STATES if known.get(name)), None)
    return ScannedFile(
        path,
        int(known.get("size") or 0),
        next((_nanoseconds(known[name]) for name in _TIMES if known.get(name)), 0),
        inode=None if state is None else state_number(state),
    )


def _nanoseconds(time: object) -> int:
    """Return a time in nanoseconds since 1970, as a whole second; 0 where it is none."""
    if isinstance(time, str):
        try:
            time = parsedate_to_datetime(time) if "," in time else datetime.fromisoformat(time)
        except ValueError:
            return 0
    if isinstance(time, datetime):
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        return int(aware.timestamp()) * 1_000_000_000
    return int(time * 1e9) if isinstance(time, int | float) else 0
