"""Download of a file from an address outside the Hub, such as a release on GitHub: resumed, checked, cached.

It goes through the same HTTP client as the Hub's files: time-outs, retries, counted bytes, cancellation. What
a broken transfer has brought is kept beside the file, and any process continues it.
"""

import json
import logging
import os
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from huggingface_hub import get_session
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import httpx

from evaluators.errors import HubError
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Timeouts, TooLarge, Transfer, Unreachable
from evaluators.hub.transfer.hub_cache import stamp
from evaluators.hub.transfer.hub_errors import FULL
from evaluators.hub.transfer.parallel_calls import Progress, watched
from evaluators.hub.transfer.repository_files import MOST_BYTES, check_space
from lines_core.file_hash import sha256_of

_POLL = 0.1
_LOG = logging.getLogger(__name__)
_ERRORS = (OSError, httpx.HTTPError, OfflineModeIsEnabled, Refused, TooLarge, Unreachable)


@dataclass(frozen=True)
class FetchedAddress:
    """A file of an address on this machine.

    Args:
        path: to read it from.
        sha256: of the content that arrived.
        bytes: its size.
    """

    path: Path
    sha256: str
    bytes: int


def fetch_address(
    address: str,
    folder: Path,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    most_bytes: int = MOST_BYTES,
    patience: Timeouts = PATIENCE,
) -> FetchedAddress:
    """The file at an address, from the folder if it is there.

    For files that never change under their address: a cached one needs no request. No hash is known
    beforehand, so the length is compared with what the server announces, and the sha256 is kept, to notice
    later damage. A broken transfer is resumed if the server still names the same content (its ETag). Threads
    and processes that fetch the same file at once share one transfer.

    Args:
        address: beginning with https:// (or http://, which only tests use); its last part names the file.
        folder: for the file and the notes beside it.
        progress, stop, most_bytes: as for ``repository_files.fetch``.
    Raises: HubError; Cancelled within 0.6 s of ``stop``; what has arrived is kept.
    """
    parts = urlsplit(address)
    name = parts.path.rpartition("/")[2]
    if parts.scheme not in ("http", "https") or not parts.netloc or not name or name.startswith("."):
        raise HubError(f"{address!r} is no address of a file: expected https://host/path/to/file.")
    wanted = _Wanted(address, folder / name, most_bytes)
    transfer = Transfer(patience, most_bytes)
    try:
        fetched = watched(lambda: _fetch(wanted, transfer), transfer, address, progress, stop)
    except _ERRORS as error:
        raise _explained(error, address, folder) from error
    if progress is not None:
        progress(fetched.bytes, fetched.bytes)
    return fetched


@dataclass(frozen=True)
class _Wanted:
    address: str
    path: Path
    most_bytes: int

    def beside(self, ending: str) -> Path:
        """A file that belongs to the one wanted."""
        return self.path.with_name(f"{self.path.name}.{ending}")


@dataclass(frozen=True)
class _Note:
    """Metadata of a file: written beside the part when it begins, beside the file when it is whole."""

    address: str
    etag: str
    sha256: str = ""
    stamp: str = ""


def _fetch(wanted: _Wanted, transfer: Transfer) -> FetchedAddress:
    """The file, in the thread that waits for the network."""
    wanted.path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(wanted.beside("lock"), timeout=_POLL)
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock)
                break
            except Timeout:
                transfer.check()
        return _cached(wanted) or _download(wanted, transfer)


def _cached(wanted: _Wanted) -> FetchedAddress | None:
    """The cached file if it is intact; a damaged one is deleted.

    Cost: reading it if it has been touched since.
    """
    note = _read_note(wanted.beside("json"))
    if note is None or note.address != wanted.address or not wanted.path.is_file():
        return None
    stat = wanted.path.stat()
    if stamp(stat) != note.stamp and sha256_of(wanted.path) != note.sha256:
        _LOG.warning("The cached %s is damaged: it is deleted and fetched again.", wanted.path)
        wanted.path.unlink()
        return None
    if stat.st_size > wanted.most_bytes:
        raise TooLarge(f"it has {stat.st_size:,} bytes")
    return FetchedAddress(wanted.path, note.sha256, stat.st_size)


def _download(wanted: _Wanted, transfer: Transfer) -> FetchedAddress:
    """The whole file in its place, with a note beside it."""
    part, part_note = wanted.beside("part"), wanted.beside("part.json")
    while True:
        transfer.check()
        note = _read_note(part_note)
        have = part.stat().st_size if note is not None and part.is_file() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with get_session().stream("GET", wanted.address, headers=headers) as response:
                if have and not _continues(response, note, have) and response.status_code in (200, 206, 416):
                    part.unlink()  # the file has changed, or the server does not serve ranges
                    if response.status_code != 200:
                        continue
                    have = 0
                _check_response(response, wanted)
                length = response.headers.get("Content-Length")
                size = None if length is None else have + int(length)
                if (size or 0) > wanted.most_bytes:
                    raise TooLarge(f"it has {size:,} bytes")
                missing = (size or have) - have
                check_space(wanted.address, missing, part.parent, "start the app with another --cache")
                etag = response.headers.get("ETag", "")
                part_note.write_text(json.dumps(asdict(_Note(wanted.address, etag))), encoding="utf-8")
                with part.open("ab" if have else "wb") as stream:
                    for chunk in response.iter_raw():
                        stream.write(chunk)
        except httpx.TransportError as error:
            _LOG.info("%s broke off (%s): resuming.", wanted.address, error)
            transfer.sleep(transfer.patience.pause)
            continue
        arrived = part.stat().st_size
        if size is not None and arrived != size:
            part.unlink()
            raise HubError(f"{wanted.address} came with {arrived:,} bytes of {size:,}: try again.")
        digest = sha256_of(part)
        os.replace(part, wanted.path)
        whole = _Note(wanted.address, etag, digest, stamp(wanted.path.stat()))
        wanted.beside("json").write_text(json.dumps(asdict(whole)), encoding="utf-8")
        part_note.unlink()
        return FetchedAddress(wanted.path, digest, arrived)


def _continues(response: httpx.Response, note: _Note | None, have: int) -> bool:
    """Whether a response continues the part that is here."""
    starts = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    same = note is not None and note.etag == response.headers.get("ETag", "")
    return response.status_code == 206 and starts and same


def _check_response(response: httpx.Response, wanted: _Wanted) -> None:
    """Raises: HubError for a response that is not the file."""
    if wanted.address.startswith("https:") and response.url.scheme != "https":
        raise HubError(
            f"{wanted.address} leads to {response.url.host} without encryption: nothing was fetched."
        )
    if response.status_code not in (200, 206):
        reason = "there is no such file" if response.status_code in (404, 410) else "it is refused"
        raise HubError(f"{wanted.address} answers with status {response.status_code}: {reason}.")


def _read_note(path: Path) -> _Note | None:
    try:
        return _Note(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # the file is fetched as if it were not there


def _explained(error: Exception, address: str, folder: Path) -> HubError:
    """The error to show: the address, what happened, what to do."""
    host = urlsplit(address).netloc
    if isinstance(error, TooLarge):
        return HubError(f"{address} is larger than allowed: {error}.")
    if isinstance(error, OfflineModeIsEnabled):
        return HubError(
            f"HF_HUB_OFFLINE is set, so {host} cannot be contacted, and {address} is not on this machine: "
            "unset it once."
        )
    if isinstance(error, Refused):
        return HubError(f"{host} could not serve {address} ({error}). Try again later.")
    if isinstance(error, Unreachable | httpx.HTTPError | ConnectionError):
        return HubError(
            f"Cannot reach {host} ({error}), and {address} is not on this machine: check the network, or try "
            "again later. What has come is kept."
        )
    if isinstance(error, OSError) and error.errno in FULL:
        return HubError(f"{address} could not be written to {folder}: the disk is full ({error.strerror}).")
    return HubError(f"{address} could not be kept in {folder}: {error}.")
