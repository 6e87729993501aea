"""Output that appears under its name when it is whole; the next run goes on where one was stopped."""

import glob
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from math import prod
from pathlib import Path

import torch

from lines_core.atomic_write import atomic_write
from lines_core.checkpoints.limits import label_of
from lines_core.checkpoints.safetensors_header import header_bytes
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, PICKLES, SUFFIX, WeightFiles
from lines_core.errors import CheckpointError

RECIPE_FILE = "lines_recipe.json"
_WEIGHTS = (
    *(SUFFIX, INDEX_SUFFIX, ".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"),
    *(".h5", ".msgpack", ".onnx", ".gguf", ".ot", ".part", ".npz"),
)
_LARGEST_COMPANION = 256 << 20
"""Bytes of a file beside the weights; a tokenizer has up to 30 MB."""
SPARE = 64 << 20
"""Bytes left free on the disk."""
_BEHIND = 32 << 20
"""Bytes written before the system is told to put them on disk."""
_NOT_COPIED = frozenset({"readme.md", RECIPE_FILE})
_CONFIGURATIONS = frozenset({"config.json", "adapter_config.json", "open_clip_config.json"})


def check_place(out: Path, models: Sequence[WeightFiles]) -> None:
    """Raises: CheckpointError if a file would lie beside the weights of a model that is given as a folder."""
    if out.suffix.lower() != SUFFIX:
        return
    for model in models:
        if model.path.is_dir() and model.path.resolve() == out.parent.resolve():
            raise CheckpointError(
                f"{out.name} would be a second model in the folder {label_of(model.path)}, which then could "
                "not be named as a folder: write it to another one."
            )


class StagedOutput:
    """A folder or single file of weights in the making.

    It grows in a hidden folder beside its place, whose name holds the key: a run with the same key goes on
    with the files that are finished there.

    Args:
        out: a folder, or a .safetensors file where the layout has one file; must not exist.
        layout: model whose files, names and shapes the output has.
        dtypes: of each tensor of the output.
        converted: the dtype of all floating-point tensors, if it is not the layout's.
        key: digest of everything that determines the output's content.
    Raises: CheckpointError if ``out`` exists, is named as a pickle, has no parent folder, is a file for
        several files of weights, or there is too little space. Nothing has been written then.
    """

    def __init__(
        self,
        out: Path,
        layout: WeightFiles,
        dtypes: Mapping[str, torch.dtype],
        key: str,
        converted: torch.dtype | None = None,
    ) -> None:
        self.out, self._layout, self._dtypes, self._converted = out, layout, dtypes, converted
        self._single = out.suffix.lower() == SUFFIX
        if out.suffix.lower() in PICKLES:
            raise CheckpointError(
                f"{out.name} would be a folder of that name: weights are written as safetensors. Name a "
                f"folder, or a {SUFFIX} file."
            )
        if out.exists() and (self._single or not out.is_dir() or any(out.iterdir())):
            raise CheckpointError(f"{out} exists: choose another name, or remove it first.")
        if not out.parent.is_dir():
            raise CheckpointError(f"No folder {out.parent} to write {out.name} to.")
        if self._single and len(layout.shards) > 1:
            raise CheckpointError(f"The weights have {len(layout.shards)} files: let {out.name} be a folder.")
        self.folder = out.with_name(f".{out.name}.{key[:16]}.part")
        needed = sum(self._bytes_of(shard) for shard in layout.shards if not self.has(shard))
        free = shutil.disk_usage(out.parent).free
        if free < needed + SPARE:
            raise CheckpointError(
                f"{out} needs {needed / 1e6:,.0f} MB and {SPARE / 1e6:,.0f} MB to spare; its disk has "
                f"{free / 1e6:,.0f} MB free."
            )

    def has(self, file: str) -> bool:
        """Whether a file of the output is finished."""
        return (self.folder / file).is_file()

    def write_shard(self, shard: str, metadata: Mapping[str, str], data: Iterable[bytes | bytearray]) -> None:
        """Write one file of weights: flushed, then renamed.

        Args:
            data: bytes of all its tensors in order.
        Raises: OSError; whatever making the data raises.
        """
        tensors = [
            (name, self._dtypes[name], self._layout.entries[name].shape)
            for name in self._layout.shards[shard]
        ]

        def write(part: Path) -> None:
            with part.open("wb", buffering=0) as stream:
                written = begun = 0
                for block in chain([header_bytes(tensors, metadata)], data):
                    _write_all(stream.fileno(), block)
                    written += len(block)
                    if written - begun >= _BEHIND:
                        _begin_flush(stream.fileno(), begun, written)
                        begun = written

        atomic_write(self.folder / shard, write)

    def keep(self, file: str, text: str) -> None:
        """Write a small file."""
        atomic_write(self.folder / file, lambda part: part.write_text(text, encoding="utf-8"))

    def finish(self, recipe: str) -> None:
        """Add index, recipe and the files beside the layout's weights, and rename to the output's place."""
        if self._single:
            (shard,) = self._layout.shards
            os.replace(self.folder / shard, self.out)
        else:
            for shard_file in self.folder.iterdir():
                if shard_file.name not in self._layout.shards:
                    shard_file.unlink()
            if self._layout.index is not None:
                self.keep(self._layout.index, self._index())
            self._copy_companions()
            self.keep(RECIPE_FILE, recipe)
            if self.out.exists():
                self.out.rmdir()
            os.rename(self.folder, self.out)
        for leftover in self.out.parent.glob(f".{glob.escape(self.out.name)}.{'[0-9a-f]' * 16}.part"):
            shutil.rmtree(leftover, ignore_errors=True)

    def abandon(self) -> None:
        """Delete the hidden folder if nothing in it is finished."""
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def remove(self) -> None:
        """Delete the hidden folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _bytes_of(self, shard: str) -> int:
        return sum(
            prod(self._layout.entries[name].shape) * self._dtypes[name].itemsize
            for name in self._layout.shards[shard]
        )

    def _index(self) -> str:
        assert self._layout.index is not None
        content = json.loads((self._layout.folder / self._layout.index).read_text("utf-8"))
        known = content.get("metadata") if isinstance(content.get("metadata"), dict) else {}
        size = sum(map(self._bytes_of, self._layout.shards))
        weight_map = {name: shard for shard, names in self._layout.shards.items() for name in names}
        return json.dumps({"metadata": known | {"total_size": size}, "weight_map": weight_map}, indent=2)

    def _copy_companions(self) -> None:
        files = {path.name: path for path in sorted(self._layout.folder.iterdir()) if path.is_file()}
        named = self._layout.path.is_dir() or self._layout.index is not None
        if not named and not _CONFIGURATIONS & files.keys():
            return  # a file among others
        for name, path in files.items():
            if is_companion(name) and path.stat().st_size <= _LARGEST_COMPANION:
                atomic_write(self.folder / name, partial(shutil.copyfile, path))
                if name == "config.json" and self._converted is not None:
                    self._name_dtype(self._converted)

    def _name_dtype(self, dtype: torch.dtype) -> None:
        """Let the configuration say the dtype that all floating-point weights were converted to."""
        try:
            config = json.loads((self.folder / "config.json").read_text("utf-8"))
        except (ValueError, RecursionError):
            return  # not ours to mend
        if isinstance(config, dict):
            known = {
                key: str(dtype).removeprefix("torch.") for key in ("dtype", "torch_dtype") if key in config
            }
            self.keep("config.json", json.dumps(config | known, indent=2) + "\n")


def _begin_flush(descriptor: int, begin: int, end: int) -> None:
    """Let the system write a part of a file to disk now, so that the flush at its end has little to do."""
    if hasattr(os, "posix_fadvise"):  # not on Windows and macOS
        os.posix_fadvise(descriptor, begin, end - begin, os.POSIX_FADV_DONTNEED)


def is_companion(name: str) -> bool:
    """Whether a file beside weights is right for a model made from them too: tokenizer, configuration."""
    return not (name.startswith(".") or name.endswith(_WEIGHTS) or name.lower() in _NOT_COPIED)


def _write_all(descriptor: int, block: bytes | bytearray) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]
