"""What a checkpoint file holds: one model or several to choose from, and what was set aside on the way."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

from torch import Tensor

from lines_core.checkpoints.candidates import Candidate, find_candidates, split_averages
from lines_core.checkpoints.file_kinds import refuse_other_kinds
from lines_core.checkpoints.limits import MAX_BYTES, label_of
from lines_core.checkpoints.opening import opened
from lines_core.checkpoints.pickle_values import Value
from lines_core.checkpoints.safetensors_files import Entry, read_header, read_safetensors
from lines_core.checkpoints.torch_files import TorchFile, open_torch, read_stored
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, WeightFiles
from lines_core.checkpoints.wrapped_names import unwrapped
from lines_core.checkpoints.zip_records import MAGIC
from lines_core.errors import CheckpointError, ChoiceError
from lines_core.untrusted_text import excerpt, first_names, first_of, quoted


@dataclass(frozen=True)
class CheckpointContents:
    """The models in a checkpoint file; their weights are read when they are asked for.

    Attributes:
        path: the file.
        candidates: name of each model in it: where it stands, as ``state_dict_ema``; ``""`` if it is all
            there is. Most files have one.
    """

    path: str
    candidates: tuple[str, ...]
    _models: Mapping[str, Candidate]
    _source: TorchFile | WeightFiles | None  # None for one safetensors file
    _max_bytes: int

    def chosen(self, choose: str | None = None) -> str:
        """The candidate of a name, or the only one.

        Raises: ChoiceError if the file has several and none is named, or none of the name.
        """
        label, names = label_of(self.path), self.candidates
        if choose is None and len(names) == 1:
            return names[0]
        if choose in self._models and choose is not None:
            return choose
        said = "choose one" if choose is None else f"it has no {quoted(choose)}"
        count = "1 model" if len(names) == 1 else f"{len(names)} models"
        raise ChoiceError(f"{label} holds {count}, {first_names(names, 4)}: {said}.", names)

    def notes(self, choose: str | None = None) -> tuple[str, ...]:
        """What was set aside to get at the tensors: keys around them, parts of names, and what is no tensor.

        Raises: ChoiceError as `chosen`.
        """
        candidate = self._models[self.chosen(choose)]
        _, removed = unwrapped(candidate.entries)
        notes = []
        if candidate.name:
            notes.append(f"read from {quoted(candidate.name)}")
        if removed:
            notes.append(f"names without {' and '.join(map(quoted, removed))}")
        if candidate.skipped:
            notes.append(f"not read: {first_of(candidate.skipped)}")
        return tuple(map(excerpt, notes))

    def tensors(self, choose: str | None = None) -> dict[str, Tensor]:
        """The tensors of a candidate by name, without the parts that wrappers put into names.

        Raises: ChoiceError as `chosen`; CheckpointError if they cannot be read.
        """
        entries = self._models[self.chosen(choose)].entries
        plain, _ = unwrapped(entries)
        return {plain[name]: tensor for name, tensor in self._read(entries).items()}

    def _read(self, entries: Mapping[str, Value]) -> dict[str, Tensor]:
        label = label_of(self.path)
        stored = {name: entry.name for name, entry in entries.items() if isinstance(entry, Entry)}
        if isinstance(self._source, WeightFiles):
            with self._source as files:
                return {name: files[one] for name, one in stored.items()}
        with _readable(self.path, self._max_bytes) as stream:
            if self._source is not None:
                return read_stored(stream, self._source, entries, label, self._max_bytes)
            held = read_safetensors(stream, label)
            return {name: held[one] for name, one in stored.items()}


def open_checkpoint(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> CheckpointContents:
    """What a checkpoint file holds. Its format is told from its content, not from its name.

    Everything that a file claims is checked before memory is allocated. A PyTorch file's pickle is
    interpreted as data: whatever is in it beside tensors stays inert, and is named in the notes.

    Args:
        path: a safetensors file, or one of ``torch.save``; an index (``*.safetensors.index.json``), or a
            folder with shards and their index, or with one safetensors file. Symbolic links are followed, as
            the Hugging Face cache is made of them, but must end at a regular file.
        max_bytes: largest file, and largest sum of tensor sizes, in bytes.
    Raises: CheckpointError if the file is absent, not a regular file, too large, damaged, no checkpoint, or
        holds no tensors.
    Cost: reads what describes the tensors, not the tensors.
    """
    label = label_of(path)
    source: TorchFile | WeightFiles | None = None
    if os.path.isdir(path) or os.fspath(path).endswith(INDEX_SUFFIX):
        source = WeightFiles(path, max_bytes=max_bytes)
        models = _in_entries(source.entries.values(), label)
    else:
        with _readable(path, max_bytes) as stream:
            if stream.read(4) == MAGIC:
                source = open_torch(stream, label)
                models = find_candidates(source.content, label)
            else:
                refuse_other_kinds(stream, label)
                stream.seek(0)
                models = _in_entries(read_header(stream, label).entries, label)
    named = {one.name: one for one in models}
    return CheckpointContents(os.fspath(path), tuple(named), named, source, max_bytes)


def _in_entries(entries: Iterable[Entry], label: str) -> list[Candidate]:
    """The models in safetensors files, which hold names and tensors alone."""
    full = {entry.name: entry for entry in entries if prod(entry.shape)}
    if not full:
        raise CheckpointError(f"{label} holds no tensors with elements.")
    empty = tuple(f"{quoted(entry.name)} (empty)" for entry in entries if entry.name not in full)
    return split_averages(Candidate("", full, empty))


@contextmanager
def _readable(path: str | os.PathLike[str], max_bytes: int) -> Iterator[BinaryIO]:
    """The open file; errors of memory and disk while it is read become a CheckpointError."""
    label = label_of(path)
    with opened(path, max_bytes) as stream:
        try:
            yield stream
        except MemoryError as error:
            raise CheckpointError(f"{label} does not fit into free memory.") from error
        except OSError as error:
            raise CheckpointError(f"{label} cannot be read: {excerpt(str(error))}.") from error
