"""Patterns of the paths that the Hub's clients ask for."""

import re
from urllib.parse import unquote

API = re.compile(r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)(?:/(?P<rest>.*))?")
RESOLVE = re.compile(r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<rest>.+)")
BEHIND = re.compile(
    r"/(?:api/resolve-cache|cdn)/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)/(?P<rest>[0-9a-f]{40}/.+)"
)
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def revision_and_path(rest: str) -> tuple[str, str]:
    """Revision and path at the end of a URL."""
    revision, _, path = rest.partition("/")
    return unquote(revision), unquote(path)
