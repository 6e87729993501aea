"""Listing of a repository's files, and checks of repository, revision and file names."""

import logging
from urllib.parse import quote

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import validate_repo_id

from evaluators.errors import HubError
from evaluators.hub.transfer.http_client import PATIENCE, Refused, Timeouts, Transfer, Unreachable, watching
from evaluators.hub.transfer.hub_cache import COMMIT, fetched_names, keep_listing, kept_listing, storage
from evaluators.hub.transfer.hub_errors import CLIENT_ERRORS, explain, hub_errors

KINDS = ("model", "dataset")
MOST_LISTED_BYTES = 1 << 30
_LOG = logging.getLogger(__name__)


def list_files(
    repo: str,
    *,
    kind: str = "model",
    revision: str = "main",
    patience: Timeouts = PATIENCE,
    public: bool = False,
) -> tuple[str, ...]:
    """Names of all files of a repository, sorted.

    Without the Hub, the last listing kept on this machine; without that, the names of the cached files. Names
    that could lead out of a folder are left out.

    Args:
        kind: "model" or "dataset".
        revision: branch, tag or commit. A commit is listed only once.
        public: as for ``fetch``.
    Raises: HubError.
    Cost: one request for 1,000 files.
    """
    check_names(repo, kind, revision)
    folder = storage(repo, kind)
    kept = folder / "lines" / "listings" / f"{quote(revision, safe='')}.json"
    if not public and COMMIT.fullmatch(revision) and (names := kept_listing(kept)):
        return names
    try:
        with watching(Transfer(patience, MOST_LISTED_BYTES)):
            tree = HfApi(token=token_for(public)).list_repo_tree(
                repo, recursive=True, revision=revision, repo_type=kind
            )
            found = [entry.path for entry in tree if isinstance(entry, RepoFile)]
    except CLIENT_ERRORS as error:
        names = kept_listing(kept) or fetched_names(folder, revision)
        if names and not public and may_use_cache(error):
            _LOG.warning("The Hub cannot list %s now (%s): its last listing is used.", repo, error)
            return names
        raise explain(error, repo, "", kind, revision) from error
    names = tuple(sorted(name for name in found if is_safe(name)))
    keep_listing(kept, names)
    return names


def token_for(public: bool) -> bool | None:
    """The argument ``token`` of huggingface_hub: False to send none, None for this machine's."""
    return False if public else None


def may_use_cache(error: Exception) -> bool:
    """Whether cached data may still be right after this error: the Hub did not answer, or only "later"."""
    if isinstance(error, (RevisionNotFoundError, RemoteEntryNotFoundError)):
        return False
    return isinstance(error, (Refused, Unreachable, OfflineModeIsEnabled, HfHubHTTPError))


def check_names(repo: str, kind: str, revision: str) -> None:
    """Raises: HubError for names that are malformed, or that lead out of the cache."""
    if kind not in KINDS:
        raise HubError(f"Expected a repository of kind {' or '.join(KINDS)}, got {kind!r}.")
    with hub_errors(repo):
        validate_repo_id(repo)
    if repo.count("/") != 1:
        raise HubError(f"{repo!r} is no name of a repository: expected owner/name.")
    if not is_safe(revision):
        raise HubError(f"{revision!r} is no revision of {repo}: expected a branch, tag or commit.")


def is_safe(name: str) -> bool:
    """Whether a path from outside stays inside the folder it is put in, on every platform.

    >>> [is_safe(name) for name in ("a/b.pt", "../b.pt", "/b.pt", "a//b.pt", "c:b.pt", "a\\\\b.pt", "")]
    [True, False, False, False, False, False, False]
    """
    parts = name.split("/")
    return (
        0 < len(name) <= 1024
        and name.isprintable()
        and not any(part in ("", ".", "..") for part in parts)
        and not any(character in name for character in '\\:*?"<>|')
    )
