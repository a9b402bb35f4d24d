"""Object storage that speaks S3, whose lists come page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsearch.sources.faults import NOTHING_THERE, fault_of
from imgsearch.sources.fsspec_files import FsspecFiles, scanned
from imgsearch.sources.protocol import Entry, SourceError
from imgsearch.sources.retrying import patiently

if TYPE_CHECKING:
    from collections.abc import Iterator


class S3Files(FsspecFiles):
    """The files beneath a bucket, or beneath a folder of one.

    fsspec gives a list when all of it is there, and begins it anew when one of its pages fails: of
    a million objects and servers that fail now and then, it never comes.
    """

    def list(self, folder: bytes) -> Iterator[Entry]:
        """Yield what a folder holds, by name."""
        bucket, _, prefix = self._name(folder).partition("/")
        prefix = f"{prefix}/" if prefix else ""
        further: dict[str, str] = {}
        while True:
            page = self._page(Bucket=bucket, Prefix=prefix, Delimiter="/", **further)
            objects, folders = page.get("Contents", ()), page.get("CommonPrefixes", ())
            if not objects and not folders and not further:
                raise SourceError(NOTHING_THERE, gone=True)
            yield from _entries(folder, prefix, objects, folders)
            if not page.get("IsTruncated"):
                return
            further = {"ContinuationToken": page["NextContinuationToken"]}

    def _page(self, **asked: str) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            page: dict[str, Any] = self._files.call_s3("list_objects_v2", **asked)
            return page

        return patiently(ask, fault_of)


def _entries(folder: bytes, prefix: str, objects: Any, folders: Any) -> list[Entry]:  # noqa: ANN401 - lists of botocore's dictionaries
    """Return what a page holds, in the order of pages, where a folder's name ends in a slash."""
    names = [(known["Key"], known) for known in objects]
    names += [(known["Prefix"], None) for known in folders]
    found = []
    for key, known in sorted(names, key=lambda pair: pair[0].encode("utf-8", "surrogateescape")):
        name = key.removeprefix(prefix).rstrip("/").encode("utf-8", "surrogateescape")
        if not name:
            continue  # the folder itself, which some tools make an empty object of
        path = folder + b"/" + name if folder else name
        file = None if known is None else scanned(path, {**known, "size": known["Size"]})
        found.append(Entry(name, file))
    return found
