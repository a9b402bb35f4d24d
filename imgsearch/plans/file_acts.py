"""Everything that changes files on disk, one act each. Nothing that exists is ever overwritten.

Benchmarks and tests put a kill before and after each of these functions; so nothing else in this
room may change a file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from imgsearch import files

if TYPE_CHECKING:
    from pathlib import Path

_AT_FDCWD: Final = -100  # linux/fcntl.h: relative to the current folder
_RENAME_NOREPLACE: Final = 1  # linux/fs.h
_FICLONE: Final = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_UNSUPPORTED: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
# What file systems without hard links answer: FAT, exFAT, many that are reached over a network.
_NO_LINKS: Final = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def create(path: Path, data: bytes) -> None:
    """Write a new file, and its bytes to the disk.

    Raises:
        FileExistsError: something is there.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write(descriptor, data)
        os.fsync(descriptor)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        os.close(descriptor)


def append(descriptor: int, data: bytes) -> None:
    """Write bytes to the end of an open file, and to the disk."""
    _write(descriptor, data)
    os.fsync(descriptor)


def write(descriptor: int, data: bytes) -> None:
    """Write bytes to a new file that is being filled."""
    _write(descriptor, data)


def shorten(descriptor: int, length: int) -> None:
    """Cut an open file of this room's own, where its last record was not written whole."""
    os.ftruncate(descriptor, length)
    os.fsync(descriptor)


def open_new(path: Path) -> int:
    """Return a descriptor of a new file, to be filled.

    Raises:
        FileExistsError: something is there.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, where they are not there, and their names durable."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent, mode)
    path.mkdir(mode, exist_ok=True)
    files.sync_folder(path.parent)


def rename(source: Path, target: Path) -> None:
    """Give a file another name on the same file system, unless something has that name.

    Raises:
        FileExistsError: something is there.
        OSError: as of `os.rename`, such as EXDEV for another file system.
    """
    if os.name == "nt":
        os.rename(source, target)  # noqa: PTH104 - refuses to replace, on this system
        return
    if _renamed_by_linux(source, target):
        return
    try:
        hard_link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_without_links(source, target)
    else:
        remove(source)


def hard_link(source: Path, target: Path) -> None:
    """Give a file one more name.

    Raises:
        FileExistsError: something is there.
    """
    if os.link in os.supports_follow_symlinks:
        os.link(source, target, follow_symlinks=False)
    else:
        target.hardlink_to(source)


def symbolic_link(source: Path, target: Path) -> None:
    """Make a symbolic link to a file.

    Raises:
        FileExistsError: something is there.
    """
    target.symlink_to(source)


def reflink(source: Path, target: Path) -> None:
    """Make a new file that shares the blocks of another one until either is changed.

    Raises:
        FileExistsError: something is there.
        OSError: the file system can't, or lies elsewhere.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "only Linux makes reflinks", str(target))
    import fcntl

    with source.open("rb") as original:
        descriptor = open_new(target)
        try:
            fcntl.ioctl(descriptor, _FICLONE, original.fileno())
            os.fsync(descriptor)
        except OSError as error:
            code = error.errno or errno.EIO
            raise OSError(code, os.strerror(code), str(target)) from error
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Take a name of a file away; its bytes are known to be elsewhere, or are not a person's."""
    path.unlink()


def sync_folder(folder: Path) -> None:
    """Make what happened to names in a folder durable."""
    files.sync_folder(folder)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _rename_without_links(source: Path, target: Path) -> None:
    """Rename where no call refuses to replace: a name that is free now is taken at once.

    Only a program that chose the same name in the microseconds between could lose a file by it;
    these names are free ones, most of them random.
    """
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.rename(source, target)  # noqa: PTH104 - as above


@cache
def _renameat2() -> Any:  # noqa: ANN401 - a foreign function
    if sys.platform != "linux":
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        number, text = ctypes.c_int, ctypes.c_char_p
        function.argtypes = (number, text, number, text, ctypes.c_uint)
    return function


def _renamed_by_linux(source: Path, target: Path) -> bool:
    """Rename by one system call that refuses to replace; return False where there is none."""
    function = _renameat2()
    if function is None:
        return False
    names = os.fsencode(source), os.fsencode(target)
    if not function(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE):
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))
