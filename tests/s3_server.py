"""A real S3 server on 127.0.0.1, whose requests are counted and fail as they are told to."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECRET = "hush-very-secret"  # noqa: S105 - of a server of the test's own


@dataclass
class Requests:
    """What was asked, and how the server fails.

    Attributes:
        seen: method and path of each request.
        share: of the requests that are answered with 503 SlowDown.
        cut: paths whose bytes end in the middle, this many times.
        gone: paths that are listed, and are not there when they are asked for.
    """

    seen: list[tuple[str, str]] = field(default_factory=list)
    share: float = 0.0
    cut: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    _random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret

    def listings(self) -> int:
        """Return how many of the requests listed something."""
        return sum(method == "GET" and path.count("/") == 1 for method, path in self.seen)

    def slows_down(self) -> bool:
        """Whether this request fails."""
        return self._random.random() < self.share


class S3Server:
    """Moto's server, between `start` and `stop`."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_: object) -> None:
                pass

        self.requests = Requests()
        self.files: Any = None  # a client, for whoever fills a bucket
        self._application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What tells a client where the server is, and who it is itself."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.seen.append((method, path))
        if self.requests.slows_down():
            return _failed(start, "503 Slow Down", "SlowDown")
        if method == "GET" and path in self.requests.gone:
            return _failed(start, "404 Not Found", "NoSuchKey")
        parts = self._application(environ, start)
        if method == "GET" and self.requests.cut.get(path, 0) > 0:
            self.requests.cut[path] -= 1
            whole = b"".join(parts)
            return [whole[: len(whole) // 2]]  # of the length that the header promises
        return parts


def _failed(start: Callable[..., Any], status: str, code: str) -> Iterable[bytes]:
    body = f"<Error><Code>{code}</Code><Message>{escape(SECRET)}</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]
