"""An address on the Hub as a visitor types it: ``owner/name``, or a link, taken apart."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from huggingface_hub import constants

from evaluators.errors import HubError
from lines_core.untrusted_text import excerpt, quoted

KINDS = {"model": "a model", "dataset": "a data set"}
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_SECTIONS = {"datasets": "dataset", "models": "model", "spaces": "space"}
_LINK = re.compile(r"https?://([^/?#]*)([^?#]*)", re.IGNORECASE)
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_STATES = ("tree", "blob", "resolve", "viewer")
"""Parts of a link that a revision follows."""


@dataclass(frozen=True)
class TypedAddress:
    """What an address names.

    Args:
        repo: ``owner/name``.
        revision: branch, tag or commit.
        path: of a file or folder in it; None for all of it.
    """

    repo: str
    revision: str = "main"
    path: str | None = None


def typed_address(text: str, kind: str, example: str) -> TypedAddress:
    """The parts of an address.

    Args:
        kind: "model" or "dataset".
        example: of an address of this kind.
    Raises: HubError if it is empty, on another host than the Hub's, of another kind, or of another form; the
        message has the example.

    >>> typed_address("https://huggingface.co/owner/name/blob/main/a/b.pt", "model", "owner/name")
    TypedAddress(repo='owner/name', revision='main', path='a/b.pt')
    """
    what, expected = KINDS[kind], f"give owner/name, such as {example}, or the link to it"
    said = text.strip()
    if not said:
        raise HubError(f"The address of {what} on the Hub is missing: {expected}.")
    link = _LINK.match(said)
    host, path = link.groups() if link else ("", said)
    first, _, rest = path.partition("/")
    if not link and first.lower() in _HOSTS:
        host, path = first, rest
    if host and host.lower() not in (*_HOSTS, urlsplit(constants.ENDPOINT).netloc.lower()):
        raise HubError(f"{quoted(said)} is on {excerpt(host, 60)}, not on the Hub: {expected}.")
    parts = [part for part in path.split("/") if part]
    other = _SECTIONS.get(parts[0], kind) if parts else kind
    if other != kind:
        raise HubError(
            f"{quoted(said)} is the address of {KINDS.get(other, 'a Space')}, not of {what}: {expected}."
        )
    if parts and parts[0] in _SECTIONS:
        del parts[0]
    if len(parts) == 1:
        raise HubError(f"{quoted(said)} names no owner and name of {what} on the Hub: {expected}.")
    if not parts or not all(map(_NAME.fullmatch, parts[:2])):
        raise HubError(f"{quoted(said)} is no address of {what} on the Hub: {expected}.")
    repo, inside = "/".join(parts[:2]), parts[2:]
    if len(inside) > 1 and inside[0] in _STATES:
        return TypedAddress(repo, inside[1], "/".join(inside[2:]) or None)
    return TypedAddress(repo, path="/".join(inside) or None)
