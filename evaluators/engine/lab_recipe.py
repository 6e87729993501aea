"""What it takes to open a lab in another process: few bytes, and names of all that decides its counts."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from evaluators.encoder.autotune import EngineConfig
from evaluators.errors import LabError
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
"""Folder of this installation: the packages, and ``assets``."""


@dataclass(frozen=True)
class LabRecipe:
    """A lab, without visitors' own checkpoints and tasks.

    Args:
        model: key of its encoder.
        content: names its weights, images and prompts, as ``content_of``.
        assets: folder of the embedded lab.
        cache: folder for prepared images and, of a public encoder, for all that was loaded; None for none.
        load_request: that it was loaded for; None for the embedded lab.
        config: precision and chunk, which decide the last digits.
    """

    model: str
    content: str
    assets: Path
    cache: Path | None
    load_request: LoadRequest | None
    config: EngineConfig


def content_of(lab: Lab) -> str:
    """Names what a lab holds, apart from visitors' own checkpoints and tasks.

    Cost: of the embedded lab all its files are read, once.
    """
    if isinstance(lab, EmbeddedLab):
        return lab.fingerprint()
    if not isinstance(lab, HubLab):
        raise LabError(f"{lab.info.title} cannot be opened in another process.")
    checkpoints = [(one.info.key, one.identity) for one in lab.loaded_checkpoints if one.family]
    subsets = [
        (loaded.task.key, split, subset.digest)
        for loaded in lab.loaded_tasks
        for split, subset in loaded.subsets.items()
    ]
    parts = [lab.live.identity, str(lab.dtype), lab.chunk, sorted(checkpoints), sorted(subsets)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def code_identity() -> str:
    """Names the code that counts, torch included: results of two versions are never mixed.

    Cost: all sources of ``lines_core`` and ``evaluators`` are read, once.
    """
    digest = hashlib.sha256(torch.__version__.encode())
    for folder in ("evaluators", "lines_core"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()[:12]
