"""Public classification tasks of the paper: data sets on the Hub, class names and prompt templates.

The 20 tasks of multi-task merging are rows of ``tasks.json``. ImageNet and its shifts, of robust fine-tuning
and model soups, stand below; their class names and prompts are open_clip's own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evaluators.errors import LabError

FORMS = ("parquet", "webdataset")
TABLE1, IMAGENET = "tasks", "imagenet"
IMAGENET_CLASSES = 1000
CLASS_LISTS = ("both families", "fusion-bench")
_SOURCE = (
    "Hub ids, splits and columns: tanganke/fusion_bench 54c9e8c, config/dataset/image_classification. "
    "Class names and prompts: the same, tasks/clip_classification. Sizes: the Hub's pages."
)


@dataclass(frozen=True)
class HubTask:
    """A zero-shot classification task on the Hugging Face Hub.

    Attributes:
        key: identifier of letters, digits and ``_``.
        title: as in the paper.
        repo, config, revision: data set on the Hub; None where it has one configuration or a default.
        test_split: name of the split that results are reported on.
        test_size: images in it.
        classes: C English class names, in label order; empty with `imagenet`.
        prompts: templates with one ``{}`` for the class name; empty with `imagenet`.
        note: known differences from published measurements, shown to visitors; may be empty.
        class_list: whose class names these are, one of `CLASS_LISTS`. With ``"fusion-bench"`` the heads of
            the tall-masks family come, or may come, from other names.
        train_split, train_size: images that public checkpoints were fine-tuned on, which must not serve for
            validation; None and 0 where they are not in this data set.
        validation_split: a split that no public checkpoint was fine-tuned on; None where there is none.
        test_only: whether nothing may be chosen on these images, as on a distribution shift.
        suite: tasks that are evaluated together, `TABLE1` or `IMAGENET`.
        imagenet: positions of its classes among ImageNet's 1,000, in label order, where names and prompts
            are open_clip's; None for any other task.
        image_column, label_column: names in the files; alternatives for the image separated by ``|``.
        relabel: position in `classes` of each label in the files; None where they are the same.
        form: one of `FORMS`.
        source: of these facts.
    """

    key: str
    title: str
    repo: str
    test_size: int
    train_size: int
    classes: tuple[str, ...]
    prompts: tuple[str, ...]
    class_list: str = "fusion-bench"
    note: str = ""
    config: str | None = None
    revision: str = "main"
    test_split: str = "test"
    train_split: str | None = "train"
    validation_split: str | None = None
    test_only: bool = False
    suite: str = TABLE1
    imagenet: tuple[int, ...] | None = None
    image_column: str = "image"
    label_column: str = "label"
    relabel: tuple[int, ...] | None = None
    form: str = "parquet"
    source: str = _SOURCE

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]+", self.key):
            raise LabError(f"A task's key is made of letters, digits and _, got {self.key!r}.")
        classes: tuple[object, ...] = self.classes if self.imagenet is None else self.imagenet
        if len(classes) < 2 or len(set(classes)) != len(classes):
            raise LabError(f"Task {self.key!r} needs at least two classes, each once, got {classes}.")
        if self.imagenet is None:
            if not self.prompts or any(prompt.count("{}") != 1 for prompt in self.prompts):
                raise LabError(f"Task {self.key!r} needs prompts with exactly one {{}}, got {self.prompts}.")
        elif self.classes or self.prompts or not set(self.imagenet) <= set(range(IMAGENET_CLASSES)):
            raise LabError(
                f"Task {self.key!r} has ImageNet's classes: it gives their positions from 0 to "
                f"{IMAGENET_CLASSES - 1}, and no names or prompts of its own."
            )
        if self.form not in FORMS:
            raise LabError(f"Task {self.key!r} is of form {self.form!r}, expected one of {FORMS}.")
        if self.class_list not in CLASS_LISTS:
            raise LabError(f"Task {self.key!r} has class list {self.class_list!r}, expected {CLASS_LISTS}.")
        if self.relabel is not None and not set(self.relabel) <= set(range(self.num_classes)):
            raise LabError(f"Task {self.key!r} relabels to {self.relabel}: no positions of its classes.")
        splits = [self.test_split, *filter(None, (self.train_split, self.validation_split))]
        if len(set(splits)) != len(splits):
            raise LabError(f"Task {self.key!r} has one split twice: validation and test must never overlap.")
        if self.test_only and self.validation_split is not None:
            raise LabError(f"Task {self.key!r} is only tested on, so it has no validation split.")

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.classes if self.imagenet is None else self.imagenet)


_SHIFTS = (
    "Hub ids: the Hub's pages. Class positions: mlfoundations/wise-ft 58b7a4b, src/datasets/imagenet_r.py "
    "and imagenet_a.py; label i is the i-th of them."
)
WITHOUT_OBJECTNET = (
    "ObjectNet, the paper's fifth shift, is left out: which ImageNet classes its 113 classes are is a table "
    "that is not carried here, and its terms forbid to tune on it."
)
_TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("tasks.json").read_text(encoding="utf-8"))


def _task(key: str, row: Mapping[str, Any]) -> HubTask:
    """A row of ``tasks.json``."""
    return HubTask(key, **{**row, "classes": tuple(row["classes"]), "prompts": tuple(row["prompts"])})


def _imagenet(key: str, title: str, repo: str, test_size: int, **rest: Any) -> HubTask:
    """A row of ImageNet's suite: all of its classes unless ``tasks.json`` lists positions."""
    positions = tuple(_TABLE["imagenet_positions"].get(key, range(IMAGENET_CLASSES)))
    rest = {"train_split": None, "suite": IMAGENET, "imagenet": positions, **rest}
    return HubTask(key, title, repo, test_size, train_size=0, classes=(), prompts=(), **rest)


def _shift(key: str, title: str, repo: str, test_size: int, note: str = "") -> HubTask:
    """A shift of ImageNet among clip-benchmark's data sets: tar files with a test split only."""
    columns = {"form": "webdataset", "image_column": "jpg|webp", "label_column": "cls"}
    return _imagenet(key, title, repo, test_size, note=note, test_only=True, source=_SHIFTS, **columns)


_IMAGENET_ROWS = (
    _imagenet(
        "imagenet",
        "ImageNet",
        "mrm8488/ImageNet1K-val",
        50000,
        test_split="train",  # what this copy calls its only split
        note="The 50,000 images of the public validation set, in a copy that calls them train. Published "
        "figures are about all of them. Here validation and test are drawn from one half each, so what is "
        f"chosen on one is reported on the other. {WITHOUT_OBJECTNET}",
        source="Hub id and split: the Hub's pages; the columns were not seen: the original's are expected.",
    ),
    _shift("imagenet_v2", "ImageNet-V2", "clip-benchmark/wds_imagenetv2", 10000, note="Matched frequency."),
    _shift("imagenet_sketch", "ImageNet-Sketch", "clip-benchmark/wds_imagenet_sketch", 50889),
    _shift(
        "imagenet_r",
        "ImageNet-R",
        "clip-benchmark/wds_imagenet-r",
        30000,
        note="Renditions of 200 of the classes, classified among these only.",
    ),
    _shift(
        "imagenet_a",
        "ImageNet-A",
        "clip-benchmark/wds_imagenet-a",
        7500,
        note="Images of 200 of the classes that ResNet-50 got wrong, classified among these only.",
    ),
)

TASKS: Mapping[str, HubTask] = MappingProxyType(
    {key: _task(key, row) for key, row in _TABLE["tasks"].items()}
    | {task.key: task for task in _IMAGENET_ROWS}
)
"""By key, in the paper's order: its 20 tasks, then ImageNet and its shifts."""

BENCHMARKS: Mapping[int, tuple[str, ...]] = MappingProxyType({n: tuple(TASKS)[:n] for n in (8, 14, 20)})
"""Keys of the 8, 14 and 20 tasks that the paper evaluates together (appendix B.2.2), in its order."""
