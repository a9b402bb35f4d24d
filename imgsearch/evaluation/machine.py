"""What an evaluation ran on: package versions and the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from imgsearch import __version__

PACKAGES: Final = ("numpy", "pillow", "tensorflow", "keras", "openvino", "faiss-cpu")
_CPU_FILE: Final = Path("/proc/cpuinfo")


def versions() -> tuple[tuple[str, str], ...]:
    """Return (package, version) of imgsearch, Python and the numerical packages installed."""
    found = [("imgsearch", __version__), ("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def machine() -> str:
    """Return the processor, its cores, the memory and the operating system in one line."""
    parts = [_processor(), f"{os.cpu_count() or 1} cores", _memory()]
    parts.append(f"{platform.system()} {platform.release()}")
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    try:
        for line in _CPU_FILE.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, UnicodeDecodeError):
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        count = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no such names
        return ""
    return f"{count / 2**30:.0f} GiB memory"
