"""A real HTTP server on this machine that serves one file, in the ways in which servers differ."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What is served, and what was asked for."""

    content: bytes
    url: str = ""
    ranges: bool = True
    """Whether parts are served."""
    missing: bool = False
    tag: str = '"one"'
    breaks_after: int | None = None
    """Bytes after which the line breaks, once."""
    holds_after: int | None = None
    """Bytes after which the line stands still, once, until `go_on` is set."""
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[str | None] = field(default_factory=list)
    """The Range header of each request."""


@contextmanager
def serving(content: bytes) -> Iterator[Served]:
    """Serves `content` while the block runs."""
    served = Served(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append(wanted)
            if served.missing:
                self.send_error(404)
                return
            start = 0
            if wanted and served.ranges and self.headers.get("If-Range") == served.tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            part = served.content[start:]
            if start >= len(served.content) > 0:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("ETag", served.tag)
            self.end_headers()
            until, served.breaks_after = served.breaks_after, None
            held, served.holds_after = served.holds_after, None
            with suppress(ConnectionError):  # it was cancelled
                if held is not None:
                    self.wfile.write(part[:held])
                    served.go_on.wait()
                    part = part[held:]
                self.wfile.write(part[:until])

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/model.pth"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
