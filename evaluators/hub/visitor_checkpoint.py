"""Import of a visitor's checkpoint, from a file or from the Hub, for a loaded encoder."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from evaluators.errors import Cancelled, SpecError
from evaluators.hub.checkpoint_import import CheckpointReader, content_of
from evaluators.hub.declared_activation import (
    CONFIGS,
    MOST_CONFIG_BYTES,
    DeclaredActivation,
    activation_of,
    check_activation,
    declared_activation,
    declared_in,
)
from evaluators.hub.model_files import model_files
from evaluators.hub.transfer.hub_cache import delete
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.hub.transfer.repository_files import Fetched, fetch, is_cached
from evaluators.hub.transfer.repository_listing import list_files
from evaluators.hub.typed_address import typed_address
from evaluators.hub.uploaded_folder import unpacked
from evaluators.labs.checkpoint_report import ReportNote
from evaluators.labs.lab import CheckpointInfo, Lab
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.zoo import ENCODERS, FAMILIES, TASKS
from lines_core.checkpoints.adapter import CONFIG
from lines_core.errors import CheckpointError
from lines_core.file_hash import sha256_of

OWN = "own-"
"""How the key of a visitor's checkpoint begins; a secret and the task follow."""
LONGEST_TITLE = 40
MOST_BYTES = 2 << 30
"""Size limit of a visitor's file; ViT-L/14 has 1.7 GB with both towers."""
_IMPORTS = threading.Lock()
"""Downloads run side by side; files are read one at a time, since each takes its size in memory."""
EXAMPLE = FAMILIES["fusion-bench"].hub_file(ENCODERS["ViT-B-32"], TASKS["mnist"]).repo


def from_file(
    lab: Lab, folder: Path, task: str, path: Path, name: str, choose: str | None = None
) -> LoadedCheckpoint:
    """Import the checkpoint in a file or folder, fine-tuned on one of the lab's tasks.

    Args:
        folder: for its residual. Its secret name goes into the key, so that nobody else can name it.
        task: key of the target task.
        name: of the file as the visitor knows it.
        choose: which model, if the file holds several.
    Raises: SpecError for a task that is not loaded; ChoiceError if the file holds several models and none is
        chosen; CheckpointError if the file, or the configuration beside it, is not of this encoder or cannot
        be read; LabError if the disk is full. The lab is unchanged then.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise CheckpointError(f"{name} is gone: upload it again.") from error
    info = _info(lab, folder, task, content, name, choose)
    with nullcontext(path) if path.is_dir() else unpacked(path, folder, MOST_BYTES) as model:
        note = _activation_note(lab, declared_in(model))
        return _import(lab, folder, info, model, content, name, note, choose)


def from_hub(
    lab: Lab,
    folder: Path,
    task: str,
    address: str,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    choose: str | None = None,
) -> LoadedCheckpoint:
    """Import the checkpoint in a public repository of the Hub. The download is deleted afterwards.

    Args:
        address: ``owner/name``, ``owner/name/path/to/file``, a folder, or the link to any of them.
        progress: called with bytes done and in total, from the calling thread.
        stop: ends the download when set.
        choose: as for ``from_file``.
    Raises: HubError if it is no address, or names no single model; Cancelled; else as ``from_file``.
    """
    typed = typed_address(address, "model", EXAMPLE)
    repo, revision, wanted = typed.repo, typed.revision, typed.path
    listed = list_files(repo, revision=revision, public=True)
    names = model_files(repo, wanted, listed)
    name = names[0]
    note = _activation_note(lab, _declared(repo, revision, name, listed, stop))
    with _temporary_downloads(repo, name) as downloads:
        fetched: list[Fetched] = []
        for one in names:
            was_cached = is_cached(repo, one, revision=revision)
            most = MOST_BYTES - sum(file.bytes for file in fetched)
            fetched.append(
                fetch(
                    repo,
                    one,
                    revision=revision,
                    progress=progress,
                    stop=stop,
                    most_bytes=most,
                    public=True,
                )
            )
            revision = fetched[0].commit  # all files of one state of the repository
            if not was_cached:
                downloads.add(fetched[-1].path)
        content = " ".join(map(content_of, fetched))
        info = _info(lab, folder, task, content, f"{repo}/{name}", choose)
        source = f"{repo}/{name}@{revision}"
        path = fetched[0].path.parent if fetched[0].path.name == CONFIG else fetched[0].path
        return _import(lab, folder, info, path, content, source, note, choose, stop)


def _content(path: Path) -> str:
    """Content name of a file, or of the files in a folder. Raises: OSError."""
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    return " ".join(map(sha256_of, files))


@dataclass
class _Downloads:
    """Files of one name in the Hub's cache, for as long as somebody imports one of them."""

    paths: set[Path] = field(default_factory=set)
    users: int = 0


_DOWNLOADS: dict[tuple[str, str], _Downloads] = {}
_DOWNLOADS_LOCK = threading.Lock()


@contextmanager
def _temporary_downloads(repo: str, name: str) -> Iterator[set[Path]]:
    """A set of files to delete once the last import of this file that runs at the same time has ended."""
    with _DOWNLOADS_LOCK:
        downloads = _DOWNLOADS.setdefault((repo, name), _Downloads())
        downloads.users += 1
    try:
        yield downloads.paths
    finally:
        with _DOWNLOADS_LOCK:
            downloads.users -= 1
            if downloads.users == 0:
                del _DOWNLOADS[repo, name]
                for path in downloads.paths:
                    delete(path)


def _declared(
    repo: str, revision: str, name: str, listed: tuple[str, ...], stop: threading.Event | None
) -> DeclaredActivation | None:
    """What the configuration in a file's folder says; None if there is none."""
    folder = name.rpartition("/")[0]
    for config in CONFIGS:
        beside = f"{folder}/{config}".lstrip("/")
        if beside not in listed:
            continue
        with _temporary_downloads(repo, beside) as downloads:
            was_cached = is_cached(repo, beside, revision=revision)
            fetched = fetch(
                repo, beside, revision=revision, stop=stop, most_bytes=MOST_CONFIG_BYTES, public=True
            )
            if not was_cached:
                downloads.add(fetched.path)
            return declared_activation(config, fetched.path.read_text("utf-8", "replace"))
    return None


def _activation_note(lab: Lab, declared: DeclaredActivation | None) -> ReportNote:
    """Raises: CheckpointError if the declared activation is not the encoder's."""
    activation = activation_of(lab.encoder.loaded.clip.visual)
    return ReportNote("activation", check_activation(declared, lab.info.title, activation))


def _import(
    lab: Lab,
    folder: Path,
    info: CheckpointInfo,
    path: Path,
    content: str,
    source: str,
    note: ReportNote,
    choose: str | None,
    stop: threading.Event | None = None,
) -> LoadedCheckpoint:
    reader = CheckpointReader(lab.info, lab.encoder, lab.weights_identity, lab.weights, folder)
    with _IMPORTS:
        if stop is not None and stop.is_set():
            raise Cancelled("The page was closed before the checkpoint was read.")
        return reader.of_file(info, path, content, source, choose=choose, notes=[note])


def _info(lab: Lab, folder: Path, task: str, content: str, name: str, choose: str | None) -> CheckpointInfo:
    if choose:
        content, name = f"{content} {choose}", f"{name}: {choose}"
    tasks = {task.key: task for task in lab.target_tasks()}
    if task not in tasks:
        raise SpecError(f"Task {task!r} is not loaded: pick one of {', '.join(tasks)}.")
    secret = hashlib.sha256(f"{folder.name} {content}".encode()).hexdigest()[:32]
    key = f"{OWN}{secret}.{task}"
    short = name if len(name) <= LONGEST_TITLE else f"…{name[1 - LONGEST_TITLE :]}"
    return CheckpointInfo(key, f"{tasks[task].title} ({short})", tasks[task].suite)
