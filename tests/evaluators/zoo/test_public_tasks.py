"""The table of public tasks, compared with numbers copied from its sources and with open_clip's classes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators import zoo
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.errors import LabError
from evaluators.zoo import BENCHMARKS, TASKS, HubTask
from evaluators.zoo.public_tasks import IMAGENET, WITHOUT_OBJECTNET

FOLDER = Path(zoo.__file__).parent
TWENTY = {key: TASKS[key] for key in BENCHMARKS[20]}
SUITE = {key: task for key, task in TASKS.items() if task.suite == IMAGENET}

PAPER_ORDER = (
    "EuroSAT DTD SUN397 MNIST RESISC45 GTSRB Cars SVHN STL10 OxfordIIITPet Flowers102 CIFAR100 PCAM FER2013 "
    "CIFAR10 Food101 FashionMNIST RenderedSST2 EMNIST KMNIST"
).split()

# key: repository, test split, its size, training images, classes, prompts
FACTS: dict[str, tuple[str, str, int, int, int, int]] = {
    "sun397": ("tanganke/sun397", "test", 19850, 19850, 397, 2),
    "stanford_cars": ("tanganke/stanford_cars", "test", 8041, 8144, 196, 8),
    "resisc45": ("tanganke/resisc45", "test", 6300, 18900, 45, 18),
    "eurosat": ("tanganke/eurosat", "test", 2700, 21600, 10, 3),
    "svhn": ("ufldl-stanford/svhn", "test", 26032, 73257, 10, 1),
    "gtsrb": ("tanganke/gtsrb", "test", 12630, 26640, 43, 3),
    "mnist": ("ylecun/mnist", "test", 10000, 60000, 10, 1),
    "dtd": ("tanganke/dtd", "test", 1880, 3760, 47, 8),
    "oxford_flowers102": ("dpdl-benchmark/oxford_flowers102", "test", 6149, 1020, 102, 1),
    "pcam": ("1aurent/PatchCamelyon", "test", 32768, 262144, 2, 1),
    "fer2013": ("clip-benchmark/wds_fer2013", "test", 7178, 28709, 7, 6),
    "oxford_iiit_pet": ("timm/oxford-iiit-pet", "test", 3669, 3680, 37, 1),
    "stl10": ("tanganke/stl10", "test", 8000, 5000, 10, 2),
    "cifar100": ("tanganke/cifar100", "test", 10000, 50000, 100, 18),
    "cifar10": ("tanganke/cifar10", "test", 10000, 50000, 10, 18),
    "food101": ("ethz/food101", "validation", 25250, 75750, 101, 1),
    "fashion_mnist": ("zalando-datasets/fashion_mnist", "test", 10000, 60000, 10, 2),
    "emnist_letters": ("tanganke/emnist_letters", "test", 20800, 124800, 26, 1),
    "kmnist": ("tanganke/kmnist", "test", 10000, 60000, 10, 1),
    "rendered_sst2": ("nateraw/rendered-sst2", "test", 1821, 6920, 2, 1),
}


def test_benchmarks_are_the_papers() -> None:
    assert {n: len(keys) for n, keys in BENCHMARKS.items()} == {8: 8, 14: 14, 20: 20}
    for n, keys in BENCHMARKS.items():
        assert [TASKS[key].title for key in keys] == PAPER_ORDER[:n]
    assert list(TASKS) == [*BENCHMARKS[20], *SUITE]


@pytest.mark.parametrize("key", FACTS)
def test_sources_and_sizes(key: str) -> None:
    task = TASKS[key]
    sizes = (task.test_size, task.train_size, len(task.classes), len(task.prompts))
    assert (task.repo, task.test_split, *sizes) == FACTS[key]


def test_keys_titles_and_repositories() -> None:
    assert set(TWENTY) == set(FACTS)
    assert all(key == task.key for key, task in TASKS.items())
    assert len({task.title for task in TASKS.values()}) == len({task.repo for task in TASKS.values()}) == 25


def test_rare_fields() -> None:
    def only(**expected: object) -> set[str]:
        ((name, value),) = expected.items()
        return {key for key, task in TWENTY.items() if getattr(task, name) == value}

    assert only(form="webdataset") == only(image_column="jpg") == only(label_column="cls") == {"fer2013"}
    assert only(config="cropped_digits") == {"svhn"}
    assert len(only(config=None)) == 19
    assert only(test_split="validation") == {"food101"}
    assert only(validation_split="validation") == {"oxford_flowers102", "rendered_sst2"}
    assert only(validation_split="valid") == {"pcam"}
    assert len(only(validation_split=None)) == 17
    assert only(class_list="both families") == set(
        "eurosat gtsrb mnist svhn pcam stl10 cifar10 rendered_sst2".split()
    )
    assert only(relabel=None) == only(imagenet=None) == only(suite="tasks") == set(TWENTY)


def test_notes_state_differences_between_families() -> None:
    """Where the class names or splits of the two families differ, the visitor can read it."""
    noted = set(
        "eurosat dtd fer2013 oxford_iiit_pet cifar100 kmnist fashion_mnist resisc45 oxford_flowers102 "
        "emnist_letters".split()
    )
    assert {key for key, task in TASKS.items() if "tall-masks" in task.note} == noted
    for key in ("eurosat", "dtd"):
        assert "fine-tuned on some of these test images" in TASKS[key].note


def test_class_names_in_label_order() -> None:
    assert TASKS["eurosat"].classes[2] == "brushland or shrubland"
    assert TASKS["eurosat"].classes[9] == "lake or sea"
    assert TASKS["fer2013"].classes == tuple("angry disgusted fearful happy neutral sad surprised".split())
    assert TASKS["emnist_letters"].classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert TASKS["kmnist"].classes == tuple("おきすつなはまやれを")
    assert TASKS["svhn"].classes == TASKS["mnist"].classes == tuple("0123456789")
    assert TASKS["pcam"].classes[1] == "lymph node containing metastatic tumor tissue"
    assert TASKS["rendered_sst2"].classes == ("negative", "positive")


def test_the_typing_error_of_the_source_is_corrected() -> None:
    (change,) = json.loads((FOLDER / "tasks.json").read_text("utf-8"))["changed"]
    assert (change["task"], change["source"], change["here"]) == ("cifar100", "cra", "crab")
    classes = TASKS["cifar100"].classes
    assert classes[change["position"]] == "crab"
    assert list(classes) == sorted(classes), "labels are alphabetical, so the name is in its place"
    assert "'cra'" in TASKS["cifar100"].note


@pytest.mark.parametrize("task", TWENTY.values(), ids=lambda task: task.key)
def test_texts_are_printable_and_prompts_take_a_name(task: HubTask) -> None:
    for text in (*task.classes, *task.prompts, task.note, task.title):
        assert text == text.strip()
        assert text.isprintable()
    for prompt in task.prompts:
        assert prompt.format(task.classes[0]).count(task.classes[0]) == 1
    assert len(set(task.prompts)) == len(task.prompts)


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("mnist", {"key": "rendered-sst2"}, "letters, digits and _"),
        ("mnist", {"classes": ("a",)}, "at least two classes"),
        ("mnist", {"classes": ("a", "a")}, "each once"),
        ("mnist", {"prompts": ()}, "exactly one"),
        ("mnist", {"prompts": ("a {} and a {}",)}, "exactly one"),
        ("mnist", {"form": "imagefolder"}, "of form 'imagefolder'"),
        ("mnist", {"class_list": "mine"}, "class list 'mine'"),
        ("mnist", {"relabel": (0, 1, 10)}, "no positions of its classes"),
        ("mnist", {"validation_split": "test"}, "validation and test must never overlap"),
        ("mnist", {"test_split": "train"}, "has one split twice"),
        ("imagenet_a", {"imagenet": (0, 1000)}, "positions from 0 to 999"),
        ("imagenet_a", {"imagenet": (3, 3)}, "each once"),
        ("imagenet_a", {"imagenet": (3,)}, "at least two classes"),
        ("imagenet_a", {"classes": ("a", "b")}, "no names or prompts of its own"),
        ("imagenet_a", {"validation_split": "validation"}, "only tested on, so it has no validation split"),
    ],
)
def test_invalid_tasks_are_refused(key: str, change: dict[str, object], message: str) -> None:
    with pytest.raises(LabError, match=message):
        replace(TASKS[key], **change)  # type: ignore[arg-type]


# --- ImageNet and its shifts ---


def test_imagenet_and_its_shifts() -> None:
    facts = {key: (task.repo, task.test_split, task.test_size, task.form) for key, task in SUITE.items()}
    assert facts == {
        "imagenet": ("mrm8488/ImageNet1K-val", "train", 50000, "parquet"),
        "imagenet_v2": ("clip-benchmark/wds_imagenetv2", "test", 10000, "webdataset"),
        "imagenet_sketch": ("clip-benchmark/wds_imagenet_sketch", "test", 50889, "webdataset"),
        "imagenet_r": ("clip-benchmark/wds_imagenet-r", "test", 30000, "webdataset"),
        "imagenet_a": ("clip-benchmark/wds_imagenet-a", "test", 7500, "webdataset"),
    }
    assert {key for key, task in SUITE.items() if task.test_only} == set(SUITE) - {"imagenet"}
    assert all(task.train_split is task.validation_split is None for task in SUITE.values())
    for key in ("imagenet", "imagenet_v2", "imagenet_sketch"):
        assert TASKS[key].imagenet == tuple(range(1000))
    assert "from one half each" in TASKS["imagenet"].note
    assert WITHOUT_OBJECTNET in TASKS["imagenet"].note


def test_positions_of_the_200_classes() -> None:
    """Checksums, and classes that are known to be in the lists."""
    open_clip = import_open_clip()
    renditions, hard = (TASKS[key].imagenet or () for key in ("imagenet_r", "imagenet_a"))
    for positions, total in ((renditions, 86135), (hard, 102178)):
        assert len(positions) == 200 == TASKS["imagenet_r"].num_classes
        assert list(positions) == sorted(set(positions))
        assert sum(positions) == total
    names = open_clip.IMAGENET_CLASSNAMES
    assert names[renditions[0]] == "goldfish"
    assert (names[hard[0]], names[hard[-1]]) == ("stingray", "acorn")
