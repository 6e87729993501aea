"""A zip file with the several files of one model, unpacked: shards with their index, or an adapter."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from evaluators.errors import LabError
from evaluators.hub.declared_activation import CONFIGS
from lines_core.checkpoints import opened
from lines_core.checkpoints.adapter import CONFIG, WEIGHTS
from lines_core.checkpoints.limits import label_of
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, SUFFIX
from lines_core.checkpoints.zip_records import MAGIC, Record, find_records, record_content
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted


@contextmanager
def unpacked(path: Path, folder: Path, most_bytes: int) -> Iterator[Path]:
    """The upload itself, or a folder with its files if it is a zip file of a model's files.

    Only files that are needed are written, under the last part of their names, and deleted afterwards.

    Args:
        folder: where to unpack.
        most_bytes: of the upload, and of what it unpacks to.
    Raises: CheckpointError if the zip file is damaged, or its files are too large or of one name; LabError if
        the disk is full.
    """
    label = label_of(path)
    with opened(path, most_bytes) as stream:
        if stream.read(4) != MAGIC:
            yield path
            return
        records = find_records(stream, label)
        wanted = _wanted(records, label)
        if not wanted:
            yield path
            return
        if sum(record.num_bytes for record in wanted.values()) > most_bytes:
            raise CheckpointError(f"{label} unpacks to more than the {most_bytes:,} bytes allowed.")
        with tempfile.TemporaryDirectory(dir=folder) as place:
            try:
                for name, record in wanted.items():
                    Path(place, name).write_bytes(record_content(stream, record, label))
            except OSError as error:
                raise LabError(f"{label} could not be unpacked: {error.strerror}.") from error
            yield Path(place)


def _wanted(records: dict[str, Record], label: str) -> dict[str, Record]:
    """The files of a model, and its configuration, by their names without folders; none if torch.save wrote
    the zip file.
    """
    found: dict[str, Record] = {}
    folders: set[str] = set()
    for full, record in records.items():
        name = full.rpartition("/")[2]
        plain = name.isascii() and name.isprintable() and not set(name) & set('\\:*?"<>|') and len(name) < 200
        if name.startswith(".") or full.startswith("__MACOSX/") or not plain:
            continue
        if name in (CONFIG, *WEIGHTS) or name.endswith((SUFFIX, INDEX_SUFFIX)):
            if name in found:
                raise CheckpointError(f"{label} has {quoted(name)} in two folders: zip one model alone.")
            found[name] = record
            folders.add(full.removesuffix(name))
    for folder, config in product(folders, CONFIGS):
        if folder + config in records:
            found[config] = records[folder + config]
    return found
