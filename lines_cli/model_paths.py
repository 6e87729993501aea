"""Models that a command names: files and folders of this machine, or repositories of the Hugging Face Hub."""

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path

from lines_cli.progress_line import ProgressLine
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, SUFFIX
from lines_core.errors import CheckpointError
from lines_core.large_files.staged_output import is_companion
from lines_core.untrusted_text import first_names, quoted

_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", re.ASCII)
_MOST_BYTES = 200 << 30
_MOST_COMPANION = 256 << 20


def local_model(given: str) -> Path:
    """Path of a model's weights: as given, or of the files that were fetched from the Hub.

    Args:
        given: path of a file or folder, or "owner/name", "owner/name@revision" of a repository.
    Raises: CheckpointError if there is no such file and no such repository, the repository has no safetensors
        weights, or huggingface_hub is not installed; HubError as `fetch`.
    """
    path = Path(given)
    match = _REPOSITORY.fullmatch(given)
    if os.path.exists(path) or match is None:
        if not os.path.exists(path):
            raise CheckpointError(
                f"There is no file or folder {quoted(given)}, and it is no owner/name of the Hub."
            )
        return path
    if os.path.isdir(path.parent):
        raise CheckpointError(
            f"There is no file or folder {quoted(path.name)} in the folder {quoted(str(path.parent))} "
            "of this machine. If it is a repository of the Hub, run the command in another folder."
        )
    if find_spec("huggingface_hub") is None:
        raise CheckpointError(
            f"There is no file or folder {quoted(given)}. If it is a repository of the Hub: pip install "
            "huggingface_hub httpx."
        )
    return _fetched(match[1], match[2] or "main")


def _fetched(repo: str, revision: str) -> Path:
    """The weights of a repository and the small files beside them, in the cache of huggingface_hub."""
    from evaluators.hub.transfer.repository_files import fetch
    from evaluators.hub.transfer.repository_listing import list_files

    names = [name for name in list_files(repo, revision=revision) if "/" not in name]
    weights = _chosen(repo, names)

    def get(name: str, revision: str, most_bytes: int = _MOST_BYTES) -> tuple[Path, str]:
        with ProgressLine(f"fetching {name}") as progress:
            fetched = fetch(repo, name, revision=revision, progress=progress, most_bytes=most_bytes)
        return fetched.path, fetched.commit

    path, commit = get(weights, revision)
    if weights.endswith(INDEX_SUFFIX):
        try:
            weight_map = json.loads(path.read_text("utf-8"))["weight_map"]
            shards = sorted(set(map(str, weight_map.values())))
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise CheckpointError(f"{repo}/{weights} is damaged: it names no files.") from error
        absent = [shard for shard in shards if shard not in names]
        if absent:
            raise CheckpointError(f"{repo} lacks files that its index names: {first_names(absent)}.")
        for shard in shards:
            get(shard, commit)
    for name in filter(is_companion, names):
        get(name, commit, _MOST_COMPANION)
    return path


def _chosen(repo: str, names: list[str]) -> str:
    for suffix in (INDEX_SUFFIX, SUFFIX):
        found = sorted(name for name in names if name.endswith(suffix))
        usual = [name for name in found if name in (f"model{suffix}", f"adapter_model{suffix}")]
        if len(found) == 1 or len(usual) == 1:
            return (usual or found)[0]
        if found:
            raise CheckpointError(
                f"{repo} has {first_names(found)}: fetch the one that is meant, and give its path."
            )
    raise CheckpointError(f"{repo} has no {SUFFIX} weights: {first_names(names)}. Pickled ones are not read.")
