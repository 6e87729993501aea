"""The gamma grid that ships with a lab: tied positions that are known without a forward pass."""

import hashlib
import logging
import threading
from functools import cache
from typing import NamedTuple

from evaluators.data.task_list import task_identity
from evaluators.errors import EvaluationError
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.specs.edit_spec import EditSpec, Scales
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.gamma_grid import STEPS, GridLine, Titles, grid_path, read_grid
from evaluators.specs.resolved_spec import ResolvedSpec
from lines_core.schedules import SHAPES

_LOG = logging.getLogger(__name__)


class _Place(NamedTuple):
    """A position of a line."""

    line: GridLine
    spec: EditSpec
    step: int
    titles: Titles


class ShippedGrid:
    """The files in ``grid/``; each is read when a position of its shape and split is first asked for.

    A damaged file, and lines that were made with other weights or images, are logged and not shown: such
    positions are counted. Any method may be called from any thread.
    """

    def __init__(self, lab: EmbeddedLab) -> None:
        self._lab = lab
        self._mutex = threading.Lock()  # guards what follows
        self._lines: dict[tuple[str, str], dict[str, GridLine]] = {}

    def get(self, resolved: ResolvedSpec) -> Evaluation | None:
        """The complete evaluation that answers a measurement, without predictions; None if none does."""
        place = self._place(resolved)
        return place and place.line.evaluation(place.spec, place.step, place.titles)

    def pictured(self, resolved: ResolvedSpec) -> Evaluation | None:
        """Its predictions of the first images, as an evaluation on these alone; None as ``get``."""
        place = self._place(resolved)
        return place and place.line.pictured(place.spec, place.step, place.titles)

    def _place(self, resolved: ResolvedSpec) -> _Place | None:
        """Where a measurement is on the grid. Canonical forms are compared, so gamma = 1 is any shape's."""
        step = round(resolved.scales.before * STEPS)
        if not isinstance(resolved.residual, str) or not 0 <= step <= STEPS:
            return None
        checkpoints = [
            one.key
            for one in self._lab.checkpoints()
            if one.suite == resolved.suite and resolved.residual in ("", one.key)
        ]
        if resolved.model != self._lab.info.key or not checkpoints:
            return None
        for shape in SHAPES:
            if tied_scales(shape, step, len(resolved.scales.blocks)) != resolved.scales:
                continue
            line = self._read(shape, resolved.split).get(checkpoints[0])
            if line is not None and max(line.images.values()) == resolved.images:
                tasks = self._lab.tasks_with_images(resolved.suite, resolved.split)
                rest = {"shape": shape, "split": resolved.split, "images": resolved.images}
                spec = EditSpec.lines(checkpoints[0], step / STEPS, **rest)
                return _Place(line, spec, step, {task.key: task.title for task in tasks})
        return None

    def _read(self, shape: str, split: str) -> dict[str, GridLine]:
        with self._mutex:
            if (shape, split) not in self._lines:
                path = grid_path(self._lab.folder, shape, split)
                try:
                    read = read_grid(path)
                except EvaluationError as error:
                    _LOG.warning("%s", error)
                    read = {}
                own = {
                    key: line
                    for key, line in read.items()
                    if line.made_with == made_with(self._lab, key, split)
                }
                if len(own) < len(read):
                    _LOG.warning("%s was made with another lab in part or whole: that is not shown.", path)
                self._lines[shape, split] = own
            return self._lines[shape, split]


@cache
def tied_scales(shape: str, step: int, num_blocks: int) -> Scales:
    """Factors at gamma = step / 100."""
    return EditSpec.lines(gamma=step / STEPS, shape=shape).scales(num_blocks)


def made_with(lab: Lab, checkpoint: str, split: str) -> str:
    """Names the weights, images and prompts that decide all counts of a checkpoint, by content.

    Empty if the lab cannot evaluate it on the split.
    """
    info = next((one for one in lab.checkpoints() if one.key == checkpoint), None)
    if info is None or lab.tasks_with_images(info.suite, split) != lab.tasks(info.suite):
        return ""
    resolved = lab.resolve(EditSpec.finetuned(checkpoint, model=lab.info.key, split=split))
    parts = [task_identity(lab.tasks(info.suite)), *lab.content_digests(resolved)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
