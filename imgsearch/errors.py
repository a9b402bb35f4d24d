"""The errors that imgsearch raises on purpose.

    ImgsearchError                 1  anything below
    ├── UsageError                 2  an argument or option that makes no sense
    │   ├── UnknownBackboneError   2  a name that is not in the catalogue
    │   ├── UnknownLayerError      2  a layer that the backbone does not have
    │   └── UnknownRecipeError     2  a recipe that the gallery does not have
    ├── UnreadableImageError       1  a file that cannot be decoded, with its reason
    │   └── NotThereError          1  a content none of whose files is there as it was
    ├── WeightsUnavailableError    1  pretrained weights that are not on this machine
    ├── UntrustedModelError        1  a custom model whose checksum was not given as trusted
    ├── RecipeMismatchError        1  embeddings that are not comparable
    ├── UnknownNetworkError        1  embeddings that were imported, and a picture that was not
    ├── MissingExtraError          1  an optional package that is not installed
    ├── WorkersError               1  other machines that cannot be reached, or do their work
    ├── ServiceError               1  a search service that does not answer or refuses
    ├── DamagedCacheError          1  a cache file that fails its checksum or header
    ├── PlanRefusedError           1  a plan, or a journal, that is not carried out
    ├── GalleryDamagedError        1  a gallery whose database is damaged
    ├── NoGalleryError            10  no gallery where one was expected
    └── GalleryLockedError        11  another process is writing the gallery

The number is the exit code of the command line. A message names what was received, what was
expected, and the remedy.
"""

from __future__ import annotations

from typing import ClassVar


class ImgsearchError(Exception):
    """Base of every error that imgsearch raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(ImgsearchError):
    """An argument or option that makes no sense."""

    exit_code = 2


class UnknownBackboneError(UsageError):
    """A backbone name that is not in the catalogue."""


class UnknownLayerError(UsageError):
    """A layer that the backbone does not have, or whose activations are not feature maps."""


class UnknownRecipeError(UsageError):
    """A recipe that the gallery does not have, or a prefix that several recipes share."""


class UnreadableImageError(ImgsearchError):
    """A file that cannot be decoded.

    Attributes:
        reason: one short sentence without the path, for lists of unreadable files.
    """

    def __init__(self, reason: str, *, name: str | None = None) -> None:
        self.reason = reason
        super().__init__(f"{name}: {reason}" if name else reason)


class NotThereError(UnreadableImageError):
    """A content of the gallery none of whose files is there as it was when it was indexed."""


class WeightsUnavailableError(ImgsearchError):
    """Pretrained weights that are not on this machine and cannot or may not be downloaded."""


class UntrustedModelError(ImgsearchError):
    """A custom model whose checksum is not the one that the caller trusts."""


class RecipeMismatchError(ImgsearchError):
    """Embeddings, or weights to make them, that are not comparable with those of a recipe."""


class UnknownNetworkError(ImgsearchError):
    """Embeddings that were imported, of which nobody said what network made them."""


class MissingExtraError(ImgsearchError):
    """An optional package that is not installed; the message names it."""


class WorkersError(ImgsearchError):
    """Other machines that cannot be reached, or whose workers cannot do what they are to do."""


class ServiceError(ImgsearchError):
    """A search service that does not answer, refuses, or holds what it should not."""


class DamagedCacheError(ImgsearchError):
    """A cache file that fails its checksum, or that has another header than expected."""


class PlanRefusedError(ImgsearchError):
    """A plan or a journal that is not carried out, because something is not as it says."""


class GalleryDamagedError(ImgsearchError):
    """The gallery's database fails an integrity check or is not a gallery's."""


class NoGalleryError(ImgsearchError):
    """There is no gallery where one was expected."""

    exit_code = 10


class GalleryLockedError(ImgsearchError):
    """Another process is writing the gallery."""

    exit_code = 11
