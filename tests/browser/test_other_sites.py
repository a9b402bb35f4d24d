"""What pages of other sites, and of other ports, get from the server in a real browser: nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

    from imgsearch.web.server import PageServer

# Resolves to what a page of another site reads, or to how it failed.
READ = """async ([address, options]) => {
    try {
        const answer = await fetch(address, options);
        return { type: answer.type, status: answer.status, text: await answer.text() };
    } catch (error) {
        return { failed: String(error) };
    }
}"""
# Resolves to whether an element that loads something of the server's has loaded it.
LOAD = """([kind, address]) => new Promise((resolve) => {
    const element = document.createElement(kind);
    element.onload = () => resolve(true);
    element.onerror = () => resolve(false);
    setTimeout(() => resolve("late"), 5000);
    if (kind === "link") { element.rel = "stylesheet"; element.href = address; }
    else element.src = address;
    document.body.append(element);
})"""
# Sends a form to a frame, and resolves once that has answered.
SEND = """([address, type, text]) => new Promise((resolve) => {
    const name = `away-${document.forms.length}`;
    const frame = Object.assign(document.createElement("iframe"), { name });
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: address, enctype: type, target: name });
    form.append(Object.assign(document.createElement("input"), { name: text, value: "" }));
    document.body.append(form);
    frame.onload = () => resolve(true);
    setTimeout(() => resolve(false), 5000);
    form.submit();
})"""


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Give an empty page, whatever is asked for."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,><body></body>")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def strangers_port() -> Iterator[int]:
    """Serve pages that are not ours, on another port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["another port", "another site"])
def stranger(
    request: pytest.FixtureRequest,
    context: BrowserContext,
    served: PageServer,
    strangers_port: int,
) -> Page:
    """Return a page of another origin, in a browser that may use the server."""
    context.request.get(served.address)
    page = context.new_page()
    page.goto(f"http://{request.param}:{strangers_port}/")
    return page


def ours(served: PageServer) -> str:
    """Return the server's address."""
    return f"http://127.0.0.1:{served.port}"


def content_of(context: BrowserContext, served: PageServer) -> str:
    """Return a content that the gallery holds, as its own page may ask."""
    found = context.request.get(f"{ours(served)}/api/v1/contents?limit=1")
    content: str = found.json()["contents"][0]["content"]
    return content


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_it_reads_nothing(stranger: Page, served: PageServer, mode: str) -> None:
    for path in ("/", "/api/v1/info", "/api/v1/contents", "/static/icon.svg"):
        options = {"credentials": "include", "mode": mode}
        found = stranger.evaluate(READ, [f"{ours(served)}{path}", options])
        assert "failed" in found or (found["type"], found["text"]) == ("opaque", ""), found


def test_it_shows_no_picture_and_runs_no_script_of_the_server(
    stranger: Page, context: BrowserContext, served: PageServer
) -> None:
    content = content_of(context, served)
    for kind, path in (
        ("img", f"/api/v1/contents/{content}/thumbnail"),
        ("img", f"/api/v1/contents/{content}/original"),
        ("script", "/static/app/main.js"),
        ("script", "/api/v1/info"),
        ("link", "/static/css/tokens.css"),
    ):
        assert stranger.evaluate(LOAD, [kind, f"{ours(served)}{path}"]) is False, path


def test_its_forms_and_fetches_change_nothing(
    stranger: Page, context: BrowserContext, served: PageServer
) -> None:
    content = content_of(context, served)
    body = json.dumps({"contents": [content]})
    address = f"{ours(served)}/api/v1/sets/stolen"
    sent: list[int] = []
    stranger.on("response", lambda answer: sent.append(answer.status))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        for path in ("/api/v1/exports", "/api/v1/uploads", "/api/v1/duplicates", "/login"):
            stranger.evaluate(SEND, [f"{ours(served)}{path}", kind, body])
    for method in ("POST", "PUT", "DELETE"):
        for headers in ({}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}):
            options = {"method": method, "credentials": "include", "body": body, "headers": headers}
            found = stranger.evaluate(READ, [address, options])
            assert "failed" in found, found
    assert sent
    assert all(status >= 400 for status in sent)
    kept = context.request.get(f"{ours(served)}/api/v1/sets").json()["sets"]
    assert "stolen" not in {one["name"] for one in kept}


def test_it_cannot_frame_the_page_nor_look_into_its_window(
    stranger: Page, context: BrowserContext, served: PageServer
) -> None:
    seen = stranger.evaluate(
        """(address) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.src = address;
            frame.onload = () => {
                try { resolve(frame.contentDocument ? "read" : "closed"); }
                catch { resolve("closed"); }
            };
            setTimeout(() => resolve("late"), 5000);
            document.body.append(frame);
        })""",
        f"{ours(served)}/",
    )
    assert seen == "closed"
    with context.expect_page() as opened:
        stranger.evaluate("(address) => { window.other = window.open(address); }", ours(served))
    opened.value.wait_for_load_state()
    looked = stranger.evaluate(
        "() => { try { return window.other.document.title; } catch { return 'closed'; } }"
    )
    assert looked in {"closed", None}
    assert stranger.evaluate("() => window.other.closed || window.other.length === 0")


def test_another_name_for_this_machine_opens_nothing(
    context: BrowserContext, served: PageServer
) -> None:
    """As after rebinding: the address is right and the name is another one."""
    context.request.get(served.address)
    page = context.new_page()
    answer = page.goto(f"http://evil.localhost:{served.port}/")
    assert answer is not None
    assert answer.status == 400
