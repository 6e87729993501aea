"""A visitor's own checkpoint, from a file or from the Hub, for an encoder that is loaded."""

import hashlib
import re
import threading
from pathlib import Path

from evaluators.errors import HubError, SpecError
from evaluators.hub.checkpoint_import import CheckpointImporter, LoadedCheckpoint, content_of
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.transfer.repository_files import Progress, fetch, forget, is_here, list_files
from evaluators.labs.lab import CheckpointInfo
from evaluators.zoo.checkpoint_families import match
from lines_core.errors import CheckpointError

PREFERRED = ("model.safetensors", "open_clip_model.safetensors", "nonlinear_finetuned.pt")
READABLE = (".safetensors", ".pt", ".pth", ".bin")
LONGEST_TITLE = 40
MOST_BYTES = 2 << 30
"""Of a visitor's file; ViT-L/14 has 1.7 GB with both towers."""
_ADDRESS = re.compile(r"(?:https?://[^/]+/)?([\w.-]+/[\w.-]+)(?:/(?:blob|resolve)/([\w.-]+))?(?:/(.+))?")


def from_file(lab: HubLab, folder: Path, task: str, path: Path, name: str) -> LoadedCheckpoint:
    """The checkpoint in a file, said to be fine-tuned on one of the lab's tasks.

    Args:
        folder: for its residual; nobody but its visitor knows the name, which goes into the key.
        task: key of the target task.
        name: of the file as the visitor knows it.
    Raises: SpecError for a task that is not loaded; CheckpointError if the file is not of this encoder or
        cannot be read; LabError if the disk is full. The lab is as it was then.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise CheckpointError(f"{name} is not there any more: upload it again.") from error
    content = digest.hexdigest()
    return _importer(lab, folder).of_file(_info(lab, folder, task, content, name), path, content, name)


def from_hub(
    lab: HubLab,
    folder: Path,
    task: str,
    address: str,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> LoadedCheckpoint:
    """The checkpoint in a public repository of the Hub. What was fetched for it is deleted again.

    Args:
        address: ``owner/name``, ``owner/name/path/to/file``, or the link to either.
    Raises: HubError if it is no address, or names no single file that can be read; else as ``from_file``.
    """
    found = _ADDRESS.fullmatch(address.strip().rstrip("/"))
    if found is None:
        raise HubError(f"{address!r} is no address on the Hub: give owner/name, or owner/name/path/to/file.")
    repo, revision, wanted = found[1], found[2] or "main", found[3]
    name = _choose(repo, wanted, list_files(repo, revision=revision, public=True))
    there = is_here(repo, name, revision=revision)
    fetched = fetch(
        repo, name, revision=revision, progress=progress, stop=stop, most_bytes=MOST_BYTES, public=True
    )
    try:
        content = content_of(fetched)
        info = _info(lab, folder, task, content, f"{repo}/{name}")
        return _importer(lab, folder).of_file(info, fetched.path, content, f"{repo}/{name}@{fetched.commit}")
    finally:
        if not there:
            forget(fetched)


def _choose(repo: str, wanted: str | None, listed: tuple[str, ...]) -> str:
    if wanted is not None:
        name = match(wanted, listed)
        if name is None:
            raise HubError(f"{repo} has no {wanted}; it has {', '.join(listed[:8])}.")
        return name
    preferred = [name for name in PREFERRED if name in listed]
    readable = preferred[:1] or [name for name in listed if name.endswith(READABLE)]
    if len(readable) != 1:
        what = (
            f"{len(readable)} files that could be meant: {', '.join(readable[:6])}"
            if readable
            else "no weights"
        )
        raise HubError(f"{repo} has {what}. Give the path of one: {repo}/path/to/file.")
    return readable[0]


def _importer(lab: HubLab, folder: Path) -> CheckpointImporter:
    return CheckpointImporter(lab.live.row, lab.live, lab.live.identity, lab.live.weights, folder)


def _info(lab: HubLab, folder: Path, task: str, content: str, name: str) -> CheckpointInfo:
    tasks = {loaded.task.key: loaded.task for loaded in lab.loaded_tasks}
    if task not in tasks:
        raise SpecError(f"Task {task!r} is not loaded: pick one of {', '.join(tasks)}.")
    secret = hashlib.sha256(f"{folder.name} {content}".encode()).hexdigest()[:32]
    key = f"own-{secret}.{task}"
    short = name if len(name) <= LONGEST_TITLE else f"…{name[1 - LONGEST_TITLE :]}"
    return CheckpointInfo(key, f"{tasks[task].title} ({short})", tasks[task].suite)
