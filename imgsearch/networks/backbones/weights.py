"""Pretrained weights: where they are, their fingerprints, and how they are downloaded.

Keras caches downloaded weights in `KERAS_HOME/models` (else `~/.keras/models`), under the names
that the catalogue lists; all programs that use Keras share this cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import queue
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from imgsearch.errors import WeightsUnavailableError
from imgsearch.networks.backbones.compact import bundled

if TYPE_CHECKING:
    from imgsearch.networks.backbones.catalogue import Backbone

LOG: Final = logging.getLogger(__name__)
CONNECT_SECONDS: Final = 5.0
CHUNK_BYTES: Final = 1 << 20
MD5_DIGITS: Final = 32
HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"


def cache_folder() -> Path:
    """Return the folder in which Keras caches downloaded weights; it need not exist."""
    home = os.environ.get("KERAS_HOME")
    if home:
        return Path(home).expanduser() / "models"
    user = Path(os.path.expanduser("~"))  # noqa: PTH111 - pathlib's raises where there is no home
    # As Keras does for a user without a home folder (keras/src/backend/config.py).
    base = user if os.access(user, os.W_OK) else Path(tempfile.gettempdir())
    return base / ".keras" / "models"


def cached_path(backbone: Backbone) -> Path:
    """Return where this backbone's weights are, once they are on this machine."""
    if backbone.is_compact:
        return bundled.weights_path()
    return cache_folder() / backbone.weights_file


def is_available(backbone: Backbone) -> bool:
    """Return whether this backbone's weights are on this machine."""
    return cached_path(backbone).is_file()


def fingerprint(path: Path) -> str:
    """Return "sha256:" and the 64 hexadecimal digits of the file's SHA-256.

    Raises:
        WeightsUnavailableError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise WeightsUnavailableError(
            f"{path}: the weights cannot be read ({error.strerror or error}); "
            "give the path of a weights file that exists and is readable"
        ) from error


def unavailable(backbone: Backbone, reason: str) -> WeightsUnavailableError:
    """Return the error that says which file is missing and how to get it.

    Args:
        backbone: whose weights are missing.
        reason: why they are not downloaded, such as "downloads are forbidden (offline)".
    """
    path = cached_path(backbone)
    return WeightsUnavailableError(
        f"backbone {backbone.name}: its weights are not on this machine and {reason}. The file "
        f"{backbone.weights_file} (about {_megabytes(backbone.download_bytes)}) belongs in "
        f"{path.parent}; download it from {backbone.weights_url}, or give a copy with --weights "
        "FILE. "
        "The backbone compact needs no download."
    )


def ensure(
    backbone: Backbone,
    *,
    offline: bool,
    timeout: float = CONNECT_SECONDS,
) -> Path:
    """Return the path of this backbone's weights, downloading them if necessary.

    Args:
        backbone: of the catalogue.
        offline: never download.
        timeout: as for `download`.

    Raises:
        WeightsUnavailableError: they are not on this machine and cannot or may not be downloaded.
    """
    path = cached_path(backbone)
    if path.is_file():
        return path
    if backbone.is_compact:
        raise WeightsUnavailableError(
            f"{path}: the bundled weights are missing; install imgsearch again"
        )
    if offline:
        raise unavailable(backbone, "downloads are forbidden (offline)")
    return download(backbone, timeout=timeout)


def download(backbone: Backbone, *, timeout: float = CONNECT_SECONDS) -> Path:
    """Download this backbone's weights into Keras's cache and return their path.

    Keras's own `get_file` is not used: it writes directly to the final name, so that a killed
    process leaves a partial file which the next one loads (MobileNet V1 and V2 have no checksum);
    it deletes an existing file when a download fails; and it waits forever for a server that does
    not answer. Here a temporary file is renamed once it is complete.

    Args:
        backbone: of the catalogue, not bundled.
        timeout: seconds that the server may take to answer, and between two chunks.

    Raises:
        WeightsUnavailableError: no answer, a broken or wrong file, or a folder that cannot be
            written; the cache is unchanged.
    """
    target = cached_path(backbone)
    LOG.info(
        "downloading %s (about %s) to %s",
        backbone.weights_file,
        _megabytes(backbone.download_bytes),
        target.parent,
    )
    # Only downloads need it, and its import would slow down every query.
    import http.client

    temporary: Path | None = None
    try:
        response = _open(backbone.weights_url, timeout)
        with contextlib.closing(response):
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            temporary = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                _receive(response, file, backbone.checksum)
                os.fsync(file.fileno())
        # mkstemp's file is readable by its owner only, but Keras's cache may be shared.
        temporary.chmod(0o644)
        temporary.replace(target)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise unavailable(backbone, f"the download failed ({error})") from error
    except BaseException:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise
    return target


def _open(url: str, timeout: float) -> Any:  # noqa: ANN401  urllib's response has no public type
    """Open a URL, and give up after `timeout` seconds.

    A socket's timeout does not cover the DNS lookup, which may take half a minute on a machine
    without a network; so the attempt runs in a thread, which is abandoned.
    """
    import urllib.error
    import urllib.request

    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    given_up = threading.Event()

    def attempt() -> None:
        try:
            response = urllib.request.urlopen(url, timeout=timeout)  # noqa: S310  the catalogue's own URLs
        except urllib.error.HTTPError as error:
            error.close()
            answers.put(OSError(f"{url} answers {error.code} {error.reason}"))
        except urllib.error.URLError as error:
            answers.put(OSError(f"{url}: {error.reason}"))
        except Exception as error:  # noqa: BLE001  handed to the caller's thread, which raises it
            answers.put(error)
        else:
            answers.put(response)
            if given_up.is_set():
                response.close()

    threading.Thread(target=attempt, daemon=True, name="imgsearch-download").start()
    try:
        # The socket's own timeout comes first if it applies.
        answer = answers.get(timeout=timeout + 0.5)
    except queue.Empty:
        given_up.set()
        raise TimeoutError(f"no answer within {timeout:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _receive(response: Any, file: IO[bytes], checksum: str) -> None:  # noqa: ANN401  as above
    """Copy the response into the file, and check that it is complete and has Keras's checksum.

    Raises:
        ValueError: too few bytes, another checksum, or not an HDF5 file.
    """
    # Keras publishes MD5 for most files: it detects damage, and HTTPS authenticates the server.
    digest = hashlib.md5(usedforsecurity=False) if len(checksum) == MD5_DIGITS else hashlib.sha256()
    announced = response.headers.get("Content-Length")
    received = 0
    first = b""
    while chunk := response.read(CHUNK_BYTES):
        first = first or chunk[: len(HDF5_MAGIC)]
        file.write(chunk)
        digest.update(chunk)
        received += len(chunk)
    file.flush()
    if announced is not None and received != int(announced):
        raise ValueError(f"{received} of {announced} bytes arrived")
    if first != HDF5_MAGIC:
        raise ValueError(
            "the response is not an HDF5 file; a proxy or a login page may have answered"
        )
    if checksum and digest.hexdigest() != checksum:
        raise ValueError(f"the checksum is {digest.hexdigest()}, expected {checksum}")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
