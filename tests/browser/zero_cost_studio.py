"""A studio whose evaluations cost nothing: smooth counts from a closed formula.

It measures no model. It answers through the same methods as `evaluators.Studio`, so browser tests and the
page benchmark can tell what the page costs apart from what a forward pass costs. `chunk_seconds` makes it
slow on purpose.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from evaluators.errors import Queued, SpecError, Superseded
from evaluators.labs.lab import CheckpointInfo, ModelInfo, Variant
from evaluators.service.request_stats import ServiceStatus
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import CONTROL, TARGET, Evaluation, TaskResult
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha

NUM_BLOCKS = 12
IMAGES = 400
SUITES = {
    "tasks": {
        "digits": "Handwritten digits",
        "street_numbers": "Street numbers",
        "textures": "Textures",
        "satellite": "Satellite land use",
        "traffic_signs": "Traffic signs",
        "vehicles": "Vehicles",
        "scenes": "Scenes",
        "faces": "Faces and emotions",
    },
    "objects": {
        "objects": "Objects",
        "objects_sketch": "Objects: sketches",
        "objects_hard": "Objects: hard",
        "objects_renditions": "Objects: renditions",
        "objects_views": "Objects: odd views",
        "objects_fresh": "Objects: fresh draw",
    },
}


class ZeroCostStudio:
    """Counts by formula.

    Args:
        chunk_seconds: time each chunk takes.
        chunks: partial answers an evaluation is made of.
        fail_at: raises SpecError when alpha is exactly this, to see what the page does then.
        warm: specs are known without being asked for, as with shipped sweeps.
    """

    def __init__(
        self, chunk_seconds: float = 0.0, chunks: int = 5, fail_at: float | None = None, warm: bool = True
    ) -> None:
        self.chunk_seconds = chunk_seconds
        self.chunks = chunks
        self.fail_at = fail_at
        self.warm = warm
        self.problem = ""
        self._known: dict[str, Evaluation] = {}
        self._latest: dict[Hashable, int] = {}
        self._count = 0
        self._lock = threading.Lock()

    def models(self) -> tuple[ModelInfo, ...]:
        """One model of 12 blocks."""
        return (ModelInfo("tiny-clip", "Tiny CLIP", NUM_BLOCKS, 2_000_000, 48),)

    def checkpoints(self, model: str = "tiny-clip") -> tuple[CheckpointInfo, ...]:
        """The eight tasks and the objects, as in the embedded lab."""
        tasks = [CheckpointInfo(key, title, "tasks") for key, title in SUITES["tasks"].items()]
        return (*tasks, CheckpointInfo("objects", "Objects", "objects"))

    def compared(self, model: str = "tiny-clip") -> tuple[CheckpointInfo, ...]:
        """None: the tabs that show them are left out."""
        return ()

    def variants(self, model: str = "tiny-clip") -> tuple[Variant, ...]:
        """None."""
        return ()

    def merging_alpha(
        self, model: str, merge: MergeSpec, visitor: Hashable | None = None, patience: float | None = None
    ) -> MergingAlpha:
        """As of task arithmetic."""
        return MergingAlpha(1 / len(merge.checkpoints), 1.0, 1.0, len(merge.checkpoints))

    def cached(self, spec: EditSpec) -> Evaluation | None:
        """A finished evaluation; with `warm`, also what a shipped sweep would hold."""
        self._check(spec)
        found = self._known.get(spec.key())
        if found is None and self.warm and _is_shipped(spec):
            return self._tell(spec, self.chunks, precomputed=True)
        return found

    def status(self) -> ServiceStatus:
        """All is well."""
        return ServiceStatus("cpu", ("tiny-clip",), 0, 0, 0.0, len(self._known), "", self.problem, "", 0, 0)

    def fingerprint(self, spec: EditSpec) -> str:
        """Only the spec decides."""
        return spec.key()

    def seen_by(self, session: str) -> ZeroCostStudio:
        """Nobody has checkpoints of their own."""
        return self

    def leave(self, session: str) -> None:
        """Supersede what a visitor has asked for."""
        self._announce(session)

    def busy(self) -> bool:
        """Nobody ever waits."""
        return False

    def first(
        self, spec: EditSpec, visitor: Hashable | None = None, patience: float | None = None
    ) -> Evaluation:
        """The first chunk, or everything when an evaluation is a single chunk."""
        self._announce(visitor)
        known = self.cached(spec)
        if known is not None:
            return known
        time.sleep(self.chunk_seconds)
        return self._tell(spec, 1)

    def stream(
        self,
        spec: EditSpec,
        visitor: Hashable | None = None,
        *,
        fresh: bool = False,
        background: bool = False,
    ) -> Iterator[Evaluation]:
        """Chunk after chunk."""
        number = self._announce(visitor)
        self._check(spec)
        return self._stream(spec, visitor, number, fresh)

    def patiently(
        self, spec: EditSpec, visitor: Hashable | None, patience: float
    ) -> Iterator[Evaluation | Queued]:
        """The same: nobody ever waits."""
        return self.stream(spec, visitor)

    def evaluate(
        self,
        spec: EditSpec,
        visitor: Hashable | None = None,
        *,
        fresh: bool = False,
        background: bool = False,
    ) -> Evaluation:
        """The complete answer."""
        *_, last = self.stream(spec, visitor, fresh=fresh)
        return last

    def _stream(
        self, spec: EditSpec, visitor: Hashable | None, number: int, fresh: bool
    ) -> Iterator[Evaluation]:
        known = None if fresh else self.cached(spec)
        if known is not None:
            yield known
            return
        for done in range(1, self.chunks + 1):
            time.sleep(self.chunk_seconds)
            if visitor is not None and self._latest[visitor] != number:
                raise Superseded("A newer request took the place of this one.")
            yield self._tell(spec, done)

    def _announce(self, visitor: Hashable | None) -> int:
        with self._lock:
            self._count += 1
            self._latest[visitor] = self._count
            return self._count

    def _check(self, spec: EditSpec) -> None:
        if spec.checkpoint not in {one.key for one in self.checkpoints()}:
            raise SpecError(f"There is no checkpoint {spec.checkpoint!r}.")
        if spec.checkpoint == "objects" and spec.split == "val":
            raise SpecError("There are no val images for the shifts of the objects.")
        if self.fail_at is not None and spec.alpha == self.fail_at:
            raise SpecError(f"This test refuses alpha {self.fail_at:g}.")

    def _tell(self, spec: EditSpec, done: int, precomputed: bool = False) -> Evaluation:
        suite = "objects" if spec.checkpoint == "objects" else "tasks"
        n = max(1, (spec.images or IMAGES) * done // self.chunks)
        blocks = spec.scales(NUM_BLOCKS).blocks
        results = tuple(
            TaskResult(
                key,
                title,
                TARGET if key in spec.targets else CONTROL,
                round(n * _accuracy(blocks, key in spec.targets, index)),
                n,
            )
            for index, (key, title) in enumerate(SUITES[suite].items())
        )
        complete = done == self.chunks
        seconds = self.chunk_seconds * done
        evaluation = Evaluation(spec, results, complete, seconds, "float32", "cpu", precomputed)
        if complete and not precomputed:
            self._known[spec.key()] = evaluation
        return evaluation


def _is_shipped(spec: EditSpec) -> bool:
    tenth = (
        abs(10 * spec.alpha - round(10 * spec.alpha)) < 1e-9
        and abs(10 * spec.mix - round(10 * spec.mix)) < 1e-9
    )
    standard: dict[str, Any] = {"flat": spec.alpha in (0.0, 1.0)}
    tied = abs(spec.alpha + spec.beta - 1) < 1e-9 or (spec.alpha, spec.beta) == (0.5, 0.5)
    outside = "depth" if spec.shape == "reverse" else "alpha"
    return tenth and spec.outside == outside and bool(standard.get(spec.shape, tied and spec.shape != "sqrt"))


def _accuracy(blocks: Sequence[float], target: bool, index: int) -> float:
    """Rises with the deep factors on the target, falls with the shallow ones on the controls."""
    half = NUM_BLOCKS // 2
    shallow, deep = (sum(part) / half for part in (blocks[:half], blocks[half:]))
    zero_shot = 0.42 + 0.035 * (index % 5)
    learned = max(0.0, 1.0 - (1.0 - min(0.25 * shallow + 0.75 * deep, 1.0)) ** 2.2)
    if target:
        value = zero_shot + (0.985 - zero_shot) * learned
    else:
        value = (
            zero_shot + 0.015 * deep - 0.03 * deep**3 - (0.07 + 0.02 * (index % 3)) * max(shallow, 0.0) ** 1.6
        )
    return float(min(max(value, 0.02), 0.995))
