"""Shows a file in the system's file manager, where there is one to be asked."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.web.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Revealing:
    """Asks the file manager.

    Attributes:
        platform: as `sys.platform`.
        find: returns a program's path by its name, or None.
    """

    platform: str
    find: Callable[[str], str | None]

    @property
    def can(self) -> bool:
        """Whether there is a file manager."""
        return bool(self.commands(Path("/")))

    def commands(self, path: Path) -> list[list[str]]:
        """Return commands that show a file, the best first.

        Args:
            path: absolute, so that no program takes it for an option.
        """
        if self.platform == "darwin":
            return [["open", "-R", str(path)]]
        if self.platform == "win32":
            return [["explorer", f"/select,{path}"]]
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return []
        found = []
        if self.find("dbus-send"):
            # A comma would end the address in dbus-send's arrays.
            address = path.as_uri().replace(",", "%2C")
            found.append(
                [
                    *("dbus-send", "--session", "--print-reply"),
                    "--dest=org.freedesktop.FileManager1",
                    "/org/freedesktop/FileManager1",
                    "org.freedesktop.FileManager1.ShowItems",
                    f"array:string:{address}",
                    "string:",
                ]
            )
        if self.find("xdg-open"):
            found.append(["xdg-open", str(path.parent)])
        return found

    def show(self, path: Path) -> None:
        """Show a file.

        Raises:
            RefusalError: no file manager does.
        """
        for command in self.commands(path):
            try:
                done = subprocess.run(  # noqa: S603 - a list, no shell; the path is the gallery's
                    command,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=SECONDS,
                    check=False,
                )
            except (OSError, ValueError, subprocess.TimeoutExpired):
                continue
            # Windows' explorer returns 1 whatever it has done.
            if done.returncode == 0 or self.platform == "win32":
                return
        raise RefusalError(501, "failed", "no file manager could be asked to show the file")
