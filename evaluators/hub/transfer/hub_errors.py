"""Translation of HTTP and Hub client exceptions into errors that a visitor can act upon."""

import difflib
import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import httpx

from evaluators.errors import HubError
from evaluators.hub.transfer.http_client import Refused, TooLarge, Unreachable, install_client
from lines_core.errors import LinesError

KEPT = "What was loaded once needs no connection."
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
CLIENT_ERRORS = (
    OSError,
    httpx.HTTPError,
    EntryNotFoundError,
    HFValidationError,
    Refused,
    TooLarge,
    Unreachable,
)
"""Exceptions of requests through huggingface_hub or datasets; most are OSErrors."""


@contextmanager
def hub_errors(repo: str, name: str = "", kind: str = "model", revision: str = "main") -> Iterator[None]:
    """Translate exceptions of the Hub's clients in the block into HubError.

    Requests without a time-out get one.

    Args:
        repo: "owner/name", or another name for messages.
        name: of the file, if there is one.
    Raises: HubError.
    """
    install_client()
    try:
        yield
    except LinesError:
        raise
    except CLIENT_ERRORS as error:
        raise explain(error, repo, name, kind, revision) from error


def explain(
    error: Exception, repo: str, name: str, kind: str, revision: str, existing: Sequence[str] = ()
) -> HubError:
    """The HubError for an exception: the file, what happened, what to do.

    Args:
        existing: names of the repository's files, to suggest one if ``name`` is not among them.
    """
    what = f"{repo}/{name}" if name else repo
    page = f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{repo}"
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, GatedRepoError):
        return HubError(
            f"{what} is gated: accept its terms at {page}, then log in on this machine with `hf auth login`."
        )
    if isinstance(error, RepositoryNotFoundError):
        return HubError(
            f"The Hub has no {kind} repository {repo}, or it is private: check the name; for a private one "
            "log in with `hf auth login`."
        )
    if isinstance(error, RevisionNotFoundError):
        return HubError(f"{repo} has no revision {revision!r}: use a branch, tag or commit listed at {page}.")
    if isinstance(error, RemoteEntryNotFoundError):
        near = closest(name, existing)
        hint = (
            f"the nearest it has: {', '.join(near)}"
            if near
            else f"its files are listed at {page}/tree/{revision}"
        )
        return HubError(f"{repo} has no file {name!r} at {revision}; {hint}.")
    if isinstance(error, (Refused, HfHubHTTPError)):
        return _refused(error, what, page)
    if isinstance(error, TooLarge):
        return HubError(f"{what} is larger than allowed: {error}. Choose a smaller file.")
    if isinstance(error, OfflineModeIsEnabled):
        return HubError(
            f"HF_HUB_OFFLINE is set, so {constants.ENDPOINT} cannot be contacted, and {what} is not on this "
            f"machine: unset it and try again. {KEPT}"
        )
    if isinstance(error, HFValidationError):
        return HubError(f"{repo!r} is no name of a repository, expected owner/name: {error}")
    if isinstance(error, FileMetadataError):
        return HubError(
            f"{constants.ENDPOINT} does not answer for {what} as a Hub does: check HF_ENDPOINT, proxy and "
            "firewall."
        )
    if isinstance(error, OSError) and error.errno in FULL:
        return HubError(
            f"{what} could not be written to {constants.HF_HUB_CACHE}: the disk or your share of it is full "
            f"({error.strerror}). Free some space, or let HF_HOME name a folder on another disk."
        )
    if isinstance(error, PermissionError):
        return HubError(
            f"{what} could not be kept in {constants.HF_HUB_CACHE} ({error.strerror}): make that folder "
            "yours, or let HF_HOME name another one."
        )
    if isinstance(error, (Unreachable, httpx.TransportError, LocalEntryNotFoundError, ConnectionError)):
        return HubError(
            f"Cannot reach {constants.ENDPOINT} ({error}), and {what} is not on this machine: connect it to "
            f"the Internet, or set HTTPS_PROXY or HF_ENDPOINT, and try again. {KEPT}"
        )
    return HubError(f"{what} could not be fetched from {constants.ENDPOINT}: {error}. Try again later.")


def _refused(error: Refused | HfHubHTTPError, what: str, page: str) -> HubError:
    """The HubError for an error status."""
    later = "Try again later"
    if isinstance(error, Refused):
        status = error.status
        if error.retry_after:
            later = f"Try again in {error.retry_after:.0f} seconds"
    else:
        status = error.response.status_code
    if status == 429:
        return HubError(
            f"{constants.ENDPOINT} has had too many requests from here and refuses {what} (429). "
            f"{later}, or log in with `hf auth login` for a higher limit."
        )
    if status >= 500 or status == 408:
        return HubError(f"{constants.ENDPOINT} could not serve {what} ({status}). {later}.")
    if status in (401, 403):
        return HubError(
            f"You may not read {what} ({status}): log in with `hf auth login` and check your access at "
            f"{page}."
        )
    return HubError(f"{constants.ENDPOINT} refuses {what} ({status}): {str(error).splitlines()[0]}")


def closest(name: str, existing: Sequence[str]) -> list[str]:
    """Up to three names similar to a wrong one: another case first, then another folder, then spelling.

    >>> closest("ViT-B-16/a.pt", ["VIT-B-16/a.pt", "ViT-B-32/a.pt", "readme"])
    ['VIT-B-16/a.pt', 'ViT-B-32/a.pt']
    """
    last = name.rpartition("/")[2].lower()
    case = [other for other in existing if other.lower() == name.lower()]
    moved = [other for other in existing if other.rpartition("/")[2].lower() == last]
    lower = {other.lower(): other for other in existing}
    moved.sort(key=lambda other: -difflib.SequenceMatcher(None, name, other).ratio())
    similar = [lower[other] for other in difflib.get_close_matches(name.lower(), lower, n=3)]
    return list(dict.fromkeys([*case, *moved, *similar]))[:3]
