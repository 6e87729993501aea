"""A folder on a web host: served with gzip, and the bytes counted that go over the wire."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Wire:
    """Counts the bytes that an application sends in bodies, by path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.sent: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            self.sent[scope["path"]] += len(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)

    def megabytes(self) -> float:
        """What was sent so far."""
        return self.sent.total() / 1e6


@contextmanager
def hosted(folder: Path) -> Iterator[tuple[str, Wire]]:
    """Serve a folder as a web host does: with gzip, without isolation. Yields: its address, and the bytes."""
    files = Mount("/", StaticFiles(directory=folder, html=True))
    wire = Wire(Starlette(routes=[files], middleware=[Middleware(GZipMiddleware, compresslevel=6)]))
    server = uvicorn.Server(uvicorn.Config(wire, log_level="error", timeout_graceful_shutdown=1))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", wire
    finally:
        server.should_exit = True
        thread.join()
