"""Somebody who uses the pages, and notes what a person with open tools would see."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request

_TRANSFER: Final = """([data, name]) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    return transfer;
}"""
_SETTLED: Final = (
    """() => [...document.querySelectorAll(".tile img")].every((image) => image.complete)"""
)


class Visitor:
    """Drives one tab.

    Attributes:
        page: the tab.
        said: warnings and errors of its console, and errors of its scripts.
        dialogs: messages of `alert` and the like.
        requested: every address that it asked for.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        """Let the profile in, as the printed address does, and open an empty tab."""
        self.context = context
        self.said: list[str] = []
        self.dialogs: list[str] = []
        self.requested: list[str] = []
        parts = urlsplit(address)
        self.base = f"{parts.scheme}://{parts.netloc}"
        context.request.get(address)
        self.page = self.tab()

    def tab(self) -> Page:
        """Open another tab, which is watched too."""
        page = self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", self._dismiss)
        page.on("request", self._ask)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.type}: {message.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _ask(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.requested.append(request.url)

    def go(self, path: str) -> None:
        """Open a path of the page, and wait until its view listens."""
        self.page.goto(self.base + path)
        self.page.locator("main > *").first.wait_for(state="attached")

    @property
    def where(self) -> str:
        """The path and the query that are open."""
        parts = urlsplit(self.page.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def tiles(self) -> Locator:
        """Return the pictures in view whose entries have come."""
        return self.page.locator(".tile[data-content]")

    def names(self, count: int = 5, *, within: str = "main") -> list[str]:
        """Return the names of the first pictures of a grid, once there are some."""
        tiles = f"{within} .tile[data-content] > a"
        self.page.locator(tiles).first.wait_for()
        labels: list[str] = self.page.locator(tiles).evaluate_all(
            "links => links.map((link) => link.getAttribute('aria-label'))"
        )
        return [label.split(",")[0] for label in labels[:count]]

    def likes(self, count: int = 5) -> list[str]:
        """Return the names of the first matches, once the answer is there."""
        return self.names(count, within=".results:not(.waiting)")

    def settle(self) -> None:
        """Wait until every thumbnail in view has come."""
        self.page.wait_for_function(_SETTLED)

    def drop(self, path: Path, *, onto: str = "main") -> None:
        """Drop a file onto the page."""
        data = base64.b64encode(path.read_bytes()).decode()
        transfer = self.page.evaluate_handle(_TRANSFER, [data, path.name])
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event(onto, event, {"dataTransfer": transfer})

    def ask(self, path: Path) -> None:
        """Open the start, and drop a file there."""
        self.go("/")
        self.page.get_by_role("button", name="Choose a picture").wait_for()
        self.drop(path)

    def paste(self, path: Path) -> None:
        """Paste a picture, as from another program."""
        data = base64.b64encode(path.read_bytes()).decode()
        self.page.evaluate(
            f"""given => window.dispatchEvent(new ClipboardEvent("paste", {{
                clipboardData: ({_TRANSFER})(given), bubbles: true, cancelable: true }}))""",
            [data, path.name],
        )

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def drag(self, place: Locator, start: Sequence[float], end: Sequence[float]) -> None:
        """Drag the mouse over an element, from one place to another in shares of its sides."""
        box = place.bounding_box()
        assert box is not None
        x, y, width, height = box["x"], box["y"], box["width"], box["height"]
        self.page.mouse.move(x + width * start[0], y + height * start[1])
        self.page.mouse.down()
        self.page.mouse.move(x + width * end[0], y + height * end[1], steps=5)
        self.page.mouse.up()

    def focused(self) -> str:
        """Return what a screen reader calls the focused element."""
        label: str = self.page.evaluate(
            "(({ activeElement: it }) => it.getAttribute('aria-label') ?? it.textContent)(document)"
        )
        return label
