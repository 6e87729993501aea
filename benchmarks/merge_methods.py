"""Merging eight task vectors slice by slice, against reference code, which takes the whole matrix (T, d).

Each run is a process of its own, ours and the reference in turn, on the same random vectors. Memory is what
the process took at its peak beyond its input; seconds of cores are those that both cores worked for it, which
on a busy machine say more than the clock. ViT-B/32's 88 M weights where there is memory for the
reference, a quarter of that otherwise. Run with
``python -m benchmarks.merge_methods [--full | --quarter] [METHOD ...]``.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.edit import ENCODERS, tower_shapes
from lines_core.merging import merge

THREADS = 2
TASKS = 8
FULL = 87_849_216
QUARTER = FULL // 4
NEEDED = 22e9
"""Bytes that the reference needs for TIES at full size, input included."""
ROUNDS = 3
DENSITY, TALL_LAMBDA, K, DROP = 0.2, 0.4, 2, 0.9


def reference_ties(vectors: Sequence[Tensor]) -> Tensor:
    """Trim, elect, disjoint mean on the stacked vectors (arXiv:2306.01708)."""
    matrix = torch.vstack(list(vectors))
    d = matrix.shape[1]
    thresholds, _ = matrix.abs().kthvalue(d - int(DENSITY * d), dim=1, keepdim=True)
    trimmed = matrix * (matrix.abs() >= thresholds)
    signs = torch.sign(trimmed.sum(dim=0))
    signs[signs == 0] = torch.sign(signs.sum())
    agreeing = torch.where(signs.unsqueeze(0) > 0, trimmed > 0, trimmed < 0)
    selected = trimmed * agreeing
    return selected.sum(dim=0) / (selected != 0).sum(dim=0).float().clamp(min=1)


def reference_consensus(vectors: Sequence[Tensor]) -> Tensor:
    """TALL masks of all tasks, and the sum where enough of them agree (arXiv:2405.07813)."""
    matrix = torch.vstack(list(vectors))
    merged = matrix.sum(dim=0)
    masks = matrix.abs() > TALL_LAMBDA * (merged - matrix).abs()
    return merged * (masks.sum(dim=0) >= K)


def reference_dare(vectors: Sequence[Tensor]) -> Tensor:
    """Random masks for the stacked vectors, the rest rescaled and added up (arXiv:2311.03099)."""
    matrix = torch.vstack(list(vectors))
    kept = torch.bernoulli(torch.full_like(matrix, 1.0 - DROP))
    return (matrix * kept / (1.0 - DROP)).sum(dim=0)


def reference_tsv_m(vectors: Sequence[Tensor]) -> Tensor:
    """As its authors' code does it, in float32, a matrix at a time: the full SVD of each task, its first
    directions side by side with those of the others, full SVDs of these two, one product of all.

    What is no matrix becomes the running mean over the tasks (arXiv:2412.00081).
    """
    merged = torch.empty_like(vectors[0])
    start = 0
    for shape in shapes_of(len(merged)):
        part = slice(start, start + math.prod(shape))
        start = part.stop
        if len(shape) != 2:
            mean = merged[part].zero_()
            for number, vector in enumerate(vectors, start=1):
                mean += (vector[part] - mean) / number
            continue
        rank = min(shape)
        count = rank // len(vectors)
        left, values, right = torch.zeros(shape[0], rank), torch.zeros(rank), torch.zeros(rank, shape[1])
        for task, vector in enumerate(vectors):
            own = slice(task * count, (task + 1) * count)
            found = torch.linalg.svd(vector[part].view(shape), full_matrices=False)
            left[:, own], values[own], right[own] = found.U[:, :count], found.S[:count], found.Vh[:count]
        outer, inner = (torch.linalg.svd(side, full_matrices=False) for side in (left, right))
        factors = (outer.U, outer.Vh, torch.diag(values), inner.U, inner.Vh)
        merged[part] = torch.linalg.multi_dot(factors).flatten()
    return merged


REFERENCES: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {
    "ties": reference_ties,
    "consensus": reference_consensus,
    "dare": reference_dare,
    "tsv-m": reference_tsv_m,
}
SETTINGS = {
    "ties": {"density": DENSITY},
    "consensus": {"k": float(K), "tall_lambda": TALL_LAMBDA},
    "dare": {"drop": DROP},
    "tsv-m": {},
}


def ours(method: str, vectors: Sequence[Tensor]) -> Tensor:
    """The same merge by `lines_core.merging`."""
    return merge(method, vectors, SETTINGS[method], shapes=shapes_of(len(vectors[0])))


def shapes_of(numel: int) -> list[tuple[int, ...]]:
    """Shapes of ViT-B/32's parameters that so many weights make up, the last one cut."""
    found: list[tuple[int, ...]] = []
    for shape in tower_shapes(ENCODERS[0]).values():
        if numel < math.prod(shape):
            break
        found.append(shape)
        numel -= math.prod(shape)
    return [*found, (numel,)]


def random_vectors(numel: int) -> list[Tensor]:
    """Task vectors of entries about as large as after fine-tuning."""
    generator = torch.Generator().manual_seed(0)
    return [torch.empty(numel).normal_(0.0, 1e-3, generator=generator) for _ in range(TASKS)]


def measure(method: str, who: str, numel: int) -> None:
    """Print seconds and bytes of one merge; the body of a process of its own."""
    torch.set_num_threads(THREADS)
    vectors = random_vectors(numel)
    small = [vector[:1000].clone() for vector in vectors]
    run = (lambda given: ours(method, given)) if who == "ours" else REFERENCES[method]
    run(small)  # warms up
    before = resident("VmRSS")
    started, worked = time.perf_counter(), time.process_time()
    run(vectors)
    seconds, cores = time.perf_counter() - started, time.process_time() - worked
    found = {"seconds": seconds, "cores": cores, "bytes": resident("VmHWM") - before}
    print(json.dumps(found))


def resident(line: str) -> float:
    """Bytes of a line of this process's status: VmRSS for now, VmHWM for the peak."""
    for found in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if found.startswith(f"{line}:"):
            return 1024.0 * int(found.split()[1])
    return float("nan")


def available() -> float:
    """Bytes of memory that are free for new processes."""
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024.0 * int(line.split()[1])
    return 0.0


def compare(method: str, numel: int, rounds: int) -> bool:
    """Run both in turn and print a row; whether all runs ended."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "reference": []}
    for _ in range(rounds):
        for who, runs in found.items():
            call = f"from benchmarks.merge_methods import measure; measure({method!r}, {who!r}, {numel})"
            done = subprocess.run(
                [sys.executable, "-c", call], check=False, stdout=subprocess.PIPE, text=True
            )
            if done.returncode != 0:
                print(f"{method:10} {who} did not finish (status {done.returncode}): out of memory?")
                return False
            runs.append(json.loads(done.stdout.splitlines()[-1]))
    seconds, cores, peaks = (
        {who: statistics.median(run[what] for run in runs) for who, runs in found.items()}
        for what in ("seconds", "cores", "bytes")
    )
    times = seconds["reference"] / seconds["ours"]
    share = peaks["ours"] / peaks["reference"]
    targets = {"ties": ("target >= 5", "target <= 0.50"), "tsv-m": ("target <= 60 s", "target <= 4 GB")}.get(
        method, ("", "")
    )
    print(
        f"{method:10} time    {seconds['ours']:8.2f} s    reference {seconds['reference']:8.2f} s    "
        f"reference / ours  {times:6.1f}   {targets[0]}".rstrip()
    )
    print(
        f"{'':10} of cores{cores['ours']:8.2f} s    reference {cores['reference']:8.2f} s    "
        f"reference / ours  {cores['reference'] / cores['ours']:6.1f}"
    )
    print(
        f"{'':10} memory  {peaks['ours'] / 1e9:8.2f} GB   reference {peaks['reference'] / 1e9:8.2f} GB   "
        f"ours / reference  {share:6.2f}   {targets[1]}".rstrip(),
        flush=True,
    )
    return True


def agreement() -> None:
    """Print how far the two are apart, on vectors short enough for both at once."""
    vectors = random_vectors(1_000_000)
    found, expected = ours("tsv-m", vectors), reference_tsv_m(vectors)
    apart = float((found - expected).norm() / expected.norm())
    print(f"{'tsv-m':10} the two differ by {apart:.1e} of their norm")
    for method in ("ties", "consensus"):
        difference = (ours(method, vectors) - REFERENCES[method](vectors)).abs()
        share = float((difference > 1e-9).double().mean())
        print(
            f"{method:10} of {len(difference):,} entries {100 * share:.4f} % differ by more than 1e-09, "
            f"the largest by {float(difference.max()):.1e}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0 if everything ran to its end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merge_methods", description="Time merging.")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=f"of {', '.join(REFERENCES)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each, of which the median counts")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="88 M weights, whatever memory there is")
    size.add_argument("--quarter", action="store_true", help="22 M weights")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.methods) - set(REFERENCES))
    if unknown:
        parser.error(f"unknown method {', '.join(unknown)}: choose from {', '.join(REFERENCES)}")
    full = asked.full or (not asked.quarter and available() > NEEDED)
    numel = FULL if full else QUARTER
    print(
        f"{TASKS} vectors of {numel:,} weights ({4e-9 * TASKS * numel:.1f} GB, not counted below), float32, "
        f"{THREADS} threads, median of {asked.rounds}",
        flush=True,
    )
    ran = [compare(method, numel, asked.rounds) for method in asked.methods or REFERENCES]
    agreement()
    return 0 if all(ran) else 1


if __name__ == "__main__":
    sys.exit(main())
