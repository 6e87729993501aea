"""Body of an HTTP request, read in chunks with a timeout, and the answer to a request that is refused."""

import asyncio
import time
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DRAIN_BYTES = 2**20
"""Bytes of a refused body that are read all the same, so that its sender can read the answer."""
DRAIN_SECONDS = 1.0


class RequestRefused(MultiPartException):
    """A request is over a limit. Gradio's upload parser catches the base class and deletes its files."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class RequestBody:
    """Body of a request, read chunk by chunk.

    Attributes:
        length: bytes that the header promises; None if it is absent or malformed.
        received: bytes so far.
        complete: whether there is no more to read.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        length = Headers(scope=scope).get("content-length", "")
        self.length = int(length) if length.isascii() and length.isdigit() else None
        self.receive = receive
        self.received = 0
        self.complete = scope["method"] not in WITH_BODY

    async def next_chunk(self, seconds: float) -> bytes:
        """The next chunk. Raises: RequestRefused if it does not arrive in time, or the sender disconnects."""
        try:
            message = await asyncio.wait_for(self.receive(), max(seconds, 0.0))
        except asyncio.TimeoutError as error:
            raise RequestRefused(
                HTTPStatus.REQUEST_TIMEOUT,
                "The request arrived too slowly: try again on a faster connection.",
            ) from error
        self.complete = not message.get("more_body", False)
        if message["type"] != "http.request":
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, "The connection closed before the request was complete."
            )
        chunk: bytes = message.get("body", b"")
        self.received += len(chunk)
        return chunk


async def send_refusal(refused: RequestRefused, scope: Scope, body: RequestBody, send: Send) -> None:
    """Answer with the reason, and close the connection if more than ``DRAIN_BYTES`` would have to be read."""
    until = time.monotonic() + DRAIN_SECONDS
    most = body.received + DRAIN_BYTES
    headers = {"cache-control": "no-store"}
    try:
        while not body.complete and body.received < most:
            await body.next_chunk(until - time.monotonic())
    except RequestRefused:
        pass  # nothing more arrives
    if not body.complete:
        headers["connection"] = "close"
    if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "60"
    await PlainTextResponse(refused.message, refused.status, headers)(scope, body.receive, send)
