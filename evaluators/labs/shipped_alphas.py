"""Alphas of Eq. 2 that ship with a lab: the page Merge opens without merging anything."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from evaluators.errors import LabError
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha

FILE = "ALPHAS"
"""In the folder of a model's sweeps; JSON, but none of the lists of evaluations there."""


def save_alphas(path: Path, fingerprint: str, alphas: Mapping[MergeSpec, MergingAlpha]) -> None:
    """Write alphas, and the fingerprint of the lab that they were computed with."""
    rows = [{"merge": merge.as_dict(), "eq_2": asdict(alpha)} for merge, alpha in alphas.items()]
    path.write_text(json.dumps({"fingerprint": fingerprint, "alphas": rows}) + "\n", encoding="utf-8")


def read_alphas(path: Path, fingerprint: Callable[[], str]) -> dict[MergeSpec, MergingAlpha]:
    """What `save_alphas` wrote; nothing if there is no file, or the lab has another fingerprint now.

    Raises: LabError if the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["fingerprint"] != fingerprint():
            return {}
        return {MergeSpec.from_dict(row["merge"]): MergingAlpha(**row["eq_2"]) for row in plain["alphas"]}
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} holds no alphas of merges: {error}") from error
