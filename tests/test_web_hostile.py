"""Whatever is sent to the page's server, nothing gets through, and it goes on serving."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import FakeSource, collected_log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from web_fakes import MARKUP, Served, make_gallery, picture_bytes, serving

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.gallery.taking import Original
from imgsearch.web import exports, originals, uploads
from imgsearch.web.access import Access
from imgsearch.web.endpoints.table import ENDPOINTS
from imgsearch.web.neighbours import owner_of
from imgsearch.web.protocol import TimedProtocol
from imgsearch.web.refusals import RefusalError
from imgsearch.web.server import PageServer, ServerOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_SUCH = "0" * 64
PASSWORD = "geheim ü"  # noqa: S105 - of a test's own server
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    source = FakeSource()
    gallery = make_gallery(folder, source)
    with (
        pytest.MonkeyPatch.context() as patch,
        collected_log() as said,
    ):
        patch.setattr(TimedProtocol, "header_seconds", 0.5)
        patch.setattr(TimedProtocol, "stalled_seconds", 0.5)
        with serving(folder, gallery, source, said) as running:
            yield running


@pytest.fixture(autouse=True)
def still_well(served: Served, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """After every test: no bug was met, nothing was printed, and requests are answered."""
    yield
    assert served.is_well(), served.said
    assert "Traceback" not in capfd.readouterr().err


def filled(path: str) -> str:
    """Return an endpoint's address with something in its braces."""
    values = {"content": NO_SUCH, "upload": "none", "export": "none", "name": "none"}
    return path.format(**values)


# Other names for this machine


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost.",
        "localhost.:{port}",
        "127.1:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "2130706433:{port}",
        "127.0.0.1:{port}@evil.example",
        "evil.example#127.0.0.1:{port}",
        "",
    ],
)
def test_a_foreign_host_gets_nothing(served: Served, host: str) -> None:
    for path in ("/", "/api/v1/info", f"/?token={served.token}"):
        reply = served.ask("GET", path, headers={"Host": host.format(port=served.port)})
        assert (reply.status, reply.code) == (400, "usage")
        assert "set-cookie" not in reply.headers


def test_two_hosts_or_none_get_nothing(served: Served) -> None:
    right = f"Host: 127.0.0.1:{served.port}\r\n"
    for head in (right + right, right + "Host: evil.example\r\n", ""):
        assert raw(served, f"GET / HTTP/1.1\r\n{head}\r\n".encode()).startswith(b"HTTP/1.1 400")


def test_localhost_is_this_machine_in_any_case(served: Served) -> None:
    for host in ("localhost", "LOCALHOST"):
        reply = served.get("/info", headers={"Host": f"{host}:{served.port}"})
        assert reply.status == 200


# Without the secret


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
def test_nobody_without_the_secret_learns_or_changes_anything(
    served: Served, endpoint: Any
) -> None:
    headers = {
        "Content-Type": "application/json",
        "Origin": f"http://127.0.0.1:{served.port}",
        "Cookie": f"imgsearch-{served.port}=guess; imgsearch-1=guess",
    }
    for secret in (
        {},
        {"Authorization": "Bearer guess"},
        {"Authorization": f"Basic {served.token}"},
    ):
        reply = served.ask(
            endpoint.method,
            filled(endpoint.path),
            b"{}" if endpoint.method != "GET" else None,
            headers={**headers, **secret},
            token=False,
        )
        assert (reply.status, reply.code) == (401, "no-access")


@pytest.mark.parametrize(
    "path", ["/", "/browse", "/static/app/main.js", "/?token=guess", "/?token="]
)
def test_pages_and_their_files_are_closed_too(served: Served, path: str) -> None:
    reply = served.ask("GET", path, token=False)
    assert reply.status == 401
    assert "set-cookie" not in reply.headers


def test_without_the_secret_there_is_a_page_that_says_so_and_how_it_looks(served: Served) -> None:
    reply = served.ask("GET", "/browse", token=False)
    assert b"Open the address that was printed" in reply.body
    assert b"<script" not in reply.body
    for path in ("/static/icon.svg", "/static/css/base.css"):
        assert served.ask("GET", path, token=False).status == 200
    for path in ("/static/css/../app/main.js", "/static/css/%2e%2e/app/main.js"):
        assert served.ask("GET", path, token=False).status == 401


def test_a_versioned_file_is_kept_for_ever_and_is_open_where_it_is_only_looks(
    served: Served,
) -> None:
    page = served.ask("GET", "/").body.decode("utf-8")
    (sheet,) = re.findall(r'href="([^"]+\.css)"', page)
    kept = served.ask("GET", sheet, token=False)
    assert (kept.status, kept.headers["cache-control"]) == (
        200,
        "private, max-age=31536000, immutable",
    )
    (script,) = re.findall(r'src="([^"]+)"', page)
    assert served.ask("GET", script, token=False).status == 401
    assert served.ask("GET", script).headers["cache-control"].endswith("immutable")
    old = re.sub(r"/v-\w+/", "/v-0123456789ab/", script)
    assert served.ask("GET", old).status == 404


def test_the_first_address_gives_a_cookie_that_opens_the_rest(served: Served) -> None:
    reply = served.ask("GET", f"/?token={served.token}", token=False)
    assert (reply.status, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith(f"imgsearch-{served.port}=")
    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert served.token not in cookie
    headers = {"Cookie": cookie.partition(";")[0]}
    assert served.ask("GET", "/api/v1/info", headers=headers, token=False).status == 200


def test_the_first_address_opens_from_a_link_on_another_site(served: Served) -> None:
    """A strict cookie does not go along on a redirection that began on another site."""
    reply = served.ask(
        "GET", f"/?token={served.token}", headers={"Sec-Fetch-Site": "cross-site"}, token=False
    )
    assert reply.status == 200
    assert b"url=/" in reply.body
    assert "set-cookie" in reply.headers


# Other sites' pages


def cookie_of(served: Served) -> str:
    """Return the cookie that a browser sends."""
    reply = served.ask("GET", f"/?token={served.token}", token=False)
    return reply.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_another_site_s_page_can_neither_read_nor_change(
    served: Served, headers: dict[str, str]
) -> None:
    sent = {name: value.format(port=served.port) for name, value in headers.items()}
    sent["Cookie"] = cookie_of(served)
    for method, path in (("GET", "/api/v1/info"), ("POST", "/api/v1/queries"), ("GET", "/")):
        reply = served.ask(method, path, headers=sent, token=False)
        assert (reply.status, reply.code) == (403, "refused")
        assert "access-control-allow-origin" not in reply.headers


def test_what_changes_something_says_which_page_asks(served: Served) -> None:
    body = json.dumps({"contents": []}).encode()
    sent = {"Cookie": cookie_of(served), "Content-Type": "application/json"}
    for headers in (sent, {**sent, "Sec-Fetch-Site": "none"}):
        reply = served.ask("PUT", "/api/v1/sets/a", body, headers=headers, token=False)
        assert (reply.status, reply.code) == (403, "refused")
    for proof in ({"Origin": f"http://127.0.0.1:{served.port}"}, {"Sec-Fetch-Site": "same-origin"}):
        reply = served.ask("PUT", "/api/v1/sets/a", body, headers={**sent, **proof}, token=False)
        assert reply.status == 204
    served.ask("DELETE", "/api/v1/sets/a")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_a_form_is_not_json(served: Served, kind: str) -> None:
    """Forms go to other sites without being asked for; JSON does not."""
    content = {"pictures": [{"content": served.contents()[0]["content"]}]}
    reply = served.send("POST", "/queries", content, headers={"Content-Type": kind})
    assert reply.status == 415


def test_a_preflight_is_not_answered(served: Served) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    reply = served.ask("OPTIONS", "/api/v1/sets/a", headers=headers)
    assert reply.status == 403
    assert not any(name.startswith("access-control") for name in reply.headers)


def test_every_answer_is_closed_to_sniffing_framing_and_other_sites(served: Served) -> None:
    for path in ("/", "/api/v1/info", "/nothing", "/static/icon.svg", "/api/v1/openapi.json"):
        for token in (True, False):
            headers = served.ask("GET", path, token=token).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]


def test_a_page_runs_only_what_has_its_nonce(served: Served) -> None:
    policies = [served.ask("GET", "/").headers["content-security-policy"] for _ in range(2)]
    nonces = [policy.partition("'nonce-")[2].partition("'")[0] for policy in policies]
    assert nonces[0] != nonces[1]
    assert all(len(nonce) >= 16 for nonce in nonces)
    assert f'nonce="{nonces[0]}"' not in served.ask("GET", "/").body.decode()


# Ways out of the gallery


ESCAPES = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "..\\..\\windows\\win.ini",
    "%00/etc/passwd",
    "file:///etc/passwd",
    "http://evil.example/",
    "gallery.db",
    "../pages.py",
    "..%2fpages.py",
    "%252e%252e%252fpages.py",
]


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_address_leads_out(served: Served, escape: str) -> None:
    for path in (
        f"/static/{escape}",
        f"/api/v1/contents/{escape}/original",
        f"/api/v1/contents/{escape}/thumbnail",
        f"/api/v1/contents/{escape}",
        f"/api/v1/exports/{escape}",
        f"/api/v1/uploads/{escape}/view",
        f"/api/v1/sets/{escape}",
        f"/{escape}",
    ):
        reply = served.ask("GET", path.replace(" ", "%20"))
        assert reply.status in (400, 404, 410), path
        assert b"root:" not in reply.body
    for name in ("under", "order", "camera", "format", "near", "after", "side", "download"):
        reply = served.get(f"/contents?{name}={escape}")
        assert reply.status in (200, 400)
        assert b"root:" not in reply.body
        assert reply.status == 400 or reply.json["contents"] == [] or name == "camera"


def test_only_folders_of_the_gallery_are_looked_into(served: Served) -> None:
    for folder in ("/etc", "/", str(served.folder), str(served.gallery)):
        for named in (folder, base64.urlsafe_b64encode(folder.encode()).decode().rstrip("=")):
            reply = served.get(f"/folders?under={named}")
            names = {f["path"] for f in reply.json.get("folders", [])}
            assert all(name.startswith(f"{served.folder}/photos") for name in names)
    for named in ("L2V0Y%00", "!!!!", "YQ", "L2EA", "etc"):
        assert served.get(f"/folders?under={named}").status == 400


def test_only_what_the_gallery_holds_is_given(served: Served) -> None:
    """Neither by the hash of another file, nor from the cache of another gallery's thumbnails."""
    for data in (Path("/etc/passwd").read_bytes(), picture_bytes(999)):
        content = hashlib.sha256(data).hexdigest()
        cached = served.folder / "cache" / "256" / content[:2] / f"{content}.webp"
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(data)
        for what in ("", "/thumbnail", "/view", "/original"):
            assert served.get(f"/contents/{content}{what}").status == 404
        assert served.query({"content": content}).status in (400, 404)


def test_a_link_put_in_a_file_s_place_is_not_followed_to_other_bytes(served: Served) -> None:
    path = served.folder / "photos" / "trip1" / "10.png"
    (entry,) = [e for e in served.contents() if e["path"] == str(path)]
    data = path.read_bytes()
    path.unlink()
    try:
        path.symlink_to("/etc/passwd")
        assert served.get(f"/contents/{entry['content']}/original").code == "not-there"
        path.unlink()
        os.mkfifo(path)
        assert served.get(f"/contents/{entry['content']}/original").code == "not-there"
        assert served.get(f"/contents/{entry['content']}/view").code == "not-there"
    finally:
        path.unlink()
        path.write_bytes(data)


def test_no_question_is_asked_by_an_address_of_the_web(served: Served) -> None:
    for picture in (
        {"url": "http://127.0.0.1:1/"},
        {"content": "http://127.0.0.1:1/"},
        {"path": "/etc/passwd"},
        {"upload": "http://127.0.0.1:1/"},
        "http://127.0.0.1:1/",
    ):
        assert served.send("POST", "/queries", {"pictures": [picture]}).status in (400, 410)


# Names that would be HTML


def test_markup_in_names_stays_text_in_every_answer(served: Served) -> None:
    (entry,) = [e for e in served.contents() if e["camera"] == MARKUP]
    for path in (
        "/contents?limit=500",
        "/facets",
        "/folders",
        f"/contents/{entry['content']}",
        f"/folders?under={served.folder}/photos",
        f"/contents?camera={MARKUP.replace(' ', '%20')}",
    ):
        reply = served.get(path)
        assert reply.headers["content-type"] == "application/json"
        assert json.loads(reply.body)
    (named,) = [e for e in served.contents() if MARKUP in e["path"]]
    disposition = served.get(f"/contents/{named['content']}/original").headers[
        "content-disposition"
    ]
    assert (
        disposition == "inline; filename*=UTF-8''%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.png"
    )
    assert served.query({"content": NO_SUCH, MARKUP: 1}).headers["content-type"] == (
        "application/json"
    )


def test_a_set_s_name_is_no_html_and_no_file(served: Served) -> None:
    before = {path.name for path in served.gallery.iterdir()}
    contents = [served.contents()[0]["content"]]
    for name in ("%3Cscript%3Ealert(1)%3C%2Fscript%3E", "..%2F..%2Fx", "a%22b%27c"):
        assert served.send("PUT", f"/sets/{name}", {"contents": contents}).status == 204
        assert served.get(f"/sets/{name}").headers["content-type"] == "application/json"
    assert {path.name for path in served.gallery.iterdir()} - before <= {"sets.json"}
    for name in ("%0A", "%00", "%20", "a" * 101):
        assert served.send("PUT", f"/sets/{name}", {"contents": contents}).status in (400, 404)


def test_a_spreadsheet_is_given_no_formula() -> None:
    assert [exports._cell(value) for value in ("=1+1", "@x", "+1", "-1", "plain", 2, None)] == [
        *("'=1+1", "'@x", "'+1", "'-1", "plain", 2, ""),
    ]


def test_what_a_browser_might_run_is_not_given(tmp_path: Path) -> None:
    for data, kind in (
        (b"<svg onload=alert(1)>", "SVG"),
        (b"  \n<html>", "JPEG"),
        (b"\xef\xbb\xbf<?xml", "PNG"),
        (b"data", "SVG"),
    ):
        path = tmp_path / "file"
        path.write_bytes(data)
        with path.open("rb") as file, pytest.raises(RefusalError) as refused:
            originals.response(
                Original(file, path, len(data), kind), content="", wanted=None, attach=False
            )
        assert refused.value.status == 403
        assert file.closed
    with path.open("rb") as file:
        reply = originals.response(
            Original(file, path, 4, "NEW"), content="", wanted=None, attach=False
        )
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment")


# What is sent


def test_ten_gigabytes_are_refused_before_they_come(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.putrequest("POST", "/api/v1/uploads")
    connection.putheader("Authorization", f"Bearer {served.token}")
    connection.putheader("Content-Length", str(10 << 30))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["code"] == "too-large"
    assert answer.getheader("connection") == "close"


def test_what_has_no_length_is_read_no_further_than_allowed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 1 << 20)
    head = (
        f"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Authorization: Bearer {served.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    piece = b"10000\r\n" + b"\xff" * 0x10000 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        client.sendall(head.encode())
        try:
            while sent < 1 << 30:
                client.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
    assert sent < 64 << 20


def png_bomb(side: int) -> bytes:
    """Return a small PNG of side × side pixels, all of them black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    rows = b"".join(packer.compress(row * 1000) for _ in range(8)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\xff\xd8\xff\xe0" + b"\0" * 1000,
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 1000,
        b"GIF89a" + b"\xff" * 100,
        b"PK\x03\x04" + b"\0" * 100,
        b"%PDF-1.7",
        picture_bytes(2)[:-60],
        png_bomb(60_000),
        png_bomb(1_000_000),
    ],
    ids=["empty", "x", "svg", "jpeg", "png", "gif", "zip", "pdf", "cut", "bomb", "big bomb"],
)
def test_what_is_no_picture_is_refused(served: Served, data: bytes) -> None:
    reply = served.upload(data)
    assert (reply.status, reply.code) == (422, "unreadable")


def test_a_picture_that_claims_to_be_another_format_is_what_its_bytes_are(served: Served) -> None:
    headers = {"Content-Type": "image/svg+xml"}
    reply = served.ask("POST", "/api/v1/uploads", picture_bytes(3), headers=headers)
    assert reply.json["format"] == "PNG"


def test_many_uploads_leave_the_latest(served: Served) -> None:
    names = [
        served.upload(picture_bytes(600 + number)).json["upload"]
        for number in range(uploads.MOST_KEPT + 3)
    ]
    assert served.get(f"/uploads/{names[0]}/view").code == "upload-gone"
    assert served.get(f"/uploads/{names[-1]}/view").status == 200


def test_an_upload_is_forgotten_an_hour_after_its_last_use() -> None:
    now = [0.0]
    kept = uploads.Uploads(clock=lambda: now[0])
    upload = kept.add(None, "", Future())  # type: ignore[arg-type]  # it is only kept
    now[0] = uploads.KEPT_SECONDS - 1
    assert kept.get(upload.name) is upload
    now[0] = 2 * uploads.KEPT_SECONDS - 2
    assert kept.get(upload.name) is upload
    now[0] = 4 * uploads.KEPT_SECONDS
    with pytest.raises(RefusalError):
        kept.get(upload.name)


# Wrong types, everywhere


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([NO_SUCH, "a" * 10_000, [], {}, [[]], 10**400, -1, 1e308, "\ud800", "\0"]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
BODIES: dict[str, dict[str, Any]] = {
    "POST /queries": {
        "pictures": [{"content": NO_SUCH, "crop": [0, 0, 50, 50], "weight": 1, "minus": False}],
        "filters": {
            "under": ["/x"],
            "after": "2024",
            "before": "2025",
            "undated": "include",
            "camera": "x",
            "lens": "x",
            "near": [1, 2, 3],
            "min_width": 1,
            "min_height": 1,
            "format": ["JPEG"],
        },
        "k": 3,
        "offset": 0,
        "min_score": 0.5,
        "recipe": "x",
        "expand": {"k": 3, "alpha": 1},
        "kinds": False,
    },
    "POST /comparisons": {"one": {"content": NO_SUCH}, "other": {"upload": "x"}, "recipe": "x"},
    "POST /explanations": {"one": {"content": NO_SUCH}, "other": {"content": NO_SUCH}},
    "POST /exports": {"contents": [NO_SUCH], "form": "zip", "name": "x"},
    "PUT /sets/odd": {"contents": [NO_SUCH]},
    f"POST /contents/{NO_SUCH}/reveal": {"file": 0},
}


def places(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value within a JSON value, itself included."""
    inner = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


def put(content: Any, at: tuple[Any, ...], value: Any) -> Any:
    """Return a JSON value with another one at a place."""
    if not at:
        return value
    copied = dict(content) if isinstance(content, dict) else list(content)
    copied[at[0]] = put(copied[at[0]], at[1:], value)
    return copied


@SETTINGS
@given(data=st.data())
def test_a_wrong_type_in_any_field_is_refused_in_words(served: Served, data: st.DataObject) -> None:
    address = data.draw(st.sampled_from(sorted(BODIES)))
    body = BODIES[address]
    changed = put(body, data.draw(st.sampled_from(places(body))), data.draw(ODD))
    method, path = address.split()
    reply = served.send(method, path, changed)
    # 413: a text longer than the whole body may be.
    assert reply.status in (204, 400, 404, 410, 413), reply.body
    assert reply.status == 204 or reply.json["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nul",
        b"[]",
        b"3",
        b'"x"',
        b"\xff\xfe",
        b'{"pictures": NaN}',
        b'{"k": Infinity}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"k": ' + b"9" * 10_000 + b"}",
        b'{"pictures": [], "pictures": 3}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_object_is_refused(served: Served, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert served.ask("POST", "/api/v1/queries", body, headers=headers).status == 400


def test_a_long_body_is_refused(served: Served) -> None:
    headers = {"Content-Type": "application/json"}
    reply = served.ask("POST", "/api/v1/queries", b" " * (1 << 20), headers=headers)
    assert reply.status == 413


@SETTINGS
@given(
    path=st.sampled_from(["/contents", "/timeline", "/facets", "/folders", "/unreadable"]),
    name=st.sampled_from(
        ["under", "after", "near", "min_width", "offset", "limit", "order", "format", "x"]
    ),
    value=st.one_of(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
        st.sampled_from(["-1", "1e9", "9" * 5000, "%00", "%ff%fe", "1,2", "1,2,3,4", "nan,nan,1"]),
    ),
)
def test_no_parameter_of_an_address_does_harm(
    served: Served, path: str, name: str, value: str
) -> None:
    value = value.replace("#", "%23").replace("&", "%26")
    reply = served.get(f"{path}?{name}={value}")
    assert reply.status in (200, 400), reply.body


def test_a_parameter_that_is_repeated_or_unknown_is_refused(served: Served) -> None:
    for query in ("offset=1&offset=2", "nothing=1", "order=taken&order=path"):
        assert served.get(f"/contents?{query}").status == 400


# Ranges, slow clients, rubbish


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=" + ",".join(f"{n}-{n}" for n in range(1500)),
        "bytes=0-0,2-3",
        "bytes=-0",
        "bytes=-",
        "bytes=9-2",
        "bytes=99999999-",
        "bytes=" + "9" * 19 + "-",
        "bytes=0-" + "9" * 100,
        "items=0-1",
        "bytes 0-1",
        "",
    ],
    ids=lambda wanted: wanted[:20],
)
def test_what_is_not_one_range_is_refused(served: Served, wanted: str) -> None:
    content = served.contents()[0]["content"]
    reply = served.get(f"/contents/{content}/original", headers={"Range": wanted})
    assert (reply.status, reply.code) == (416, "range")


def raw(served: Served, data: bytes, *, seconds: float = 10) -> bytes:
    """Send bytes, and return what comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=seconds) as client:
        client.sendall(data)
        received = b""
        try:
            while piece := client.recv(65536):
                received += piece
                if b"\r\n\r\n" in received and data.endswith(b"\r\n\r\n"):
                    break
        except OSError:
            pass
        return received


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda data: repr(data[:16]),
)
def test_rubbish_ends_the_connection(served: Served, data: bytes) -> None:
    answer = raw(served, data)
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))


def test_a_client_that_says_nothing_more_is_left(served: Served) -> None:
    started = time.monotonic()
    host = f"Host: 127.0.0.1:{served.port}\r\n"
    for begun in (b"", b"GET / HT", f"GET /api/v1/info HTTP/1.1\r\n{host}X-A".encode()):
        assert raw(served, begun) == b""
    assert time.monotonic() - started < 9


def is_left(client: socket.socket, piece: bytes, *, pause: float = 0) -> bool:
    """Whether the server ends a connection while a piece is sent again and again."""
    until = time.monotonic() + 9
    try:
        while time.monotonic() < until:
            client.sendall(piece)
            time.sleep(pause)
    except OSError:
        return True
    return False


def test_a_client_that_drips_its_head_is_left(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert is_left(client, b"X-A: b\r\n", pause=0.05)


def test_a_body_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.web.endpoints.asking.UPLOAD_SECONDS", 0.3)
    head = (
        f"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Authorization: Bearer {served.token}\r\nContent-Length: 1000\r\n\r\n"
    )
    answer = raw(served, head.encode() + b"\x89PNG")
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_that_takes_nothing_is_left(served: Served) -> None:
    """It asks for far more than sockets hold, and never reads."""
    contents = [entry["content"] for entry in served.contents()]
    content = next(e["content"] for e in served.contents() if e["format"] == "JPEG")
    assert contents
    request = (
        f"GET /api/v1/contents/{content}/original HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.token}\r\n\r\n"
    ).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(5)
        client.connect(("127.0.0.1", served.port))
        assert is_left(client, request)


def test_slow_clients_do_not_hold_up_others(served: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(50)]
    try:
        for client in slow:
            client.sendall(b"GET / HTTP/1.1\r\nHost")
        assert served.get("/info").status == 200
    finally:
        for client in slow:
            client.close()


def test_many_at_once_are_all_answered(served: Served) -> None:
    entries = served.contents()
    failed: list[Any] = []

    def ask(number: int) -> None:
        content = entries[number % len(entries)]["content"]
        replies = [
            served.get(f"/contents/{content}/thumbnail?side=512"),
            served.query({"content": content}, k=5),
            served.get("/contents?limit=10"),
        ]
        failed.extend(reply for reply in replies if reply.status != 200)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_client_that_leaves_does_not_take_the_answer_from_others(served: Served) -> None:
    content = served.contents()[3]["content"]
    request = (
        f"GET /api/v1/contents/{content}/thumbnail?side=512 HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.token}\r\n\r\n"
    ).encode()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(request)
    assert served.get(f"/contents/{content}/thumbnail?side=512").status == 200


# Other users and other machines


def test_a_process_of_another_user_is_sent_away(served: Served) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only the administrator can be another user")
    request = f"GET /?token={served.token} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n"
    code = f"""
import encodings.idna, os, socket
os.setuid(65534)
try:
    client = socket.create_connection(("127.0.0.1", {served.port}), timeout=10)
    client.sendall({request.encode()!r})
    print(len(client.recv(100)))
except OSError:
    print(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux tells")
def test_the_system_tells_whose_the_far_end_of_a_connection_is() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        near = listening.getsockname()
        with socket.create_connection(near) as client:
            assert owner_of(client.getsockname(), near) == os.getuid()
        assert owner_of(("127.0.0.1", 1), near) is None
        assert owner_of(("::1", 1), near) is None


def test_another_address_needs_a_password() -> None:
    def unopened(_: str | None) -> Any:
        raise AssertionError

    for host in ("0.0.0.0", "127.0.0.2", "192.0.2.1"):  # noqa: S104 - refused
        with pytest.raises(UsageError, match="password"):
            PageServer(unopened, ServerOptions(host=host, port=0))
    with pytest.raises(ImgsearchError, match=r"192\.0\.2\.1"):
        PageServer(unopened, ServerOptions(host="192.0.2.1", port=0, password=PASSWORD))


def test_a_password_lets_in_and_a_wrong_one_takes_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.web.access.WRONG_PASSWORD_SECONDS", 0.2)
    with serving(
        served.folder, served.gallery, served.source, served.said, password=PASSWORD
    ) as guarded:
        assert guarded.ask("GET", "/", token=False).headers["location"] == "/login"
        assert guarded.ask("GET", "/api/v1/info", token=False).status == 401
        page = guarded.ask("GET", "/login", token=False)
        assert b'type="password"' in page.body
        here = {"Sec-Fetch-Site": "same-origin"}
        for form in (b"password=guess", b"", b"password=" + b"a" * 10_000, b"\xff=\xff"):
            reply = guarded.ask("POST", "/login", form, headers=here, token=False)
            assert reply.status in (403, 413)
            assert "set-cookie" not in reply.headers
        right = b"password=geheim+%C3%BC"
        assert guarded.ask("POST", "/login", right, token=False).status == 403
        reply = guarded.ask("POST", "/login", right, headers=here, token=False)
        cookie = {"Cookie": reply.headers["set-cookie"].partition(";")[0]}
        assert guarded.ask("GET", "/api/v1/info", headers=cookie, token=False).status == 200


def test_secrets_are_not_shown() -> None:
    access = Access(1, PASSWORD)
    assert access.token not in repr(access)
    assert PASSWORD not in repr(access)
    assert PASSWORD not in repr(ServerOptions(password=PASSWORD))


def test_a_picture_of_the_gallery_is_never_larger_than_asked_for(served: Served) -> None:
    for side in ("0", "-1", "100000", "256.0", "abc", ""):
        content = served.contents()[0]["content"]
        assert served.get(f"/contents/{content}/thumbnail?side={side}").status == 400
        assert served.get(f"/contents/{content}/view?side={side}").status == 400
    with Image.open(io.BytesIO(served.get(f"/contents/{content}/thumbnail").body)) as image:
        assert max(image.size) <= 256
