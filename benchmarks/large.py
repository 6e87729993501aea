"""Memory of a process that edits ViT-L/14 by each of twenty residuals in turn.

Random weights at full size; the residuals are files of 24 GB in all, mapped one after the other in a new
process. Run with ``python -m benchmarks large``; needs 27 GB of disk.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = "ViT-L-14"
CHECKPOINTS = 20
BATCH = 8
DISK = 27e9
MACHINE = 24 * 2**30
GPU = 16e9
TASKS, IMAGES = 20, 256


def make(folder: Path) -> None:
    """Write the encoder and its residuals."""
    import torch
    from safetensors.torch import save_file

    from evaluators.encoder.residual_files import save_residual
    from evaluators.hub.hub_encoder import HubEncoder
    from evaluators.zoo import ENCODERS
    from tests.hub.repositories import random_clip

    row = ENCODERS[MODEL]
    weights = folder / "open_clip_model.safetensors"
    save_file(random_clip(row), weights)
    live = HubEncoder(row, weights, "random", torch.device("cpu"), folder / "pace")
    for number in range(CHECKPOINTS):
        generator = torch.Generator().manual_seed(number)
        residual = torch.empty(live.layout.numel).normal_(std=1e-4, generator=generator)
        save_residual(folder / f"{number}.safetensors", live.layout, residual, "random")


def use(folder: Path) -> None:
    """Edit by each residual in turn, encode some images, and print memory and time."""
    import torch

    from evaluators.hub.hub_encoder import HubEncoder
    from evaluators.specs.edit_spec import EditSpec
    from evaluators.zoo import ENCODERS

    row = ENCODERS[MODEL]
    live = HubEncoder(
        row, folder / "open_clip_model.safetensors", "random", torch.device("cpu"), folder / "pace"
    )
    for number in range(CHECKPOINTS):
        live.residual_paths[str(number)] = folder / f"{number}.safetensors"
    scales = EditSpec.lines("0", 0.4).scales(row.num_blocks)
    images = torch.randn(BATCH, 3, row.image_size, row.image_size).to(live.engine_config.dtype)
    anonymous, swapped, edits = 0, 0, []
    for number in range(CHECKPOINTS):
        began = time.perf_counter()
        live.write_edit(str(number), scales)
        edits.append(time.perf_counter() - began)
        with torch.inference_mode():
            live.encode(images)
        now = status()
        anonymous, swapped = max(anonymous, now["RssAnon"]), max(swapped, now["VmSwap"])
    peak = status()["VmHWM"]
    tower = 4 * row.tower_parameters
    half = torch.finfo(live.engine_config.dtype).bits // 8 * row.tower_parameters
    image_bytes = TASKS * IMAGES * 3 * row.image_size**2
    device = tower + half + max(tower, live.residuals.max_bytes) + image_bytes
    rows = [
        ("residuals in files", CHECKPOINTS * tower, ""),
        ("anonymous memory, peak", anonymous, ""),
        ("the same with mapped pages, peak", peak, f"target <= {MACHINE / 1e9:.1f}"),
        ("swapped out", swapped, "target 0"),
        (f"on a device, with {TASKS} x {IMAGES} images (a sum)", device, f"target < {GPU / 1e9:g}"),
    ]
    for what, size, target in rows:
        print(f"  {what:46} {size / 1e9:8.2f} GB   {target}".rstrip())
    print(f"  {'first edit by a residual, slowest':46} {max(edits):8.2f} s")


def status() -> dict[str, int]:
    """Memory fields of this process in bytes, from Linux."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    fields = (line.split() for line in lines if line.endswith("kB"))
    return {name.rstrip(":"): 1024 * int(amount) for name, amount, _ in fields}


def main() -> int:
    """Make the files, then use them in a new process; 1 if the disk is too small."""
    folder = Path(tempfile.mkdtemp(prefix="lines-large-"))
    try:
        free = shutil.disk_usage(folder).free
        if free < DISK:
            print(f"not run: {DISK / 1e9:g} GB of disk are needed, {free / 1e9:.0f} GB are free")
            return 1
        for step in ("make", "use"):
            call = (
                f"import pathlib, sys; from benchmarks.large import {step}; {step}(pathlib.Path(sys.argv[1]))"
            )
            subprocess.run([sys.executable, "-c", call, str(folder)], check=True)
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
