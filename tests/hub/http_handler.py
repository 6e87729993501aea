"""Request handler of the local Hub; see `tests.hub.server`."""

import email.utils
import hashlib
import json
import socket
import struct
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.hub.addresses import API, BEHIND, RANGE, RESOLVE, revision_and_path
from tests.hub.api_answers import entries, flag, info
from tests.hub.faults import Request
from tests.hub.served_files import PIECE, File, Kind, Repository

if TYPE_CHECKING:
    from tests.hub.server import HubServer


class Handler(BaseHTTPRequestHandler):
    """One connection. Names are those of the HTTP methods, as the base class wants them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every reply waits 40 ms for the client's acknowledgement
    server: "HubServer"
    record: Request

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: ``Hub.requests`` keeps more than a log would."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        raw = parts.path
        kind: Kind = "model"
        repo = revision = name = ""
        api = API.fullmatch(raw)
        resolve = None if api else RESOLVE.fullmatch(raw)
        behind = BEHIND.fullmatch(raw)
        found = behind or api or resolve
        if found:
            kind = "dataset" if (found["kind"] or "").startswith("datasets") else "model"
            repo = unquote(found["repo"])
        if behind or resolve:
            assert found is not None
            revision, name = revision_and_path(found["rest"])
        canonical = unquote(raw)
        if behind:
            canonical = f"/{'datasets/' if kind == 'dataset' else ''}{repo}/resolve/{revision}/{name}"
        bearer = self.headers.get("Authorization")
        self.record = Request(
            origin=self.server.origin,
            method=self.command,
            path=unquote(raw),
            query=parts.query,
            repo=repo,
            name=name,
            range=self._range(),
            token=bearer.removeprefix("Bearer ") if bearer else None,
            headers={key.lower(): value for key, value in self.headers.items()},
        )
        hub.requests.append(self.record)

        fault = hub.take(self.record, canonical, in_the_body=False)
        if fault is not None and fault.kind == "drop":
            self.close_connection = True
            return
        if fault is not None and fault.kind == "slow" and hub.wait():
            self.close_connection = True
            return
        if fault is not None and fault.kind == "status":
            extra = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            self._refuse(fault.status, "", f"FaultKind {fault.status} of the test.", **extra)
            return
        if fault is not None and fault.kind == "expire":
            hub.signature += 1

        repository = hub.read(kind, repo) if found else None
        if not found:
            self._refuse(404, "", "Sorry, there is nothing here.")
        elif repository is None:
            status = 404 if self.record.token else 401
            self._refuse(
                status, "RepoNotFound", "Repository not found" if self.record.token else "Invalid username"
            )
        elif behind and self.server.origin == "cdn" and f"Signature={hub.signature}" not in parts.query:
            self._refuse(403, "", "The address has expired.")
        elif behind:
            file = repository.files.get(name)
            if file is None or revision != repository.commit:
                self._refuse(404, "", "Sorry, there is nothing here.")
            else:
                self._send_file(repository, file, canonical)
        elif api:
            self._api(repository, api["rest"] or "", parse_qs(parts.query), body)
        else:
            self._resolve(repository, revision, name)

    def _range(self) -> tuple[int, int | None] | None:
        match = RANGE.fullmatch(self.headers.get("Range") or "")
        if not match:
            return None
        first, last = match.groups()
        return (int(first), int(last) if last else None)

    def _known(self, repository: Repository, revision: str) -> bool:
        if revision in ("main", "refs/heads/main", repository.commit):
            return True
        self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return False

    def _resolve(self, repository: Repository, revision: str, name: str) -> None:
        hub = self.server.hub
        if not hub.may_read(repository.kind, repository.repo, self.record.token):
            self._refuse(
                403 if self.record.token else 401,
                "GatedRepo",
                f"Access to {repository.kind} {repository.repo} is restricted.",
            )
            return
        if not self._known(repository, revision):
            return
        commit = {"X-Repo-Commit": repository.commit}
        file = repository.files.get(name)
        if file is None:
            self._refuse(404, "EntryNotFound", "Entry not found", **commit)
            return
        place = f"{repository.kind}s/{repository.repo}/{repository.commit}/{quote(name)}"
        if not file.large:
            self._redirect(307, f"/api/resolve-cache/{place}?etag=%22{file.etag}%22", **commit)
            return
        linked = {
            "X-Linked-Size": str(file.size),
            "X-Linked-Etag": f'"{file.etag}"',
            "ETag": f'"{hashlib.md5(file.etag.encode()).hexdigest()}"',
            "Accept-Ranges": "bytes",
        }
        if hub.xet:
            refresh = (
                f"{hub.address}/api/{repository.kind}s/{repository.repo}/xet-read-token/{repository.commit}"
            )
            linked |= {"X-Xet-Hash": file.sha256[::-1], "Link": f'<{refresh}>; rel="xet-auth"'}
        self._redirect(
            302, f"{hub.cdn}/cdn/{place}?Expires=9999999999&Signature={hub.signature}", **commit, **linked
        )

    def _send_file(self, repository: Repository, file: File, canonical: str) -> None:
        """The bytes of a file or a range of it, with whatever fault is due."""
        hub = self.server.hub
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if self.server.origin == "cdn":
            headers["ETag"] = f'"{hashlib.md5(file.etag.encode()).hexdigest()}"'
            headers["Content-Disposition"] = f'inline; filename="{Path(file.name).name}";'
        else:
            headers |= {"ETag": f'"{file.etag}"', "X-Repo-Commit": repository.commit}
        first, last = 0, file.size - 1
        if self.record.range is not None:
            first, end = self.record.range
            last = last if end is None else min(end, last)
            if first > last:
                self._head(416, {"Content-Range": f"bytes */{file.size}", "Content-Length": "0"})
                return
            headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
        fault = None if self.command == "HEAD" else hub.take(self.record, canonical, in_the_body=True)
        count = last - first + 1
        if fault is not None and fault.kind == "short":
            count = min(count, fault.after)
        self._head(206 if self.record.range is not None else 200, headers | {"Content-Length": str(count)})
        if self.command == "HEAD":
            return
        with file.path.open("rb") as stream:
            stream.seek(first)
            left = count
            while left:
                done = count - left
                size = min(PIECE, left)
                if (
                    fault is not None
                    and fault.kind in ("cut", "reset", "stall", "wrong")
                    and done <= fault.after
                ):
                    size = min(size, fault.after - done)
                    if not size:
                        if fault.kind == "wrong":
                            self._write(bytes([stream.read(1)[0] ^ 0xFF]))
                            left -= 1
                            fault = None
                            continue
                        if fault.kind != "stall" or hub.wait():
                            self._hang_up(hard=fault.kind == "reset")
                            return
                        fault = None
                        continue
                if fault is not None and fault.kind == "drip":
                    size = min(size, max(1, fault.rate // 20))
                    if hub.wait(size / fault.rate):
                        self._hang_up(hard=False)
                        return
                piece = stream.read(size)
                self._write(piece)
                left -= len(piece)

    def _write(self, piece: bytes) -> None:
        """Send a piece, and count it first: who has received it may look before this thread goes on."""
        self.record.sent += len(piece)
        try:
            self.wfile.write(piece)
        except OSError:
            self.record.sent -= len(piece)
            raise

    def _hang_up(self, hard: bool) -> None:
        """End the connection inside a reply, with a reset if ``hard``."""
        self.close_connection = True
        if hard:
            time.sleep(0.05)  # a reset overtakes bytes that are still on their way
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.open.discard(self.connection)
            self.connection.close()

    def _api(self, repository: Repository, rest: str, query: dict[str, list[str]], body: bytes) -> None:
        hub = self.server.hub
        what, _, after = rest.partition("/")
        if what in ("", "revision"):
            if self._known(repository, unquote(after) or "main"):
                self._json(
                    info(repository, flag(query, "blobs"), hub.gated(repository.kind, repository.repo))
                )
        elif what == "tree":
            revision, folder = revision_and_path(after)
            if self._known(repository, revision):
                self._tree(repository, folder, query)
        elif what == "paths-info" and self.command == "POST":
            revision, _ = revision_and_path(after)
            if self._known(repository, revision):
                form = json.loads(body) if body.startswith(b"{") else parse_qs(body.decode())
                asked = set(form.get("paths", []))
                listed = entries(repository, hub.xet)
                self._json([entry for entry in listed if entry["path"] in asked])
        else:
            self._refuse(404, "", "Sorry, there is nothing here.")

    def _tree(self, repository: Repository, folder: str, query: dict[str, list[str]]) -> None:
        """One page of a listing, with a link to the next."""
        if folder and folder not in repository.folders():
            self._refuse(
                404, "EntryNotFound", f"{folder} does not exist", **{"X-Repo-Commit": repository.commit}
            )
            return
        recursive = flag(query, "recursive")
        listed = [
            entry
            for entry in entries(repository, self.server.hub.xet)
            if not folder or entry["path"].startswith(f"{folder}/")
            if recursive or "/" not in entry["path"][len(folder) + 1 if folder else 0 :]
        ]
        start = int(query.get("cursor", ["0"])[0])
        size = self.server.hub.page_size
        headers = {}
        if start + size < len(listed):
            where = f"{self.server.hub.address}{urlsplit(self.path).path}"
            link = f"{where}?recursive={recursive}&cursor={start + size}"
            headers["Link"] = f'<{link}>; rel="next"'
        self._json(listed[start : start + size], headers)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.record.status = status
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def _text(self, status: int, kind: str, text: bytes, headers: Mapping[str, str]) -> None:
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(text)), **headers})
        if self.command != "HEAD":
            self.wfile.write(text)

    def _json(self, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._text(200, "application/json; charset=utf-8", json.dumps(value).encode(), headers or {})

    def _redirect(self, status: int, location: str, **headers: str) -> None:
        self._text(status, "text/plain", b"Redirecting", {"Location": location, **headers})

    def _refuse(self, status: int, code: str, message: str, **headers: str) -> None:
        codes = {"X-Error-Code": code} if code else {}
        text = json.dumps({"error": message}).encode()
        self._text(status, "application/json", text, {**codes, "X-Error-Message": message, **headers})

    def date_time_string(self, timestamp: float | None = None) -> str:
        return email.utils.formatdate(timestamp, usegmt=True)
