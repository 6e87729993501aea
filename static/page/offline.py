"""The service worker of the static edition, and the version that it and the page name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from static.page.live_engine import DATA_FILE, SCRIPT

WORKER = "service-worker.js"
PAGE = "index.html"
ENGINE = "engine/"
"""Start of the paths that are kept only once they were loaded: 46 MB in all."""
HERE = Path(__file__).parent


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file that belongs to the page, by its path in the folder; without the page itself."""
    return {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in _paths(folder)}


def version_of(page: str, files: dict[str, str]) -> str:
    """A name for exactly this content: hexadecimal digits.

    Args:
        page: the document, without its version.
        files: as `digests` returns them.
    """
    listed = json.dumps([page, sorted(files.items())])
    return hashlib.sha256(listed.encode()).hexdigest()[:24]


def service_worker(version: str, files: dict[str, str]) -> str:
    """The script of the worker for one version."""
    site = {
        "version": version,
        "files": files,
        "document": PAGE,
        "first": [PAGE, *(path for path in files if not path.startswith(ENGINE))],
    }
    script = (HERE / "service_worker.js").read_text(encoding="utf-8")
    return script.replace("= SITE;", f"= {json.dumps(site)};")


def _paths(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (PAGE, WORKER) and not _unused(name):
            yield name


def _unused(name: str) -> bool:
    """Whether the page never asks for a file: notices, hidden files, a Gradio page's own."""
    return name in (SCRIPT, DATA_FILE) or name.startswith(".") or Path(name).suffix in (".md", ".txt")
