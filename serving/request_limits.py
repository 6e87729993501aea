"""The gate before everything a visitor sends: what is taken in at all, and how much of it.

Gradio writes an upload to disk before any code of the page sees it, has no limit by default, takes files at
more doors than the page uses, and fetches any address that stands in the place of a file. The gate goes by
the bytes that arrive, never by what a header promises.
"""

import asyncio
import errno
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.upload_folder import room

API = "/gradio_api/"
UPLOAD, PROGRESS = "upload", "upload_progress"
SHUT = (
    "file=http:",
    "file=https:",
    "file/http:",
    "file/https:",
    "proxy=",
    "component_server",
    "process_recording",
    "deep_link",
    "custom_component/",
    "vibe-",
    "run-history",
)
"""Doors of Gradio's that the page does not use: they fetch addresses, take files, run programs, write."""
WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LONGEST_QUERY = 1024
DRAINED = 2**20
"""Bytes of a refused body that are read all the same, so that its sender gets to see the answer."""
DRAINING = 1.0
"""Seconds that are given to them."""
LOOKED_AFTER = 64 * 2**20
"""Bytes of an upload of unknown length after which the disk is looked at again."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class UploadLimits:
    """How much visitors may send.

    Args:
        file_bytes: of one upload.
        at_once: uploads under way.
        files: in one upload.
        folder_bytes: of all that lies in the folder for uploads.
        free_bytes: that stay free on its disk.
        seconds: that an upload may take.
        idle_seconds: that may pass without a byte of it.
        other_bytes: of any other request.
        other_seconds: that any other request may take to arrive.
    """

    file_bytes: int = 2 * 2**30
    at_once: int = 2
    files: int = 4
    folder_bytes: int = 8 * 2**30
    free_bytes: int = 2 * 2**30
    seconds: float = 1800.0
    idle_seconds: float = 30.0
    other_bytes: int = 2**20
    other_seconds: float = 30.0


class _Refused(MultiPartException):
    """Ends an upload from inside: Gradio's parser knows this class, and deletes what it has written."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class RequestLimitsMiddleware:
    """Middleware before Gradio: turns away what is too large, too much, too slow or not offered.

    Args:
        app: what comes after it.
        folder: where Gradio puts uploads.
        allowed: whether visitors may upload at all.
        limits: how much.
    """

    def __init__(self, app: ASGIApp, folder: Path, allowed: bool, limits: UploadLimits | None = None) -> None:
        self._app = app
        self._folder = folder
        self._allowed = allowed
        self._limits = limits or UploadLimits()
        self._under_way: set[_Upload] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        door = scope["path"].partition(API)[2]
        coming = _Coming(scope, receive)
        try:
            self._check_door(door, len(scope["query_string"]))
            if door.rstrip("/") == UPLOAD and scope["method"] == "POST":
                await self._take(scope, coming, send)
            elif scope["method"] in WITH_BODY:
                await self._pass_on(scope, coming, send)
            else:
                await self._app(scope, receive, send)
        except _Refused as refused:
            await _answer(refused, scope, coming, send)

    def _check_door(self, door: str, query: int) -> None:
        """Raises: _Refused for a door that is shut."""
        if door.startswith(SHUT):
            raise _Refused(HTTPStatus.FORBIDDEN, "This page does not offer that.")
        if door.rstrip("/") not in (UPLOAD, PROGRESS):
            return
        if not self._allowed:
            raise _Refused(
                HTTPStatus.FORBIDDEN,
                "Uploads are switched off here. To use a file of yours, start the app on your own machine.",
            )
        if query > LONGEST_QUERY:
            raise _Refused(HTTPStatus.REQUEST_URI_TOO_LONG, f"Queries may have {LONGEST_QUERY} characters.")

    async def _pass_on(self, scope: Scope, coming: "_Coming", send: Send) -> None:
        """Any request but an upload: its whole body is read and looked at first, since it is small."""
        body = await self._small_body(coming)
        _check_values(body)
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await coming.receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _small_body(self, coming: "_Coming") -> bytes:
        most = self._limits.other_bytes
        if (coming.length or 0) > most:
            raise _too_large("A request", most)
        body = bytearray()
        until = time.monotonic() + self._limits.other_seconds
        while not coming.whole:
            body += await coming.next(until - time.monotonic())
            if len(body) > most:
                raise _too_large("A request", most)
        return bytes(body)

    async def _take(self, scope: Scope, coming: "_Coming", send: Send) -> None:
        """An upload, which passes through in pieces as it arrives."""
        limits = self._limits
        if (coming.length or 0) > limits.file_bytes:
            raise _too_large("An upload", limits.file_bytes)
        if len(self._under_way) >= limits.at_once:
            raise _Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{len(self._under_way)} uploads are under way, which is as many as fit: try again soon.",
            )
        parts = _Parts(Headers(scope=scope).get("content-type", ""), limits.files)
        upload = _Upload(coming, send, parts, limits, self.check_room)
        self._under_way.add(upload)
        try:
            await self.check_room()
            await self._app(scope, upload.receive, upload.send)
        except MultiPartException as error:
            if upload.refused is None:
                raise
            raise upload.refused from error
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise _no_room() from error
        finally:
            self._under_way.discard(upload)
        if upload.refused is not None:
            raise upload.refused

    async def check_room(self) -> None:
        """Raises: _Refused if what is under way fills the folder or the disk."""
        stored, free = await asyncio.to_thread(room, self._folder)
        coming = sum(upload.missing for upload in self._under_way)
        if stored + coming > self._limits.folder_bytes or free - coming < self._limits.free_bytes:
            raise _no_room()


class _Coming:
    """The body of a request, piece by piece."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        said = Headers(scope=scope).get("content-length", "")
        self.length = int(said) if said.isascii() and said.isdigit() else None
        self.receive = receive
        self.seen = 0
        self.whole = scope["method"] not in WITH_BODY

    async def next(self, seconds: float) -> bytes:
        """The next piece. Raises: _Refused if it does not come in time, or not at all."""
        try:
            message = await asyncio.wait_for(self.receive(), max(seconds, 0.0))
        except asyncio.TimeoutError as error:
            raise _Refused(
                HTTPStatus.REQUEST_TIMEOUT, "What was sent arrived too slowly: try again over a faster line."
            ) from error
        self.whole = not message.get("more_body", False)
        if message["type"] != "http.request":
            raise _Refused(HTTPStatus.BAD_REQUEST, "What was sent broke off.")
        body: bytes = message.get("body", b"")
        self.seen += len(body)
        return body


class _Upload:
    """One upload on its way through the gate."""

    def __init__(
        self,
        coming: _Coming,
        send: Send,
        parts: "_Parts",
        limits: UploadLimits,
        check_room: Callable[[], Awaitable[None]],
    ) -> None:
        self.refused: _Refused | None = None
        self._coming = coming
        self._send = send
        self._parts = parts
        self._limits = limits
        self._check_room = check_room
        self._look_at = (coming.length or 0) + LOOKED_AFTER
        self._until = time.monotonic() + limits.seconds

    @property
    def missing(self) -> int:
        """Bytes that are said to come."""
        return max((self._coming.length or 0) - self._coming.seen, 0)

    async def receive(self) -> Message:
        """The next piece, if all is well with it. Raises: _Refused."""
        if self._coming.whole:
            return await self._coming.receive()
        try:
            body = await self._checked()
        except _Refused as refused:
            self.refused = refused
            raise
        return {"type": "http.request", "body": body, "more_body": not self._coming.whole}

    async def _checked(self) -> bytes:
        limits = self._limits
        body = await self._coming.next(min(limits.idle_seconds, self._until - time.monotonic()))
        if self._coming.seen > limits.file_bytes:
            raise _too_large("An upload", limits.file_bytes)
        self._parts.read(body)
        if self._coming.seen >= self._look_at:
            self._look_at += LOOKED_AFTER
            await self._check_room()
        return body

    async def send(self, message: Message) -> None:
        """Pass Gradio's answer on, unless there is another."""
        if self.refused is None:
            await self._send(message)


class _Parts:
    """Reads along with Gradio's parser, with the same one: a few files called "files", and nothing else.

    Gradio would open a file for each of a thousand parts at once, and keep parts that are no file in memory.
    """

    def __init__(self, content_type: str, files: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _Refused(HTTPStatus.BAD_REQUEST, "An upload is a form of files, multipart/form-data.")
        self._files = files
        self._count = 0
        self._field, self._value, self._disposition = b"", b"", b""
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers,
            },
        )

    def read(self, body: bytes) -> None:
        """Raises: _Refused for anything but files, and not too many of them."""
        try:
            self._parser.write(body)
        except FormParserError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, f"The upload is no proper form: {error}.") from error

    def _begin(self) -> None:
        self._disposition = b""
        self._count += 1
        if self._count > self._files:
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"An upload may have {self._files} files, not more."
            )

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field, self._value = b"", b""

    def _headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != b"files" or b"filename" not in options:
            raise _Refused(HTTPStatus.BAD_REQUEST, 'An upload has files called "files" and no other fields.')


async def _answer(refused: _Refused, scope: Scope, coming: _Coming, send: Send) -> None:
    """Say why, and hang up where more is coming than is worth reading."""
    until = time.monotonic() + DRAINING
    most = coming.seen + DRAINED
    headers = {"cache-control": "no-store"}
    try:
        while not coming.whole and coming.seen < most:
            await coming.next(until - time.monotonic())
    except _Refused:
        pass  # it does not come any more
    if not coming.whole:
        headers["connection"] = "close"
    if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "60"
    await PlainTextResponse(refused.message, refused.status, headers)(scope, coming.receive, send)


def _too_large(what: str, most: int) -> _Refused:
    text = f"{what} may have {most / 1e6:,.1f} MB, and this one has more."
    return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


def _no_room() -> _Refused:
    return _Refused(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "There is no room for this upload now: what nobody takes is deleted within a quarter of an hour, try "
        "again then.",
    )


def _check_values(body: bytes) -> None:
    """Raises: _Refused for an address in the place of a file, which Gradio would fetch for any input."""
    if not body:
        return
    try:
        json.loads(body, object_pairs_hook=_check_pairs)
    except (ValueError, RecursionError) as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, "The request is no JSON, or nested too deep.") from error


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    for name, value in pairs:
        if name == "path" and isinstance(value, str) and value.startswith(("http://", "https://")):
            raise _Refused(
                HTTPStatus.BAD_REQUEST,
                "A file has to be uploaded: this page fetches no address in its place.",
            )
