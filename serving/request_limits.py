"""ASGI middleware that limits requests and uploads.

Gradio writes an upload to disk before any code of the page sees it, has no limit by default, accepts files on
more routes than the page uses, and downloads any address given in the place of a file. Limits count the bytes
that arrive, not what a header promises.
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

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.request_body import WITH_BODY, RequestBody, RequestRefused, send_refusal
from serving.upload_folder import stored_and_free_bytes
from serving.upload_form import UploadForm

API = "/gradio_api/"
UPLOAD, PROGRESS = "upload", "upload_progress"
BLOCKED = (
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
"""Gradio's routes that the page does not use (prefixes): they fetch addresses, accept files, run programs."""
MAX_QUERY = 1024
CHECK_DISK_EVERY = 64 * 2**20
"""Bytes beyond the promised length after which the disk is checked again."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class UploadLimits:
    """How much visitors may send.

    Args:
        file_bytes: size of one upload.
        at_once: simultaneous uploads.
        files: files in one upload.
        folder_bytes: size of the upload folder.
        free_bytes: space that stays free on its disk.
        seconds: duration of an upload.
        idle_seconds: time between two chunks of an upload.
        other_bytes: size of any other request.
        other_seconds: time in which any other request must arrive.
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


class RequestLimitsMiddleware:
    """Refuses requests that are too large, too many, too slow or not used by the page.

    Args:
        app: the application behind it.
        folder: where Gradio stores uploads.
        allowed: whether visitors may upload.
        limits: how much they may send.
    """

    def __init__(self, app: ASGIApp, folder: Path, allowed: bool, limits: UploadLimits | None = None) -> None:
        self._app = app
        self._folder = folder
        self._allowed = allowed
        self._limits = limits or UploadLimits()
        self._uploads: set[_Upload] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route = scope["path"].partition(API)[2]
        body = RequestBody(scope, receive)
        try:
            self._check_route(route, len(scope["query_string"]))
            if route.rstrip("/") == UPLOAD and scope["method"] == "POST":
                await self._pass_upload(scope, body, send)
            elif scope["method"] in WITH_BODY:
                await self._pass_small(scope, body, send)
            else:
                await self._app(scope, receive, send)
        except RequestRefused as refused:
            await send_refusal(refused, scope, body, send)

    def _check_route(self, route: str, query: int) -> None:
        """Raises: RequestRefused for a blocked route, and for an upload where they are switched off."""
        if route.startswith(BLOCKED):
            raise RequestRefused(HTTPStatus.FORBIDDEN, "This endpoint is disabled.")
        if route.rstrip("/") not in (UPLOAD, PROGRESS):
            return
        if not self._allowed:
            raise RequestRefused(
                HTTPStatus.FORBIDDEN,
                "Uploads are switched off here. To use your own file, start the app on your machine.",
            )
        if query > MAX_QUERY:
            raise RequestRefused(
                HTTPStatus.REQUEST_URI_TOO_LONG, f"A query may have at most {MAX_QUERY} characters."
            )

    async def _pass_small(self, scope: Scope, body: RequestBody, send: Send) -> None:
        """Pass on any request but an upload, once its whole body has been read and checked."""
        content = await self._read_small(body)
        _check_json(content)
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await body.receive()
            replayed = True
            return {"type": "http.request", "body": content, "more_body": False}

        await self._app(scope, replay, send)

    async def _read_small(self, body: RequestBody) -> bytes:
        most = self._limits.other_bytes
        if (body.length or 0) > most:
            raise _too_large("A request", most)
        content = bytearray()
        until = time.monotonic() + self._limits.other_seconds
        while not body.complete:
            content += await body.next_chunk(until - time.monotonic())
            if len(content) > most:
                raise _too_large("A request", most)
        return bytes(content)

    async def _pass_upload(self, scope: Scope, body: RequestBody, send: Send) -> None:
        """Pass on an upload chunk by chunk as it arrives."""
        limits = self._limits
        if (body.length or 0) > limits.file_bytes:
            raise _too_large("An upload", limits.file_bytes)
        if len(self._uploads) >= limits.at_once:
            raise RequestRefused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The server is busy with {len(self._uploads)} uploads, the most at a time: try again soon.",
            )
        form = UploadForm(Headers(scope=scope).get("content-type", ""), limits.files)
        upload = _Upload(body, send, form, limits, self._check_disk)
        self._uploads.add(upload)
        try:
            await self._check_disk()
            await self._app(scope, upload.receive, upload.send)
        except MultiPartException as error:
            if upload.refused is None:
                raise
            raise upload.refused from error
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise _disk_full() from error
        finally:
            self._uploads.discard(upload)
        if upload.refused is not None:
            raise upload.refused

    async def _check_disk(self) -> None:
        """Raises: RequestRefused if the current uploads would fill the folder or the disk."""
        stored, free = await asyncio.to_thread(stored_and_free_bytes, self._folder)
        missing = sum(upload.missing for upload in self._uploads)
        if stored + missing > self._limits.folder_bytes or free - missing < self._limits.free_bytes:
            raise _disk_full()


class _Upload:
    """An upload in progress: checks each chunk before Gradio gets it."""

    def __init__(
        self,
        body: RequestBody,
        send: Send,
        form: UploadForm,
        limits: UploadLimits,
        check_disk: Callable[[], Awaitable[None]],
    ) -> None:
        self.refused: RequestRefused | None = None
        self._body = body
        self._send = send
        self._form = form
        self._limits = limits
        self._check_disk = check_disk
        self._next_check = (body.length or 0) + CHECK_DISK_EVERY
        self._until = time.monotonic() + limits.seconds

    @property
    def missing(self) -> int:
        """Promised bytes that have not arrived."""
        return max((self._body.length or 0) - self._body.received, 0)

    async def receive(self) -> Message:
        """The next chunk. Raises: RequestRefused if it breaks a limit."""
        if self._body.complete:
            return await self._body.receive()
        try:
            chunk = await self._checked_chunk()
        except RequestRefused as refused:
            self.refused = refused
            raise
        return {"type": "http.request", "body": chunk, "more_body": not self._body.complete}

    async def _checked_chunk(self) -> bytes:
        limits = self._limits
        chunk = await self._body.next_chunk(min(limits.idle_seconds, self._until - time.monotonic()))
        if self._body.received > limits.file_bytes:
            raise _too_large("An upload", limits.file_bytes)
        self._form.feed(chunk)
        if self._body.received >= self._next_check:
            self._next_check += CHECK_DISK_EVERY
            await self._check_disk()
        return chunk

    async def send(self, message: Message) -> None:
        """Pass Gradio's answer on, unless the upload is refused."""
        if self.refused is None:
            await self._send(message)


def _too_large(what: str, most: int) -> RequestRefused:
    text = f"{what} may have {most / 1e6:,.1f} MB at most, and this one is larger."
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


def _disk_full() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "There is not enough disk space for this upload. Unused uploads are deleted within 15 minutes: "
        "try again then.",
    )


def _check_json(content: bytes) -> None:
    """Raises: RequestRefused for an address in the place of a file: Gradio would download it."""
    if not content:
        return
    try:
        json.loads(content, object_pairs_hook=_check_pairs)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, "The request is not valid JSON, or nested too deeply."
        ) from error


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    for name, value in pairs:
        if name == "path" and isinstance(value, str) and value.startswith(("http://", "https://")):
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, "A file has to be uploaded: this page does not download addresses."
            )
