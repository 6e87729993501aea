"""A repository with a small and a large file on the local Hub, and the download of the large one."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from evaluators.hub.transfer.http_client import Timeouts
from evaluators.hub.transfer.repository_files import Fetched, fetch
from tests.hub.server import Hub

REPO = "nobody/weights"
BIG = "single/model.safetensors"
QUICK = Timeouts(attempts=3, pause=0.05, longest_pause=2.0)
"""Short pauses, but the usual time-outs: on a busy machine the local Hub may need seconds for an answer."""
HASTY = replace(QUICK, read=2.0)
"""For a Hub that falls silent, whose time-out a test waits for."""
CHUNK = 10 << 20
"""huggingface_hub keeps a multiple of this of a transfer that breaks off."""


def put(hub: Hub, size: int, repo: str = REPO) -> bytes:
    folder = hub.folder(repo)
    (folder / "config.json").write_text('{"blocks": 4}')
    path = folder / BIG
    path.parent.mkdir()
    content = os.urandom(size)
    path.write_bytes(content)
    return content


def big(**options: Any) -> Fetched:
    return fetch(REPO, BIG, **{"patience": QUICK, **options})


def left_over() -> list[str]:
    """Files in the cache under any name that a reader or a resumed transfer could take for the file."""
    cache = Path(constants.HF_HUB_CACHE)
    kinds = ("blobs", "snapshots")
    return [str(path) for path in cache.rglob("*") if path.is_file() and set(kinds) & set(path.parts)]
