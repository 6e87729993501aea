"""Edit and merge of a sharded LLaMA of 8.6 GB on disk: memory against the bound, speed against a plain copy.

The copy reads the same bytes (both models) and writes the same bytes (one), flushed to disk as well; the
files are dropped from the page cache before each. Needs 36 GB of disk. Run with
``python -m benchmarks large_files``.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WIDTH, INNER, VOCABULARY, BLOCKS = 4096, 11008, 32000, 20
SHARD_BYTES = 2e9
POOL = 1 << 25
DISK = 36e9
SPARE = 300e6
"""Bytes of the bound beside the tensors."""
READ = 8 << 20


def shapes() -> dict[str, tuple[int, ...]]:
    """Parameters of a LLaMA, in order."""
    blocks = {
        f"model.layers.{block}.{name}.weight": shape
        for block in range(BLOCKS)
        for name, shape in {
            **{f"self_attn.{one}_proj": (WIDTH, WIDTH) for one in "qkvo"},
            "mlp.gate_proj": (INNER, WIDTH),
            "mlp.up_proj": (INNER, WIDTH),
            "mlp.down_proj": (WIDTH, INNER),
            "input_layernorm": (WIDTH,),
            "post_attention_layernorm": (WIDTH,),
        }.items()
    }
    ends = {"model.norm.weight": (WIDTH,), "lm_head.weight": (VOCABULARY, WIDTH)}
    return {"model.embed_tokens.weight": (VOCABULARY, WIDTH), **blocks, **ends}


def shards() -> Iterator[list[str]]:
    """Names in groups of about `SHARD_BYTES`."""
    group, size = [], 0
    for name, shape in shapes().items():
        group.append(name)
        size += 2 * prod(shape)
        if size >= SHARD_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def make(folder: Path) -> None:
    """Write a pretrained model and a fine-tuned one; their numbers repeat, which no step makes use of."""
    import torch

    from lines_core.checkpoints.safetensors_header import header_bytes
    from lines_core.large_files.pieces import rounded

    generator = torch.Generator().manual_seed(0)
    pool = torch.empty(POOL).normal_(std=0.02, generator=generator)
    moved = pool + torch.empty(POOL).normal_(std=0.002, generator=generator)
    groups, table = list(shards()), shapes()
    for model, weights in (("pretrained", pool), ("finetuned", moved)):
        (folder / model).mkdir()
        data = memoryview(rounded(POOL, torch.bfloat16, model, partial(_part, weights)))
        weight_map: dict[str, str] = {}
        for number, names in enumerate(groups):
            shard = f"model-{number + 1:05d}-of-{len(groups):05d}.safetensors"
            weight_map |= dict.fromkeys(names, shard)
            tensors = [(name, torch.bfloat16, table[name]) for name in names]
            with (folder / model / shard).open("wb") as stream:
                stream.write(header_bytes(tensors, {"format": "pt"}))
                for name in names:
                    left = 2 * prod(table[name])
                    while left:
                        left -= stream.write(data[:left])
                stream.flush()
                os.fsync(stream.fileno())
        index = json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map})
        (folder / model / "model.safetensors.index.json").write_text(index)


def _part(weights: "Tensor", part: slice, _: "list[Tensor]") -> "Tensor":
    return weights[part]


def forget(folder: Path) -> None:
    """Drop both models from the page cache."""
    for path in [*(folder / "pretrained").iterdir(), *(folder / "finetuned").iterdir()]:
        with path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def copy(folder: Path) -> None:
    """Read both models, write one, flushed."""
    forget(folder)
    began, buffer = time.perf_counter(), bytearray(READ)
    (folder / "copy").mkdir()
    for path in sorted((folder / "finetuned").iterdir()):
        with (folder / "pretrained" / path.name).open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass
        with path.open("rb", buffering=0) as stream, (folder / "copy" / path.name).open("wb") as target:
            while count := stream.readinto(buffer):
                target.write(memoryview(buffer)[:count])
            target.flush()
            os.fsync(target.fileno())
    report(time.perf_counter() - began)
    shutil.rmtree(folder / "copy")


def edit(folder: Path) -> None:
    """Edit the fine-tuned model."""
    from lines_core import edit_files

    forget(folder)
    began = time.perf_counter()
    edit_files(folder / "pretrained", folder / "finetuned", folder / "out", alpha=0.4, beta=0.6)
    report(time.perf_counter() - began)
    shutil.rmtree(folder / "out")


def merge(folder: Path) -> None:
    """Merge two models by TIES, with LiNeS and Eq. 2 on top: four passes."""
    from lines_core import merge_files

    forget(folder)
    began = time.perf_counter()
    models = [folder / "finetuned", folder / "finetuned"]
    merge_files(folder / "pretrained", models, folder / "out", method="ties", beta=0.5)
    report(time.perf_counter() - began)
    shutil.rmtree(folder / "out")


def report(seconds: float) -> None:
    """Print seconds and peak memory in bytes, for `measured`."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    print(seconds, 1024 * int(peak))


def measured(step: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory of one step in a process of its own."""
    call = (
        f"import pathlib, sys; from benchmarks.large_files import {step} as do; do(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", call, str(folder)], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, peak = map(float, done.stdout.split() or (0.0, 0.0))
    return seconds, peak


def main() -> int:
    """Make the models, copy, edit and merge them; 1 if the disk is too small."""
    folder = Path(tempfile.mkdtemp(prefix="lines-large-files-"))
    try:
        free = shutil.disk_usage(folder).free
        if free < DISK:
            print(f"not run: {DISK / 1e9:g} GB of disk are needed, {free / 1e9:.0f} GB are free")
            return 1
        measured("make", folder)
        table = shapes().values()
        size, largest = sum(map(prod, table)) * 2, max(map(prod, table)) * 2
        print(f"  {size / 1e9:.1f} GB each, largest tensor {largest / 1e6:.0f} MB")
        found: dict[str, list[tuple[float, float]]] = {"copy": [], "edit": []}
        for order in (("copy", "edit"), ("edit", "copy"), ("copy", "edit")):  # other programs disturb both
            for step in order:
                found[step].append(measured(step, folder))
                print(f"  {step}  {found[step][-1][0]:7.1f} s", flush=True)
        copies, edits = found.values()
        speed = sum(seconds for seconds, _ in copies) / sum(seconds for seconds, _ in edits)
        print(f"  {'speed of the edit against the copy':46} {speed:8.2f}      target >= 0.7")
        merged = measured("merge", folder)
        print(f"  {'merge of two by TIES with LiNeS, Eq. 2':46} {merged[0]:8.1f} s")
        for what, peak, models in (("edit", edits[0][1], 1), ("merge", merged[1], 2)):
            bound = largest * (models + 2) + SPARE
            print(f"  {'peak memory of the ' + what:46} {peak / 1e6:8.0f} MB   target <= {bound / 1e6:.0f}")
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
