"""The one door to the Hub: list a repository's files, and fetch one.

Files lie in the cache of huggingface_hub, where its other users find them, so each is transferred once.
"""

import logging
import re
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote
from weakref import WeakValueDictionary

from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._validators import validate_repo_id
from huggingface_hub.utils.tqdm import silent_tqdm

from evaluators.errors import Cancelled, HubError
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Timeouts, Transfer, Unreachable, watching
from evaluators.hub.transfer.hub_cache import (
    COMMIT,
    delete,
    etag_of,
    fetched_names,
    is_sound,
    keep_listing,
    kept_listing,
    storage,
)
from evaluators.hub.transfer.hub_errors import CLIENT_ERRORS, explain, hub_errors
from evaluators.hub.transfer.parallel_calls import in_thread

__all__ = ["Fetched", "Progress", "Timeouts", "fetch", "hub_errors", "is_cached", "list_files"]

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in total, about ten times a second, in the thread that called."""
MOST_BYTES = 8 << 30
SPARE_BYTES = 64 << 20
"""Left free on the disk."""
KINDS = ("model", "dataset")
_LOOK = 0.1
_GRACE = 0.5
"""Seconds that a stopped transfer gets to tidy up before its caller goes on."""
_ETAG = re.compile(r"[0-9A-Za-z_-]{1,128}")
_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Fetched:
    """A file of the Hub on this machine.

    Args:
        path: to read it from. Never write there: it may be shared.
        repo: "owner/name".
        name: in the repository.
        commit: of the repository.
        etag: names the content: the sha256 of a large file, git's hash of a small one.
        bytes: its size.
    """

    path: Path
    repo: str
    name: str
    commit: str
    etag: str
    bytes: int


def list_files(
    repo: str,
    *,
    kind: str = "model",
    revision: str = "main",
    patience: Timeouts = PATIENCE,
    public: bool = False,
) -> tuple[str, ...]:
    """Names of all files of a repository, sorted.

    Without the Hub, those of the last listing on this machine; if there was none, those that were fetched.
    The names are a stranger's: one that could lead out of a folder is left out.

    Args:
        kind: "model" or "dataset".
        revision: branch, tag or commit. The listing of a commit is asked for once.
        public: as for ``fetch``.
    Raises: HubError.
    Cost: one request for 1,000 files.
    """
    _check(repo, kind, revision)
    folder = storage(repo, kind)
    kept = folder / "lines" / "listings" / f"{quote(revision, safe='')}.json"
    if not public and COMMIT.fullmatch(revision) and (names := kept_listing(kept)):
        return names
    transfer = Transfer(patience, MOST_BYTES)
    try:
        with watching(transfer):
            tree = HfApi(token=_token(public)).list_repo_tree(
                repo, recursive=True, revision=revision, repo_type=kind
            )
            found = [entry.path for entry in tree if isinstance(entry, RepoFile)]
    except CLIENT_ERRORS as error:
        names = kept_listing(kept) or fetched_names(folder, revision)
        if names and not public and _may_use_cache(error):
            _LOG.warning("The Hub cannot list %s now (%s): its last listing is used.", repo, error)
            return names
        raise explain(error, repo, "", kind, revision) from error
    names = tuple(sorted(name for name in found if _is_safe(name)))
    keep_listing(kept, names)
    return names


def fetch(
    repo: str,
    name: str,
    *,
    kind: str = "model",
    revision: str = "main",
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    most_bytes: int = MOST_BYTES,
    patience: Timeouts = PATIENCE,
    public: bool = False,
) -> Fetched:
    """A file of the Hub, from the cache if the Hub has no newer one or cannot be asked.

    A transfer that breaks off is resumed. A large file (LFS, hence all weights) is compared with its sha256;
    one that is wrong is deleted and fetched once more. Two threads that want one file transfer it once.

    Args:
        kind: "model" or "dataset".
        revision: branch, tag or commit. Of a commit, a file that is here is not asked about again.
        progress: told of the bytes as they come; of a file that is here only once, that it is all here.
        stop: set it to give up.
        most_bytes: size from which the file is refused, before anything is transferred.
        public: only what the Hub gives to anybody, now: neither this machine's token nor its cache alone
            says that whoever asks may have it.
    Raises: HubError; Cancelled within 0.6 s of ``stop``, whatever the network does: the thread that waits for
        it ends by itself, with its time-out, and deletes what it has written.
    Cost: one HEAD request for a file that is here; reading it once if it was not found sound before.
    """
    _check(repo, kind, revision)
    if not _is_safe(name):
        raise HubError(
            f"{name!r} is no name of a file in a repository: expected a relative path such as a/b.bin."
        )
    transfer = Transfer(patience, most_bytes)
    wanted = _Wanted(repo, name, kind, revision, most_bytes, public)
    try:
        fetched = watched(lambda: _fetch(wanted, transfer), transfer, wanted.what, progress, stop)
    except CLIENT_ERRORS as error:
        raise explain(error, repo, name, kind, revision, _existing(error, wanted, patience)) from error
    if progress is not None:
        progress(fetched.bytes, fetched.bytes)
    return fetched


def watched(
    fetch: Callable[[], _Result],
    transfer: Transfer,
    what: str,
    progress: Progress | None,
    stop: threading.Event | None,
) -> _Result:
    """What ``fetch`` returns, which waits for the network in a thread of its own, while this one can stop it.

    Args:
        transfer: that the requests of ``fetch`` belong to.
        what: is fetched, in words.
        progress, stop: as for ``fetch``.
    Raises: what ``fetch`` raises; Cancelled within 0.6 s of ``stop``.
    """

    def in_transfer() -> _Result:
        with watching(transfer):
            return fetch()

    future = in_thread(in_transfer, f"fetch {what}")
    told = 0
    try:
        while not future.done():
            wait([future], _LOOK)
            if stop is not None and stop.is_set():
                raise Cancelled(f"Stopped fetching {what}.")
            if progress is not None and transfer.total and told != transfer.done < transfer.total:
                told = transfer.done
                progress(told, transfer.total)
    finally:
        transfer.end()
        wait([future], _GRACE)
    return future.result()


@dataclass(frozen=True)
class _Wanted:
    """What `fetch` was asked for."""

    repo: str
    name: str
    kind: str
    revision: str
    most_bytes: int
    public: bool = False

    @property
    def what(self) -> str:
        return f"{self.repo}/{self.name}"

    @property
    def folder(self) -> Path:
        return storage(self.repo, self.kind)

    def cached(self, revision: str | None = None) -> Path | None:
        """Where the file lies already."""
        found = try_to_load_from_cache(
            self.repo, self.name, revision=revision or self.revision, repo_type=self.kind
        )
        return Path(found) if isinstance(found, str) else None

    def found(self, path: Path, etag: str) -> Fetched:
        commit = path.relative_to(self.folder / "snapshots").parts[0]
        return Fetched(path, self.repo, self.name, commit, etag, path.stat().st_size)


class _Lock:
    """A lock that can be forgotten once nobody holds it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


_LOCKS: WeakValueDictionary[tuple[str, str], _Lock] = WeakValueDictionary()
_LOCKS_LOCK = threading.Lock()


def _fetch(wanted: _Wanted, transfer: Transfer) -> Fetched:
    """The file, in the thread that waits for the network, one thread at a time for one file."""
    with _LOCKS_LOCK:
        lock = _LOCKS.setdefault((str(wanted.folder), wanted.name), _Lock())
    while not lock.lock.acquire(timeout=_LOOK):
        transfer.check()
    try:
        return _newest(wanted, transfer)
    finally:
        lock.lock.release()


def _newest(wanted: _Wanted, transfer: Transfer) -> Fetched:
    """The file that is here if the Hub has no other one, else that other one."""
    here = wanted.cached()
    if here is not None:
        _check_size(wanted, here.stat().st_size)
        if not is_sound(wanted.folder, here, etag_of(here)):
            _LOG.warning("%s is damaged on this machine: it is deleted and fetched again.", wanted.what)
            delete(here)
            here = None
    if here is not None and not wanted.public and COMMIT.fullmatch(wanted.revision):
        return wanted.found(here, etag_of(here))
    url = hf_hub_url(wanted.repo, wanted.name, repo_type=wanted.kind, revision=wanted.revision)
    try:
        metadata = get_hf_file_metadata(url, token=_token(wanted.public))
    except CLIENT_ERRORS as error:
        if here is not None and not wanted.public and _may_use_cache(error):
            _LOG.warning("The Hub cannot be asked about %s (%s): the file here is used.", wanted.what, error)
            return wanted.found(here, etag_of(here))
        raise
    etag, commit, size = metadata.etag or "", metadata.commit_hash or "", metadata.size
    if not (_ETAG.fullmatch(etag) and COMMIT.fullmatch(commit)):
        raise HubError(
            f"{constants.ENDPOINT} does not answer for {wanted.what} as a Hub does: it names "
            f"commit {commit!r} and etag {etag!r}. Check HF_ENDPOINT, proxy and firewall."
        )
    if size is not None:
        _check_size(wanted, size)
    transfer.total = size
    return _download(wanted, transfer, etag, commit, size)


def _download(wanted: _Wanted, transfer: Transfer, etag: str, commit: str, size: int | None) -> Fetched:
    """The file at a commit, transferred unless it is here, and found sound."""
    for attempt in (1, 2):
        blob = wanted.folder / "blobs" / etag
        if size is not None and wanted.cached(commit) is None and not blob.exists():
            _check_space(wanted, size)
        transfer.check()
        path = Path(
            hf_hub_download(
                wanted.repo,
                wanted.name,
                repo_type=wanted.kind,
                revision=wanted.revision,
                tqdm_class=silent_tqdm,
                token=_token(wanted.public),
            )
        )
        if is_sound(wanted.folder, path, etag):
            return wanted.found(path, etag)
        _LOG.warning("%s does not have the content that the Hub names: attempt %d.", wanted.what, attempt)
        delete(path)
    raise HubError(
        f"{wanted.what} came twice with another content than the Hub names (sha256 {etag}): the connection "
        f"or {constants.ENDPOINT} changes files on the way. Nothing was kept; try another network."
    )


def _check_size(wanted: _Wanted, size: int) -> None:
    """Raises: HubError if a file is larger than allowed."""
    if size > wanted.most_bytes:
        raise HubError(
            f"{wanted.what} has {size:,} bytes, at most {wanted.most_bytes:,} are allowed: "
            "choose a smaller file."
        )


def _check_space(wanted: _Wanted, size: int) -> None:
    """Raises: HubError if a file does not fit onto the disk."""
    free = free_bytes(Path(constants.HF_HUB_CACHE))
    if free < size + SPARE_BYTES:
        raise HubError(
            f"{wanted.what} needs {size / 1e6:,.0f} MB and {constants.HF_HUB_CACHE} has {free / 1e6:,.0f} MB "
            "free. Free some space, or let HF_HOME name a folder on another disk."
        )


def free_bytes(folder: Path) -> int:
    """Free on the disk that a folder is on, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _existing(error: Exception, wanted: _Wanted, patience: Timeouts) -> tuple[str, ...]:
    """What the repository has, if the error is that a file is not there."""
    if not isinstance(error, RemoteEntryNotFoundError):
        return ()
    try:
        return list_files(
            wanted.repo,
            kind=wanted.kind,
            revision=wanted.revision,
            patience=patience,
            public=wanted.public,
        )
    except HubError:
        return ()  # the message does without


def is_cached(repo: str, name: str, *, kind: str = "model", revision: str = "main") -> bool:
    """Whether a file lies in the cache."""
    return _Wanted(repo, name, kind, revision, MOST_BYTES).cached() is not None


def _token(public: bool) -> bool | None:
    """What the client is told of this machine's token: nothing, or not to send it."""
    return False if public else None


def _may_use_cache(error: Exception) -> bool:
    """Whether an error leaves open that what is on this machine is still right."""
    if isinstance(error, (RevisionNotFoundError, RemoteEntryNotFoundError)):
        return False
    return isinstance(error, (Refused, Unreachable, OfflineModeIsEnabled, HfHubHTTPError))


def _check(repo: str, kind: str, revision: str) -> None:
    """Raises: HubError for names that cannot be, or that lead out of the cache."""
    if kind not in KINDS:
        raise HubError(f"Expected a repository of kind {' or '.join(KINDS)}, got {kind!r}.")
    with hub_errors(repo):
        validate_repo_id(repo)
    if repo.count("/") != 1:
        raise HubError(f"{repo!r} is no name of a repository: expected owner/name.")
    if not _is_safe(revision):
        raise HubError(f"{revision!r} is no revision of {repo}: expected a branch, tag or commit.")


def _is_safe(name: str) -> bool:
    """Whether a stranger's name stays inside the folder it is put in, on every platform.

    >>> [_is_safe(name) for name in ("a/b.pt", "../b.pt", "/b.pt", "a//b.pt", "c:b.pt", "a\\\\b.pt", "")]
    [True, False, False, False, False, False, False]
    """
    parts = name.split("/")
    return (
        0 < len(name) <= 1024
        and name.isprintable()
        and not any(part in ("", ".", "..") for part in parts)
        and not any(character in name for character in '\\:*?"<>|')
    )
