"""A repository's folder in the cache of huggingface_hub, with our notes on it.

The subfolder ``lines`` keeps listings of the repository, and which files have passed the check of their hash.
"""

import json
import logging
import os
import re
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from lines_core.atomic_write import atomic_write
from lines_core.file_hash import sha256_of

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
    Cost: reading it, unless it passed before and has not been touched since.
    """
    if not SHA256.fullmatch(etag):
        return True
    note = folder / "lines" / "sound" / etag
    try:
        if note.read_text() == stamp(path.stat()):
            return True
    except FileNotFoundError:
        pass  # not checked yet
    while True:
        before, digest, after = path.stat(), sha256_of(path), path.stat()
        if before.st_ino == after.st_ino:
            break  # else another process has replaced it meanwhile
    if digest == etag:
        keep(note, stamp(after))
    return digest == etag


def etag_of(path: Path) -> str:
    """The etag of a file in the cache: the name of the blob it links to.

    Cost: reading it where there are no symbolic links (Windows), hence no blobs.
    """
    blob = path.resolve()
    return blob.name if blob.parent.name == "blobs" else sha256_of(path)


def delete(path: Path) -> None:
    """Delete a file from the cache: the blob, and the link to it."""
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
    """Keep a listing for use without the Hub."""
    keep(path, json.dumps({"files": names}))


def fetched_names(folder: Path, revision: str) -> tuple[str, ...]:
    """Names of the cached files of a revision, sorted."""
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
    """Write a note atomically; a failure is only logged."""
    try:
        atomic_write(path, lambda part: part.write_text(text, encoding="utf-8"))
    except OSError as error:
        _LOG.warning("%s could not be kept: %s", path, error)


def stamp(stat: os.stat_result) -> str:
    """Text that changes when a file is written to or replaced."""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
