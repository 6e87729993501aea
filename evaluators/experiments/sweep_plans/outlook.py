"""What a sweep will take: positions that differ, those that are known, and the pace of the others."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from evaluators.experiments.grid import run_grid
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec

SAMPLE_SECONDS = 3.0
"""Seconds after which a sample of the pace ends, at its next chunk or with its positions."""


@dataclass(frozen=True)
class Outlook:
    """The positions of a sweep, each once.

    Args:
        known: that are cached.
        missing: that are to be counted, in order.
        images: of all tasks together, of each missing one.
    """

    known: tuple[EditSpec, ...]
    missing: tuple[EditSpec, ...]
    images: tuple[int, ...]

    @property
    def total(self) -> int:
        """Images to count."""
        return sum(self.images)


def outlook(studio: Studio, specs: Iterable[EditSpec]) -> Outlook:
    """What is left of a sweep. Positions of equal weights and images are one.

    Raises: SpecError if the studio cannot answer one of them; nothing is counted then.
    """
    distinct: dict[str, EditSpec] = {}
    for spec in specs:
        distinct.setdefault(studio.fingerprint(spec), spec)
    known, missing, images = [], [], []
    for spec in distinct.values():
        if studio.cached(spec) is not None:
            known.append(spec)
            continue
        missing.append(spec)
        images.append(images_of_spec(studio, spec))
    return Outlook(tuple(known), tuple(missing), tuple(images))


def images_of_spec(studio: Studio, spec: EditSpec) -> int:
    """Images over all tasks that an edit is counted on."""
    lab = studio.lab_of(spec.model)
    resolved = lab.resolve(spec)
    counts = (lab.count(task, spec.split) for task in lab.tasks(resolved.suite))
    return sum(min(count, resolved.images) for count in counts)


def measured_pace(studio: Studio, ahead: Outlook, seconds: float = SAMPLE_SECONDS) -> float:
    """Images a second, from a short sample of the missing positions; whole ones of it are kept.

    What is read once (weights, images) is read before. A merge counts with the time that merging takes.

    Args:
        ahead: with something missing.
        seconds: of the sample, at least.
    """
    sample = ahead.missing[0]
    studio.warm_up(studio.lab_of(sample.model).resolve(sample).suite, sample.split)
    if sample.merge is None:
        studio.first(sample)
    began, counted = time.perf_counter(), 0
    lab = studio.lab_of(sample.model)
    if studio.workers is not None or (isinstance(lab, EmbeddedLab) and lab.device.type == "cpu"):
        at_once = torch.get_num_threads() if studio.workers is None else max(1, studio.workers.ready)
        for start in range(0, len(ahead.missing), at_once):  # all of a batch are waited for: all count
            list(run_grid(studio, ahead.missing[start : start + at_once]))
            counted += sum(ahead.images[start : start + at_once])
            if time.perf_counter() - began >= seconds:
                break
        return counted / (time.perf_counter() - began)
    first = None if sample.merge else studio.first(sample)
    before = 0 if first is None else sum(task.n for task in first.tasks)
    for answer in studio.stream(sample, background=True):
        counted = sum(task.n for task in answer.tasks) - before
        if counted and time.perf_counter() - began >= seconds:
            break
    return max(counted, 1) / (time.perf_counter() - began)
