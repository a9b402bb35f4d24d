"""The machine and the run, for the reports of benchmarks."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("imgsearch", "numpy", "pillow", "openvino", "tensorflow", "faiss-cpu", "torch")


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> list[str]:
    """Return lines of a list: date, commit, machine, load, Python and packages."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return [
        f"- {time.strftime('%Y-%m-%d')}, commit {commit()}",
        f"- {_processor()}, {cores()} cores, {platform.system()}; load at the end {load:.1f}",
        f"- Python {platform.python_version()}, "
        + ", ".join(f"{name} {version_of(name)}" for name in PACKAGES),
    ]


def commit() -> str:
    """Return the measured commit, marked if files were changed, or "unknown"."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    folder = Path(__file__).parent
    asked = [git, "-C", str(folder), "describe", "--always", "--dirty"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def version_of(package: str) -> str:
    """Return the version of an installed package, or "absent"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
