"""The folder of a repository in the cache of huggingface_hub, and what is noted there beside its files.

The folder ``lines`` keeps the repository's listings, and which files were found to have their content.
"""

import hashlib
import json
import logging
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
_LOG = logging.getLogger(__name__)


def storage(repo: str, kind: str) -> Path:
    """Folder of a repository in the cache."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type=kind)


def is_sound(folder: Path, path: Path, etag: str) -> bool:
    """Whether a file has the content that its etag names; True for small ones, which have no sha256.

    Args:
        folder: of its repository.
    Cost: reading it, unless it was found sound before and has not been touched since.
    """
    if not SHA256.fullmatch(etag):
        return True
    note = folder / "lines" / "sound" / etag
    try:
        if note.read_text() == stamp(path.stat()):
            return True
    except FileNotFoundError:
        pass  # nobody has looked yet
    while True:
        with path.open("rb") as stream:
            found = _digest(stream)
            looked_at = os.fstat(stream.fileno())
        now = path.stat()
        if looked_at.st_ino == now.st_ino:
            break  # else another process has replaced it meanwhile
    if found == etag:
        keep(note, stamp(now))
    return found == etag


def etag_of(path: Path) -> str:
    """The etag of a file in the cache: the name of the blob it points to.

    Cost: reading it where there are no symbolic links (Windows), hence no blobs to point to.
    """
    blob = path.resolve()
    if blob.parent.name == "blobs":
        return blob.name
    with path.open("rb") as stream:
        return _digest(stream)


def delete(path: Path) -> None:
    """Take a file out of the cache: its content, and the name that points to it."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    if blob.parent.name == "blobs":
        blob.unlink(missing_ok=True)


def kept_listing(path: Path) -> tuple[str, ...]:
    """The listing kept in a file, empty if there is none that can be read."""
    try:
        return tuple(str(name) for name in json.loads(path.read_text("utf-8"))["files"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("The listing %s cannot be read: %s", path, error)
        return ()


def keep_listing(path: Path, names: tuple[str, ...]) -> None:
    """Keep a listing for the time when the Hub cannot be asked."""
    keep(path, json.dumps({"files": names}))


def fetched_names(folder: Path, revision: str) -> tuple[str, ...]:
    """Names of the files of a revision that are on this machine, sorted."""
    commit = revision
    if not COMMIT.fullmatch(revision):
        reference = folder / "refs" / revision
        commit = reference.read_text() if reference.is_file() else ""
    if not COMMIT.fullmatch(commit):
        return ()
    snapshot = folder / "snapshots" / commit
    return tuple(
        sorted(path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file())
    )


def keep(path: Path, text: str) -> None:
    """Keep a note, whole or not at all; where nothing can be written it is done without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(temporary, path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        _LOG.warning("%s could not be kept: %s", path, error)


def stamp(stat: os.stat_result) -> str:
    """Differs once a file has been written to or replaced."""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
