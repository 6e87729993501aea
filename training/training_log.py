"""Training log ``training.json``: configuration and duration of every training run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_NAME = "training.json"


def read_training_log(folder: Path) -> dict[str, dict[str, Any]]:
    """Entries by weights file; empty before the first run."""
    path = folder / FILE_NAME
    entries: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return entries


def save_entry(folder: Path, name: str, entry: Mapping[str, Any]) -> None:
    """Add or replace the entry of one weights file."""
    entries = {**read_training_log(folder), name: dict(entry)}
    text = json.dumps(entries, indent=1, sort_keys=True)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")
