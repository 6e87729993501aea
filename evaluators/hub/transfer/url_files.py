"""Fetch a file from an address outside the Hub, such as a release on GitHub, with the same care.

The transfer goes through the client of `connection`: time-outs, attempts, counted bytes, a caller who may
stop it. What a broken transfer has brought is kept beside the file and continued, whatever process does so.
"""

import hashlib
import json
import logging
import os
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import get_session
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import WeakFileLock, httpx  # type: ignore[attr-defined]

from evaluators.errors import HubError
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Timeouts, TooLarge, Transfer, Unreachable
from evaluators.hub.transfer.hub_cache import stamp
from evaluators.hub.transfer.hub_errors import FULL
from evaluators.hub.transfer.repository_files import MOST_BYTES, SPARE_BYTES, Progress, free_bytes, watched

_LOOK = 0.1
_PIECE = 1 << 20
_LOG = logging.getLogger(__name__)
_ERRORS = (OSError, httpx.HTTPError, OfflineModeIsEnabled, Refused, TooLarge, Unreachable)


@dataclass(frozen=True)
class FetchedAddress:
    """A file of an address on this machine.

    Args:
        path: to read it from.
        sha256: names the content that came.
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

    For files that never change under their address: one that is here is not asked about again. Nobody names
    the content of such a file beforehand; its length is compared with what the server announces, and its
    sha256 is kept, so that a file damaged later is told from the one that came. A transfer that breaks off is
    resumed if the server still names the same content (its ETag). Two threads or processes that want one file
    transfer it once.

    Args:
        address: beginning with https:// (or http://, which only tests use); its last part names the file.
        folder: for the file and the notes beside it.
        progress, stop, most_bytes: as for ``access.fetch``.
    Raises: HubError; Cancelled within 0.6 s of ``stop``, what has come so far being kept.
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
    """What is known of a file: written beside the part when it begins, beside the file when it is whole."""

    address: str
    etag: str
    sha256: str = ""
    stamp: str = ""


def _fetch(wanted: _Wanted, transfer: Transfer) -> FetchedAddress:
    """The file, in the thread that waits for the network."""
    wanted.path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(WeakFileLock(wanted.beside("lock"), timeout=_LOOK))
                break
            except TimeoutError:
                transfer.check()
        return _here(wanted) or _download(wanted, transfer)


def _here(wanted: _Wanted) -> FetchedAddress | None:
    """The file that is here, if it is the one that came; another one is deleted.

    Cost: reading it if it has been touched since.
    """
    note = _read_note(wanted.beside("json"))
    if note is None or note.address != wanted.address or not wanted.path.is_file():
        return None
    stat = wanted.path.stat()
    if stamp(stat) != note.stamp and _digest(wanted.path) != note.sha256:
        _LOG.warning("%s is damaged on this machine: it is deleted and fetched again.", wanted.path)
        wanted.path.unlink()
        return None
    if stat.st_size > wanted.most_bytes:
        raise TooLarge(f"it has {stat.st_size:,} bytes")
    return FetchedAddress(wanted.path, note.sha256, stat.st_size)


def _download(wanted: _Wanted, transfer: Transfer) -> FetchedAddress:
    """The file, whole and in its place, with a note beside it."""
    part, begun = wanted.beside("part"), wanted.beside("part.json")
    while True:
        transfer.check()
        note = _read_note(begun)
        have = part.stat().st_size if note is not None and part.is_file() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with get_session().stream("GET", wanted.address, headers=headers) as response:
                if have and not _goes_on(response, note, have) and response.status_code in (200, 206, 416):
                    part.unlink()  # another file lies there now, or the server gives no parts
                    if response.status_code != 200:
                        continue
                    have = 0
                _check(response, wanted)
                length = response.headers.get("Content-Length")
                size = None if length is None else have + int(length)
                _check_size(wanted, size or 0, have)
                etag = response.headers.get("ETag", "")
                begun.write_text(json.dumps(asdict(_Note(wanted.address, etag))), encoding="utf-8")
                with part.open("ab" if have else "wb") as stream:
                    for piece in response.iter_raw():
                        stream.write(piece)
        except httpx.TransportError as error:
            _LOG.info("%s broke off (%s): going on where it was.", wanted.address, error)
            transfer.sleep(transfer.patience.pause)
            continue
        came = part.stat().st_size
        if size is not None and came != size:
            part.unlink()
            raise HubError(f"{wanted.address} came with {came:,} bytes of {size:,}: try again.")
        digest = _digest(part)
        os.replace(part, wanted.path)
        whole = _Note(wanted.address, etag, digest, stamp(wanted.path.stat()))
        wanted.beside("json").write_text(json.dumps(asdict(whole)), encoding="utf-8")
        begun.unlink()
        return FetchedAddress(wanted.path, digest, came)


def _goes_on(response: httpx.Response, note: _Note | None, have: int) -> bool:
    """Whether a reply continues the part that is here."""
    starts = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    same = note is not None and note.etag == response.headers.get("ETag", "")
    return response.status_code == 206 and starts and same


def _check(response: httpx.Response, wanted: _Wanted) -> None:
    """Raises: HubError for an answer that is not the file."""
    if wanted.address.startswith("https:") and response.url.scheme != "https":
        raise HubError(
            f"{wanted.address} leads to {response.url.host} without encryption: nothing was fetched."
        )
    if response.status_code not in (200, 206):
        what = "there is no such file" if response.status_code in (404, 410) else "it is refused"
        raise HubError(f"{wanted.address} answers with status {response.status_code}: {what}.")


def _check_size(wanted: _Wanted, size: int, have: int) -> None:
    """Raises: TooLarge, or HubError if the file does not fit onto the disk."""
    if size > wanted.most_bytes:
        raise TooLarge(f"it has {size:,} bytes")
    free = free_bytes(wanted.path.parent)
    if free < size - have + SPARE_BYTES:
        raise HubError(
            f"{wanted.address} needs {(size - have) / 1e6:,.0f} MB and {wanted.path.parent} has "
            f"{free / 1e6:,.0f} MB free. Free some space, or start the app with another --cache."
        )


def _read_note(path: Path) -> _Note | None:
    try:
        return _Note(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # then nothing is known, and the file is fetched


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _explained(error: Exception, address: str, folder: Path) -> HubError:
    """The error to show: what was asked for, what happened, what to do."""
    host = urlsplit(address).netloc
    if isinstance(error, TooLarge):
        return HubError(f"{address} is larger than allowed: {error}.")
    if isinstance(error, OfflineModeIsEnabled):
        return HubError(
            f"HF_HUB_OFFLINE forbids to ask {host}, and {address} is not on this machine: unset it once."
        )
    if isinstance(error, Refused):
        return HubError(f"{host} fails to serve {address} ({error}). Try again later.")
    if isinstance(error, Unreachable | httpx.HTTPError | ConnectionError):
        return HubError(
            f"Cannot reach {host} ({error}), and {address} is not on this machine: check the network, or try "
            "again later. What has come is kept."
        )
    if isinstance(error, OSError) and error.errno in FULL:
        return HubError(
            f"{address} could not be written to {folder}: the disk is full ({error.strerror}). Make room."
        )
    return HubError(f"{address} could not be kept in {folder}: {error}.")
