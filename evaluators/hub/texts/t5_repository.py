"""The files of a T5 in a repository of the Hub: safetensors, whole or in shards, never a pickle."""

import threading
from pathlib import Path
from typing import NamedTuple

from evaluators.errors import HubError
from evaluators.hub.model_files import model_files
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.hub.transfer.repository_files import Fetched, fetch
from evaluators.hub.transfer.repository_listing import list_files
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, SUFFIX
from lines_core.untrusted_text import first_of


class FetchedWeights(NamedTuple):
    """Weights of a repository on this machine.

    Attributes:
        path: of the file, or of the index of its shards.
        identity: content names of all files.
        commit: of the repository.
        source: for messages.
    """

    path: Path
    identity: str
    commit: str
    source: str


def fetch_weights(
    repo: str, revision: str, progress: Progress | None, stop: threading.Event | None, most_bytes: int
) -> FetchedWeights:
    """The safetensors weights in the root of a repository, all of one commit.

    Args:
        most_bytes: of one file.
    Raises: HubError if there are none, or they cannot be fetched; Cancelled.
    """
    listed = [name for name in list_files(repo, revision=revision) if "/" not in name]
    safe = [name for name in listed if name.endswith((SUFFIX, INDEX_SUFFIX))]
    if not safe:
        raise HubError(
            f"{repo} has no weights in safetensors, but {first_of(listed) or 'nothing'}. Pickled weights "
            "are not read."
        )
    first, *shards = model_files(repo, None, safe)
    found: list[Fetched] = []
    for name in (first, *shards):
        found.append(
            fetch(
                repo,
                name,
                revision=found[0].commit if found else revision,
                progress=progress,
                stop=stop,
                most_bytes=most_bytes,
            )
        )
    identity = " ".join([repo, *(f"{one.name} {one.etag}" for one in found)])
    commit = found[0].commit
    return FetchedWeights(found[0].path, identity, commit, f"{repo}/{first}@{commit}")
