"""Counts on images that several tasks share: each image is encoded once, whichever tasks ask about it."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from evaluators import EditSpec
from evaluators.data.image_questions import NOT_SHOWN, QUESTIONS, read_image_questions
from evaluators.data.image_subset import load_subset
from evaluators.data.task_list import SUITES, Task, read_tasks
from evaluators.experiments.merge_search import Score
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.specs.evaluation import TaskResult
from evaluators.specs.image_hits import Hits

BATCH = 160


class SharedImages:
    """The images of a split that the tasks of a lab are about.

    Args:
        lab: of the tasks; its encoder's weights are edited.
        split: "val" or "test".
        first: of each data set, the first images in the order of ``load_subset``; 0 for all.
    """

    def __init__(self, lab: EmbeddedLab, split: str, first: int = 0) -> None:
        self._lab, self._split = lab, split
        folder, size = lab.folder / "eval", lab.info.image_size
        asked = {one.task.key: one for one in read_image_questions(folder / QUESTIONS)}
        shown = {task.key: task for task in read_tasks(folder / "tasks.json")}
        self._tasks = {task.key: task for task in lab.tasks(SUITES[0])}
        self._heads = dict(zip(self._tasks, lab.heads(SUITES[0]), strict=True))
        self._source = {key: asked[key].images if key in asked else key for key in self._tasks}
        subsets = {
            key: load_subset(folder, shown[key], split, first, image_size=size)
            for key in dict.fromkeys(self._source.values())
        }
        self._pixels = {key: subset.images for key, subset in subsets.items()}
        self._labels = {
            key: torch.tensor(asked[key].labels[split][: len(self._pixels[source])])
            if key in asked
            else subsets[key].labels
            for key, source in self._source.items()
        }

    def score(self, spec: EditSpec, keys: Sequence[str]) -> Score:
        """Accuracy of an edit on some of the lab's tasks, in their order.

        Raises: SpecError if the lab cannot resolve the spec.
        """
        results = []
        for task, labels, named in self._named(spec, keys):
            results.append(
                TaskResult(task.key, task.title, "target", int((named == labels).sum()), len(labels))
            )
        return Score(tuple(results), self._split)

    def hits(
        self, spec: EditSpec, keys: Sequence[str], before: float | None = None, after: float | None = None
    ) -> dict[str, Hits]:
        """The same image by image.

        Args:
            before, after: factors of the weights before and after the blocks in place of the spec's.
        """
        return {
            task.key: Hits.of(labels.tolist(), named.tolist())
            for task, labels, named in self._named(spec, keys, before, after)
        }

    def _named(
        self, spec: EditSpec, keys: Sequence[str], before: float | None = None, after: float | None = None
    ) -> Iterator[tuple[Task, Tensor, Tensor]]:
        """Each task with the classes of the images that show it, true and named."""
        resolved = self._lab.resolve(spec)
        scales = resolved.scales
        scales = scales._replace(
            before=scales.before if before is None else before,
            after=scales.after if after is None else after,
        )
        self._lab.encoder.write_edit(resolved.residual, scales)
        features = {source: self._encoded(source) for source in {self._source[key] for key in keys}}
        for key, task in self._tasks.items():
            if key not in keys:
                continue
            labels = self._labels[key]
            named = (features[self._source[key]] @ self._heads[key]).argmax(dim=1)
            shown = labels != NOT_SHOWN
            yield task, labels[shown], named[shown]

    def _encoded(self, source: str) -> Tensor:
        """Features of a data set's images, (n, D)."""
        normalise = self._lab.images(SUITES[0], self._split).normalise
        encoder = self._lab.encoder
        parts = torch.split(self._pixels[source], BATCH)
        return torch.cat([encoder.encode(normalise(part)).float().clone() for part in parts])
