"""A small Hub on this machine: a real HTTP server that speaks what huggingface_hub and datasets ask for.

It serves a folder tree, read anew at every request, so a test may add files at any time:

    <root>/models/<owner>/<name>/...        <root>/datasets/<owner>/<name>/...

In a test, the fixture ``hub`` (``tests/hub/conftest.py``) listens on the port that ``HF_ENDPOINT`` names
already, and clients are used unmodified:

    def test_something(hub: Hub) -> None:
        folder = hub.folder("owner/name")                    # or kind="dataset"
        (folder / "config.json").write_text("{}")
        path = huggingface_hub.hf_hub_download("owner/name", "config.json")
        assert [request.name for request in hub.downloads("owner/name")] == ["config.json"]

Faults are put on paths. A pattern is a glob found anywhere in ``/<owner>/<name>/resolve/<revision>/<file>``
(``/datasets/...`` for data sets; a file keeps that path behind redirects) or in the path of an API call:

    hub.fail("resolve/*/model.safetensors", "cut", after=1_000_000)           # once, then all is well
    hub.fail("owner/name", "status", status=429, retry_after=2, times=None)   # always

    before the reply: status (any; 429 with retry_after), drop (hang up), slow (wait ``seconds``)
    in the bytes of a file, once ``after`` of this reply's bytes are out: cut (hang up politely), reset,
        stall (``seconds``), drip (``rate`` bytes a second), wrong (one byte differs), short (a shorter file)

``hub.requests`` keeps every request with its range and how many bytes of a file went out; ``hub.gate``
closes a repository, ``with hub.down():`` refuses connections, ``hub.clear()`` forgets faults, gates and
requests. The fixture gives each test its own empty root and an empty ``HF_HUB_CACHE``. HfFileSystem keeps
its instances, and in them their listings: a test that uses it calls ``clear_instance_cache()`` first.

As on the real Hub: the commit is a hash of the content, "main" and the commit are the revisions there are.
A file in git answers with a redirect on the same host and the git hash as its etag; a large one (``LARGE``,
or 10 MB) with a redirect to another origin, X-Linked-Etag (its sha256) and X-Linked-Size. A repository that
does not exist answers 401 to a stranger and 404 to someone with a token. Listings come in pages of
``page_size``. Files are sent in pieces and never held in memory.

Source: the requests of huggingface_hub 2.4.0 (file_download.py, hf_api.py, hf_file_system.py, utils/_http.py)
and datasets 5.2.0 (load.py).
"""

import email.utils
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

Kind = Literal["model", "dataset"]
Fault = Literal["status", "drop", "slow", "cut", "reset", "stall", "drip", "wrong", "short"]
IN_THE_BODY = ("cut", "reset", "stall", "drip", "wrong", "short")
LARGE = tuple(".safetensors .bin .pt .pth .ckpt .npy .npz .pkl .parquet .arrow .tar .zip .gz .h5".split())
"""Endings that the Hub's default .gitattributes keeps in LFS."""
LARGE_BYTES = 10_000_000
PIECE = 1 << 20
DATE = "2024-01-01T00:00:00.000Z"
API = re.compile(r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)(?:/(?P<rest>.*))?")
RESOLVE = re.compile(r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<rest>.+)")
BEHIND = re.compile(
    r"/(?:api/resolve-cache|cdn)/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)/(?P<rest>[0-9a-f]{40}/.+)"
)
SPECIAL = re.compile(r"(refs(?:/|%2F)(?:convert|pr)(?:/|%2F)[^/]+)(?:/(.*))?", re.IGNORECASE)
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass
class Request:
    """One request as it came, and what became of it.

    Args:
        origin: "hub", or "cdn" for the other origin that large files are sent from.
        path: as asked, without percent signs and query.
        repo: "owner/name", empty where the path names none.
        name: of the file inside the repository, empty where the path names none.
        range: (first byte, last byte or None) of a Range header.
        token: of the Authorization header.
        status: of the answer, 0 if there was none.
        sent: bytes of the file that were handed to the network.
    """

    origin: str
    method: str
    path: str
    query: str
    repo: str
    name: str
    range: tuple[int, int | None] | None
    token: str | None
    headers: Mapping[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class _Fault:
    pattern: str
    kind: Fault
    times: int | None
    skip: int
    method: str | None
    origin: str | None
    status: int
    retry_after: float | None
    after: int
    seconds: float
    rate: int


@dataclass(frozen=True)
class _File:
    name: str
    path: Path
    size: int
    large: bool
    sha256: str
    """Of a large file, empty for the others."""
    blob: str
    """Git's hash: of the content, or of the pointer that stands for a large file."""

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.blob

    def entry(self, expand: bool, xet: bool) -> dict[str, Any]:
        """As in a tree listing."""
        entry: dict[str, Any] = {"type": "file", "oid": self.blob, "size": self.size, "path": self.name}
        if self.large:
            pointer = len(_pointer(self.sha256, self.size))
            entry["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": pointer}
            if xet:
                entry["xetHash"] = self.sha256[::-1]
        return entry | (_last_commit() if expand else {})


@dataclass(frozen=True)
class _Repository:
    kind: Kind
    repo: str
    commit: str
    files: dict[str, _File]

    def folders(self) -> set[str]:
        return {str(parent) for name in self.files for parent in Path(name).parents} - {"."}


@dataclass
class Hub:
    """The server; tests get it from the fixture ``hub``.

    Args:
        root: folder of models/ and datasets/.
        port: to listen on.
        held: a socket bound to the port already.
        page_size: entries a page of a listing.
        xet: announce large files as stored in Xet, as the real Hub does for most.
    """

    root: Path
    port: int
    held: socket.socket | None = None
    page_size: int = 1000
    xet: bool = False
    requests: list[Request] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    """Errors inside the server that are no test's doing: the fixture fails on them."""
    _faults: list[_Fault] = field(default_factory=list)
    _gates: dict[tuple[Kind, str], str | None] = field(default_factory=dict)
    _digests: dict[tuple[str, int, int], tuple[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _release: threading.Event = field(default_factory=threading.Event)
    _servers: list["_Server"] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cdn(self) -> str:
        """The other origin: another port, so that clients must not send their token there."""
        return f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    def folder(self, repo: str, kind: Kind = "model") -> Path:
        """Folder of a repository, made if there is none."""
        folder = self.root / f"{kind}s" / repo
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(self, repo: str, kind: Kind = "model") -> str:
        """The commit its content stands for now."""
        repository = self.read(kind, repo)
        assert repository is not None, f"there is no {kind} {repo}"
        return repository.commit

    def fail(
        self,
        pattern: str,
        kind: Fault,
        *,
        times: int | None = 1,
        skip: int = 0,
        method: str | None = None,
        origin: Literal["hub", "cdn"] | None = None,
        status: int = 503,
        retry_after: float | None = None,
        after: int = 0,
        seconds: float = 60.0,
        rate: int = 100_000,
    ) -> None:
        """Put a fault on a path; see the module for the kinds.

        Args:
            times: requests it befalls, None for all.
            skip: matching requests that are left alone first.
            method, origin: only requests of that method, or at "hub" or "cdn".
        """
        fault = _Fault(pattern, kind, times, skip, method, origin, status, retry_after, after, seconds, rate)
        with self._lock:
            self._faults.append(fault)

    def gate(self, repo: str, kind: Kind = "model", token: str | None = None) -> None:
        """Refuse the files of a repository to everyone but the bearer of ``token``; listings stay public."""
        self._gates[kind, repo] = token

    def clear(self) -> None:
        """Forget faults, gates and requests, and let go of requests that a fault holds up."""
        with self._lock:
            self._faults.clear()
            self._gates.clear()
            self.requests.clear()
        self.page_size, self.xet = 1000, False
        release, self._release = self._release, threading.Event()
        release.set()

    def downloads(self, repo: str | None = None, name: str | None = None) -> list[Request]:
        """Requests that a file's bytes went out for, oldest first."""
        return [
            request
            for request in list(self.requests)
            if request.method == "GET"
            and request.name
            and request.status in (200, 206)
            and repo in (None, request.repo)
            and name in (None, request.name)
        ]

    def start(self) -> None:
        """Listen."""
        first = _Server(self, "hub", self.port, self.held)
        self.held = None
        self._servers = [first, _Server(self, "cdn", 0, None)]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse new connections and hang up on those there are."""
        self._release.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
            server.hang_up()
        self._servers = []
        self._release = threading.Event()

    @contextmanager
    def down(self) -> Iterator[None]:
        """The Hub cannot be reached until the block ends: connections are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def read(self, kind: Kind, repo: str) -> _Repository | None:
        """The repository as it is on disk now, None if there is none."""
        folder = self.root / f"{kind}s" / repo
        if not folder.is_dir():
            return None
        files = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                files[name] = self._file(name, path)
        text = "".join(f"{file.name}\0{file.etag}\n" for file in files.values())
        return _Repository(kind, repo, hashlib.sha1(f"{kind} {repo}\n{text}".encode()).hexdigest(), files)

    def _file(self, name: str, path: Path) -> _File:
        stat = path.stat()
        large = name.endswith(LARGE) or stat.st_size >= LARGE_BYTES
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in self._digests:
            digest = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % stat.st_size)
            with path.open("rb") as stream:
                while piece := stream.read(PIECE):
                    digest.update(piece)
            found = digest.hexdigest()
            pointer = _pointer(found, stat.st_size)
            blob = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest() if large else found
            self._digests[key] = (found if large else "", blob)
        return _File(name, path, stat.st_size, large, *self._digests[key])

    def take(self, request: Request, canonical: str, in_the_body: bool) -> _Fault | None:
        """The fault that befalls a request at this stage, counted down."""
        with self._lock:
            for fault in self._faults:
                if (
                    fault.times == 0
                    or (fault.kind in IN_THE_BODY) is not in_the_body
                    or fault.method not in (None, request.method)
                    or fault.origin not in (None, request.origin)
                    or not fnmatchcase(canonical, f"*{fault.pattern}*")
                ):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def may_read(self, kind: Kind, repo: str, token: str | None) -> bool:
        return (kind, repo) not in self._gates or (token is not None and token == self._gates[kind, repo])

    def gated(self, kind: Kind, repo: str) -> bool:
        return (kind, repo) in self._gates

    def wait(self, seconds: float) -> bool:
        """Hold a request up; True if the test has ended meanwhile."""
        return self._release.wait(seconds)


def _pointer(sha256: str, size: int) -> bytes:
    """The text that git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def _last_commit() -> dict[str, Any]:
    return {"lastCommit": {"id": "0" * 40, "title": "Add files", "date": DATE}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, hub: Hub, origin: str, port: int, held: socket.socket | None) -> None:
        self.hub, self.origin = hub, origin
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler, bind_and_activate=held is None)
        if held is not None:
            self.socket.close()
            self.socket = held
            self.server_address = held.getsockname()
            self.server_activate()

    def server_bind(self) -> None:
        # HTTPServer would ask the network for this machine's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        import sys

        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):  # a client that hangs up is none of ours
            self.hub.crashes.append(error)

    def hang_up(self) -> None:
        """End the connections that clients keep for their next request."""
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has gone by itself


class _Handler(BaseHTTPRequestHandler):
    """One connection. Names are those of the HTTP methods, as the base class wants them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every reply waits 40 ms for the client's acknowledgement
    server: _Server
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
            revision, name = _revision_and_path(found["rest"])
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
        if fault is not None and fault.kind == "slow" and hub.wait(fault.seconds):
            self.close_connection = True
            return
        if fault is not None and fault.kind == "status":
            extra = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            self._refuse(fault.status, "", f"Fault {fault.status} of the test.", **extra)
            return

        repository = hub.read(kind, repo) if found else None
        if not found:
            self._refuse(404, "", "Sorry, there is nothing here.")
        elif repository is None:
            status = 404 if self.record.token else 401
            self._refuse(
                status, "RepoNotFound", "Repository not found" if self.record.token else "Invalid username"
            )
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
        if not first:
            return (-int(last), None)
        return (int(first), int(last) if last else None)

    def _known(self, repository: _Repository, revision: str) -> bool:
        if revision in ("main", "refs/heads/main", repository.commit):
            return True
        self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return False

    def _resolve(self, repository: _Repository, revision: str, name: str) -> None:
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
        self._redirect(302, f"{hub.cdn}/cdn/{place}?Expires=9999999999&Signature=local", **commit, **linked)

    def _send_file(self, repository: _Repository, file: _File, canonical: str) -> None:
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
            if first < 0:
                first = max(0, file.size + first)
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
                            self.wfile.write(bytes([stream.read(1)[0] ^ 0xFF]))
                            self.record.sent += 1
                            left -= 1
                            fault = None
                            continue
                        if fault.kind != "stall" or hub.wait(fault.seconds):
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
                self.wfile.write(piece)
                self.record.sent += len(piece)
                left -= len(piece)

    def _hang_up(self, hard: bool) -> None:
        """End the connection inside a reply, with a reset if ``hard``."""
        self.close_connection = True
        if hard:
            time.sleep(0.05)  # a reset overtakes bytes that are still on their way
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.open.discard(self.connection)
            self.connection.close()

    def _api(self, repository: _Repository, rest: str, query: dict[str, list[str]], body: bytes) -> None:
        what, _, after = rest.partition("/")
        if what in ("", "revision"):
            revision = unquote(after) or "main"
            if self._known(repository, revision):
                self._json(self._info(repository, blobs=query.get("blobs", ["false"])[0].lower() == "true"))
        elif what == "refs":
            main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.commit}
            self._json({"branches": [main], "converts": [], "tags": [], "pullRequests": []})
        elif what == "commits":
            commit = {
                "id": repository.commit,
                "authors": [],
                "date": DATE,
                "title": "Add files",
                "message": "",
            }
            if self._known(repository, unquote(after)):
                self._json([commit])
        elif what == "tree":
            revision, folder = _revision_and_path(after)
            if self._known(repository, revision):
                self._tree(repository, folder, query)
        elif what == "paths-info" and self.command == "POST":
            revision, _ = _revision_and_path(after)
            if self._known(repository, revision):
                form = json.loads(body) if body.startswith(b"{") else parse_qs(body.decode())
                expand = str(form.get("expand", ["false"])).lower().strip("['\"]") == "true"
                asked = set(form.get("paths", []))
                self._json([entry for entry in self._entries(repository, expand) if entry["path"] in asked])
        else:
            self._refuse(404, "", "Sorry, there is nothing here.")

    def _info(self, repository: _Repository, blobs: bool) -> dict[str, Any]:
        siblings: list[dict[str, Any]] = []
        for file in repository.files.values():
            sibling: dict[str, Any] = {"rfilename": file.name}
            if blobs:
                sibling |= {"size": file.size, "blobId": file.blob}
                if file.large:
                    pointer = len(_pointer(file.sha256, file.size))
                    sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": pointer}
            siblings.append(sibling)
        info: dict[str, Any] = {
            "id": repository.repo,
            "author": repository.repo.partition("/")[0],
            "sha": repository.commit,
            "private": False,
            "disabled": False,
            "gated": "manual" if self.server.hub.gated(repository.kind, repository.repo) else False,
            "lastModified": DATE,
            "createdAt": DATE,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": siblings,
        }
        return info | ({"modelId": repository.repo} if repository.kind == "model" else {})

    def _entries(self, repository: _Repository, expand: bool) -> list[dict[str, Any]]:
        folders = [
            {"type": "directory", "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0, "path": name}
            | (_last_commit() if expand else {})
            for name in repository.folders()
        ]
        files = [file.entry(expand, self.server.hub.xet) for file in repository.files.values()]
        return sorted([*folders, *files], key=lambda entry: str(entry["path"]))

    def _tree(self, repository: _Repository, folder: str, query: dict[str, list[str]]) -> None:
        """One page of a listing, with a link to the next."""
        if folder and folder not in repository.folders():
            self._refuse(
                404, "EntryNotFound", f"{folder} does not exist", **{"X-Repo-Commit": repository.commit}
            )
            return
        recursive = query.get("recursive", ["false"])[0].lower() == "true"
        expand = query.get("expand", ["false"])[0].lower() == "true"
        entries = [
            entry
            for entry in self._entries(repository, expand)
            if not folder or entry["path"].startswith(f"{folder}/")
            if recursive or "/" not in entry["path"][len(folder) + 1 if folder else 0 :]
        ]
        start = int(query.get("cursor", ["0"])[0])
        size = min(self.server.hub.page_size, 50) if expand else self.server.hub.page_size
        headers = {}
        if start + size < len(entries):
            where = f"{self.server.hub.address}{urlsplit(self.path).path}"
            link = f"{where}?recursive={recursive}&expand={expand}&cursor={start + size}"
            headers["Link"] = f'<{link}>; rel="next"'
        self._json(entries[start : start + size], headers)

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


def _revision_and_path(rest: str) -> tuple[str, str]:
    """Revision and path at the end of a URL; refs/convert/... and refs/pr/... are revisions too."""
    match = SPECIAL.fullmatch(rest)
    revision, path = match.groups() if match else rest.partition("/")[::2]
    return unquote(revision), unquote(path or "")
