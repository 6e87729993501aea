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

    before the reply: status (any; 429 with retry_after), drop (hang up), slow (wait a minute),
        expire (this and every other address of a large file signed so far answers 403)
    in the bytes of a file, once ``after`` of this reply's bytes are out: cut (hang up politely), reset,
        stall (a minute), drip (``rate`` bytes a second), wrong (one byte differs), short (a shorter file)

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

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from tests.hub.faults import Fault, FaultKind, Request
from tests.hub.http_handler import Handler
from tests.hub.served_files import Digests, Kind, Repository, read_repository


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
    signature: int = 0
    """In the addresses of large files that are valid now."""
    _faults: list[Fault] = field(default_factory=list)
    _gates: dict[tuple[Kind, str], str | None] = field(default_factory=dict)
    _digests: Digests = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _release: threading.Event = field(default_factory=threading.Event)
    _servers: list["HubServer"] = field(default_factory=list)

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
        kind: FaultKind,
        *,
        times: int | None = 1,
        skip: int = 0,
        origin: Literal["hub", "cdn"] | None = None,
        status: int = 503,
        retry_after: float | None = None,
        after: int = 0,
        rate: int = 100_000,
    ) -> None:
        """Put a fault on a path; see the module for the kinds.

        Args:
            times: requests it befalls, None for all.
            skip: matching requests that are left alone first.
            origin: only requests at "hub" or "cdn".
        """
        fault = Fault(pattern, kind, times, skip, origin, status, retry_after, after, rate)
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
        first = HubServer(self, "hub", self.port, self.held)
        self.held = None
        self._servers = [first, HubServer(self, "cdn", 0, None)]
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

    def read(self, kind: Kind, repo: str) -> Repository | None:
        """The repository as it is on disk now, None if there is none."""
        return read_repository(self.root, kind, repo, self._digests)

    def take(self, request: Request, canonical: str, in_the_body: bool) -> Fault | None:
        """The fault on a request at this stage, counted down."""
        with self._lock:
            for fault in self._faults:
                if not fault.hits(request, canonical, in_the_body):
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

    def wait(self, seconds: float = 60.0) -> bool:
        """Hold a request up; True if the test has ended meanwhile."""
        return self._release.wait(seconds)


class HubServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, hub: Hub, origin: str, port: int, held: socket.socket | None) -> None:
        self.hub, self.origin = hub, origin
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler, bind_and_activate=held is None)
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
