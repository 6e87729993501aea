"""The paper's 20 classification tasks: where their pictures are, and in which words they are asked.

Class names and prompts are long and lie in ``tasks.json``. The label order of a list is the file's own.
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
        test_split: what results are reported on; not always called test.
        test_size: pictures in it.
        classes: C English class names, in label order.
        prompts: templates with one ``{}`` for the class name.
        note: known differences to what others measured, in plain words for a visitor; may be empty.
        class_list: whose class names these are, one of `CLASS_LISTS`. With ``"fusion-bench"`` the heads of
            the tall-masks family were made from other names, or it is not known that they are the same.
        train_split, train_size: pictures that public checkpoints were fine-tuned on, so that they would
            flatter these as validation pictures.
        validation_split: a split of its own that no public checkpoint was fine-tuned on; None where there
            is none.
        image_column, label_column: names in the files.
        relabel: position in `classes` of each label in the files; None where they are the same.
        form: one of `FORMS`.
        source: where all this is from.
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
    train_split: str = "train"
    validation_split: str | None = None
    image_column: str = "image"
    label_column: str = "label"
    relabel: tuple[int, ...] | None = None
    form: str = "parquet"
    source: str = _SOURCE

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]+", self.key):
            raise LabError(f"A task's key is made of letters, digits and _, got {self.key!r}.")
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise LabError(f"Task {self.key!r} needs at least two classes, each once, got {self.classes}.")
        if not self.prompts or any(prompt.count("{}") != 1 for prompt in self.prompts):
            raise LabError(f"Task {self.key!r} needs prompts with exactly one {{}}, got {self.prompts}.")
        if self.form not in FORMS:
            raise LabError(f"Task {self.key!r} is of form {self.form!r}, expected one of {FORMS}.")
        if self.class_list not in CLASS_LISTS:
            raise LabError(f"Task {self.key!r} has class list {self.class_list!r}, expected {CLASS_LISTS}.")
        if self.relabel is not None and not set(self.relabel) <= set(range(len(self.classes))):
            raise LabError(f"Task {self.key!r} relabels to {self.relabel}: no positions of its classes.")
        if len({self.test_split, self.train_split, self.validation_split}) != 3:
            raise LabError(f"Task {self.key!r} has one split twice: validation and test must never overlap.")


_TEXTS: dict[str, Any] = json.loads(Path(__file__).with_name("tasks.json").read_text(encoding="utf-8"))


def _task(key: str, title: str, repo: str, test_size: int, train_size: int, **rest: Any) -> HubTask:
    texts = _TEXTS["tasks"][key]
    return HubTask(
        key, title, repo, test_size, train_size, tuple(texts["classes"]), tuple(texts["prompts"]), **rest
    )


_ROWS = (
    _task(
        "eurosat",
        "EuroSAT",
        "tanganke/eurosat",
        2700,
        21600,
        class_list="both families",
        note="The tall-masks family split EuroSAT otherwise (2,387 test and 2,335 validation pictures): its "
        "checkpoint may have been fine-tuned on some of these test pictures.",
    ),
    _task(
        "dtd",
        "DTD",
        "tanganke/dtd",
        1880,
        3760,
        note="Official split 1, its training and validation part together for training. The tall-masks "
        "family split DTD otherwise: its checkpoint may have been fine-tuned on some of these test pictures.",
    ),
    _task("sun397", "SUN397", "tanganke/sun397", 19850, 19850),
    _task("mnist", "MNIST", "ylecun/mnist", 10000, 60000, class_list="both families"),
    _task(
        "resisc45",
        "RESISC45",
        "tanganke/resisc45",
        6300,
        18900,
        note="Class names with spaces, as fusion-bench; tall-masks has the underscores of the folder names.",
    ),
    _task("gtsrb", "GTSRB", "tanganke/gtsrb", 12630, 26640, class_list="both families"),
    _task("stanford_cars", "Cars", "tanganke/stanford_cars", 8041, 8144),
    _task(
        "svhn",
        "SVHN",
        "ufldl-stanford/svhn",
        26032,
        73257,
        class_list="both families",
        config="cropped_digits",
        note="Label 0 is the digit 0.",
    ),
    _task("stl10", "STL10", "tanganke/stl10", 8000, 5000, class_list="both families"),
    _task(
        "oxford_iiit_pet",
        "OxfordIIITPet",
        "timm/oxford-iiit-pet",
        3669,
        3680,
        note="Class names in lower case with underscores, as fusion-bench (zero-shot 83.3 % with ViT-B/32); "
        "tall-masks writes them as titles with spaces (87.5 %).",
    ),
    _task(
        "oxford_flowers102",
        "Flowers102",
        "dpdl-benchmark/oxford_flowers102",
        6149,
        1020,
        validation_split="validation",
        note="A few class names are not those of tall-masks, such as globe-flower for globe flower and ball "
        "moss for air plant.",
    ),
    _task(
        "cifar100",
        "CIFAR100",
        "tanganke/cifar100",
        10000,
        50000,
        note="Class names with underscores, as fusion-bench; tall-masks has spaces. fusion-bench spells crab "
        "'cra', which is mended here: its own figures were measured with the error.",
    ),
    _task(
        "pcam",
        "PCAM",
        "1aurent/PatchCamelyon",
        32768,
        262144,
        class_list="both families",
        validation_split="valid",
        note="Labels are stored as true and false: false is the first class.",
    ),
    _task(
        "fer2013",
        "FER2013",
        "clip-benchmark/wds_fer2013",
        7178,
        28709,
        form="webdataset",
        image_column="jpg",
        label_column="cls",
        note="Classes in the order of the files (neutral is the fifth). tall-masks has neutral last and "
        "has lists in its prompts, such as ['happy', 'smiling']: zero-shot 39.0 % there, 41.3 % with these.",
    ),
    _task("cifar10", "CIFAR10", "tanganke/cifar10", 10000, 50000, class_list="both families"),
    _task(
        "food101",
        "Food101",
        "ethz/food101",
        25250,
        75750,
        test_split="validation",
        note="The files call the test pictures validation.",
    ),
    _task(
        "fashion_mnist",
        "FashionMNIST",
        "zalando-datasets/fashion_mnist",
        10000,
        60000,
        note="The first class is 'T - shirt / top', as fusion-bench; tall-masks has 'T-shirt/top'.",
    ),
    _task(
        "rendered_sst2",
        "RenderedSST2",
        "nateraw/rendered-sst2",
        1821,
        6920,
        class_list="both families",
        validation_split="validation",
    ),
    _task(
        "emnist_letters",
        "EMNIST",
        "tanganke/emnist_letters",
        20800,
        124800,
        note="Letters A to Z. The checkpoint and the figures of tall-masks, and so the paper's, are about "
        "EMNIST digits (10 classes, 40,000 test pictures, stored transposed), which is another task.",
    ),
    _task(
        "kmnist",
        "KMNIST",
        "tanganke/kmnist",
        10000,
        60000,
        note="Class names in hiragana, as fusion-bench; tall-masks has them in Latin letters (o, ki, su).",
    ),
)

TASKS: Mapping[str, HubTask] = MappingProxyType({task.key: task for task in _ROWS})
"""By key, in the paper's order."""

BENCHMARKS: Mapping[int, tuple[str, ...]] = MappingProxyType({n: tuple(TASKS)[:n] for n in (8, 14, 20)})
"""Keys of the 8, 14 and 20 tasks that the paper evaluates together (appendix B.2.2), in its order."""
