"""Download of a repository's file into the cache of huggingface_hub, resumed and checked by hash.

The cache is shared with other users of huggingface_hub, so each file is downloaded once.
"""

import logging
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.utils import silent_tqdm

from evaluators.errors import HubError
from evaluators.hub.transfer.http_client import PATIENCE, Timeouts, Transfer
from evaluators.hub.transfer.hub_cache import COMMIT, delete, etag_of, is_sound, storage
from evaluators.hub.transfer.hub_errors import CLIENT_ERRORS, explain
from evaluators.hub.transfer.parallel_calls import Progress, watched
from evaluators.hub.transfer.repository_listing import (
    check_names,
    is_safe,
    list_files,
    may_use_cache,
    token_for,
)

MOST_BYTES = 8 << 30
SPARE_BYTES = 64 << 20
"""Left free on the disk."""
_POLL = 0.1
_ETAG = re.compile(r"[0-9A-Za-z_-]{1,128}")
_LOG = logging.getLogger(__name__)


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

    A broken transfer is resumed. A large file (LFS, hence all weights) is compared with its sha256; a wrong
    one is deleted and fetched once more. Threads that fetch the same file at once share one transfer.

    Args:
        kind: "model" or "dataset".
        revision: branch, tag or commit. A cached file of a commit needs no request.
        progress: called with bytes done and in total as they arrive; once for a cached file.
        stop: set it to give up.
        most_bytes: a larger file is refused before anything is transferred.
        public: only what the Hub gives to anybody now: send no token, and do not trust the cache alone.
    Raises: HubError; Cancelled within 0.6 s of ``stop``, whatever the network does: the fetching thread ends
        by itself at its time-out, and deletes what it has written.
    Cost: one HEAD request for a cached file; reading it once if its hash was not checked before.
    """
    check_names(repo, kind, revision)
    if not is_safe(name):
        raise HubError(
            f"{name!r} is no name of a file in a repository: expected a relative path such as a/b.bin."
        )
    transfer = Transfer(patience, most_bytes)
    wanted = _Wanted(repo, name, kind, revision, most_bytes, public)
    try:
        fetched = watched(lambda: _fetch(wanted, transfer), transfer, wanted.what, progress, stop)
    except CLIENT_ERRORS as error:
        raise explain(error, repo, name, kind, revision, _existing_names(error, wanted, patience)) from error
    if progress is not None:
        progress(fetched.bytes, fetched.bytes)
    return fetched


@dataclass(frozen=True)
class _Wanted:
    """Arguments of `fetch`."""

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
        """Path of the file in the cache."""
        path = try_to_load_from_cache(
            self.repo, self.name, revision=revision or self.revision, repo_type=self.kind
        )
        return Path(path) if isinstance(path, str) else None

    def fetched(self, path: Path, etag: str) -> Fetched:
        commit = path.relative_to(self.folder / "snapshots").parts[0]
        return Fetched(path, self.repo, self.name, commit, etag, path.stat().st_size)


_LOCKS: WeakValueDictionary[tuple[str, str], threading.Lock] = WeakValueDictionary()
"""By folder and name of a file, while a thread fetches it."""
_LOCKS_LOCK = threading.Lock()


def _fetch(wanted: _Wanted, transfer: Transfer) -> Fetched:
    """The file, in the thread that waits for the network; one thread at a time for each file."""
    with _LOCKS_LOCK:
        lock = _LOCKS.setdefault((str(wanted.folder), wanted.name), threading.Lock())
    while not lock.acquire(timeout=_POLL):
        transfer.check()
    try:
        return _newest(wanted, transfer)
    finally:
        lock.release()


def _newest(wanted: _Wanted, transfer: Transfer) -> Fetched:
    """The cached file if the Hub has no newer one, else the newer one."""
    cached = wanted.cached()
    if cached is not None:
        _check_size(wanted, cached.stat().st_size)
        if not is_sound(wanted.folder, cached, etag_of(cached)):
            _LOG.warning("The cached %s is damaged: it is deleted and fetched again.", wanted.what)
            delete(cached)
            cached = None
    if cached is not None and not wanted.public and COMMIT.fullmatch(wanted.revision):
        return wanted.fetched(cached, etag_of(cached))
    url = hf_hub_url(wanted.repo, wanted.name, repo_type=wanted.kind, revision=wanted.revision)
    try:
        metadata = get_hf_file_metadata(url, token=token_for(wanted.public))
    except CLIENT_ERRORS as error:
        if cached is not None and not wanted.public and may_use_cache(error):
            _LOG.warning(
                "The Hub cannot be asked about %s (%s): the cached file is used.", wanted.what, error
            )
            return wanted.fetched(cached, etag_of(cached))
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
    """The file at a commit, transferred unless it is cached, with its hash checked."""
    for attempt in (1, 2):
        blob = wanted.folder / "blobs" / etag
        if size is not None and wanted.cached(commit) is None and not blob.exists():
            cache = Path(constants.HF_HUB_CACHE)
            check_space(wanted.what, size, cache, "let HF_HOME name a folder on another disk")
        transfer.check()
        path = Path(
            hf_hub_download(
                wanted.repo,
                wanted.name,
                repo_type=wanted.kind,
                revision=wanted.revision,
                tqdm_class=silent_tqdm,
                token=token_for(wanted.public),
            )
        )
        if is_sound(wanted.folder, path, etag):
            return wanted.fetched(path, etag)
        _LOG.warning("%s does not have the content that the Hub names: attempt %d.", wanted.what, attempt)
        delete(path)
    raise HubError(
        f"{wanted.what} arrived twice with another content than the Hub names (sha256 {etag}): the "
        f"connection or {constants.ENDPOINT} changes files on the way. Nothing was kept; try another network."
    )


def _check_size(wanted: _Wanted, size: int) -> None:
    """Raises: HubError if a file is larger than allowed."""
    if size > wanted.most_bytes:
        raise HubError(
            f"{wanted.what} has {size:,} bytes, at most {wanted.most_bytes:,} are allowed: "
            "choose a smaller file."
        )


def check_space(what: str, size: int, folder: Path, otherwise: str) -> None:
    """Raises: HubError if ``size`` bytes do not fit onto the disk of a folder, which need not exist yet."""
    existing = folder
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < size + SPARE_BYTES:
        raise HubError(
            f"{what} needs {size / 1e6:,.0f} MB and {folder} has {free / 1e6:,.0f} MB free. "
            f"Free some space, or {otherwise}."
        )


def _existing_names(error: Exception, wanted: _Wanted, patience: Timeouts) -> tuple[str, ...]:
    """Names of the repository's files, if the error is that a file is not there."""
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
        return ()  # the message names none


def is_cached(repo: str, name: str, *, kind: str = "model", revision: str = "main") -> bool:
    """Whether a file lies in the cache."""
    return _Wanted(repo, name, kind, revision, MOST_BYTES).cached() is not None
