"""Published accuracies and the paper's Table 1, compared with their published means and each other."""

import statistics

import pytest

from evaluators.errors import LabError
from evaluators.zoo import BENCHMARKS, ENCODERS, PAPER_TABLE1, TASKS
from evaluators.zoo.public_tasks import IMAGENET
from evaluators.zoo.published_accuracy import FIGURES, published

IMAGENET_SUITE = [key for key, task in TASKS.items() if task.suite == IMAGENET]


def mean(family: str, encoder: str, what: str, tasks: int) -> float:
    figures = [FIGURES[family, encoder, key, what, "test", ""] for key in BENCHMARKS[tasks]]
    return round(100 * statistics.fmean(figures), 2)


@pytest.mark.parametrize(
    ("family", "tasks", "expected"),  # zero-shot B/32, B/16, L/14, then fine-tuned
    [
        ("tall-masks", 8, (48.32, 55.45, 64.84, 90.60, 92.71, 94.11)),
        ("tall-masks", 14, (57.25, 61.35, 68.28, 89.61, 91.65, 93.32)),
        ("tall-masks", 20, (56.13, 59.78, 65.29, 90.48, 92.40, 94.05)),
        ("fusion-bench", 20, (55.65, 59.85, 65.61, 89.77, 91.62, 93.52)),
    ],
)
def test_means_over_the_benchmarks(family: str, tasks: int, expected: tuple[float, ...]) -> None:
    """A wrong digit in any of the figures, or a task in the wrong benchmark, moves a mean."""
    found = [mean(family, e, what, tasks) for what in ("zero-shot", "fine-tuned") for e in ENCODERS]
    assert found == pytest.approx(expected, abs=0.0051)  # of two decimals, means included


@pytest.mark.parametrize(
    ("encoder", "task", "what", "family", "split", "expected"),
    [
        ("ViT-B-32", "mnist", "zero-shot", "tall-masks", "test", 0.4826),
        ("ViT-B-16", "mnist", "zero-shot", "tall-masks", "test", 0.5173),
        ("ViT-L-14", "mnist", "zero-shot", "fusion-bench", "test", 0.7631),
        ("ViT-B-32", "pcam", "zero-shot", "fusion-bench", "test", 0.6064),
        ("ViT-B-16", "pcam", "zero-shot", "fusion-bench", "test", 0.5402),
        ("ViT-L-14", "pcam", "zero-shot", "tall-masks", "test", 0.5121),
        ("ViT-B-32", "eurosat", "fine-tuned", "tall-masks", "test", 0.9987),
        ("ViT-B-32", "eurosat", "fine-tuned", "fusion-bench", "test", 0.9907),
        ("ViT-L-14", "stanford_cars", "fine-tuned", "fusion-bench", "test", 0.9277),
        ("ViT-B-16", "rendered_sst2", "fine-tuned", "fusion-bench", "test", 0.7573),
        ("ViT-L-14", "kmnist", "zero-shot", "tall-masks", "val", 0.0902),
        ("ViT-B-32", "pcam", "fine-tuned", "tall-masks", "val", 0.9736),
        ("ViT-B-32", "pcam", "fine-tuned", "fusion-bench", "val", None),
        ("ViT-B-32", "emnist_letters", "zero-shot", "fusion-bench", "test", 0.1198),
        ("ViT-B-32", "emnist_letters", "zero-shot", "tall-masks", "test", None),
    ],
)
def test_published_figures(
    encoder: str, task: str, what: str, family: str, split: str, expected: float | None
) -> None:
    assert published(encoder, task, what, family, split) == expected


def test_figures_of_model_soups() -> None:
    def figure(task: str, member: str) -> float | None:
        return published("ViT-B-32", task, "fine-tuned", "model-soups", member=member)

    assert [figure(key, "model_0") for key in IMAGENET_SUITE] == [0.7557, 0.6409, 0.4053, 0.6224, 0.2657]
    assert [figure(key, "model_43") for key in IMAGENET_SUITE] == [0.8039, None, None, None, None]
    assert figure("imagenet", "") is figure("imagenet", "model_1") is figure("mnist", "model_0") is None


def test_figures_are_complete() -> None:
    assert len(FIGURES) == 20 * 12 + 20 * 6 + 6
    assert all(0.05 < figure < 1.0 for figure in FIGURES.values())


@pytest.mark.parametrize(
    "names",
    [
        ("ViT-H-14", "mnist", "zero-shot", "tall-masks", "test"),
        ("ViT-B-32", "MNIST", "zero-shot", "tall-masks", "test"),
        ("ViT-B-32", "mnist", "finetuned", "tall-masks", "test"),
        ("ViT-B-32", "mnist", "zero-shot", "soups", "test"),
        ("ViT-B-32", "mnist", "zero-shot", "tall-masks", "train"),
    ],
)
def test_unknown_names_have_no_figures(names: tuple[str, str, str, str, str]) -> None:
    with pytest.raises(LabError, match="No figures are listed for"):
        published(*names)


def test_table_1() -> None:
    rows = {(row.encoder, row.tasks, row.method): row for row in PAPER_TABLE1}
    assert len(rows) == len(PAPER_TABLE1) == 20
    finetuned = rows["ViT-B-32", 8, "fine-tuned"]
    assert (finetuned.target, finetuned.control) == (0.905, 0.38)
    assert (rows["ViT-B-32", 8, "LiNeS"].target, rows["ViT-B-32", 8, "LiNeS"].control) == (0.903, 0.48)
    edited = rows["ViT-B-32", 20, "LiNeS"]
    assert (edited.target, edited.control, edited.normalised) == (0.998, 0.979, True)
    assert {(encoder, n) for encoder, n, _ in rows} == {(e, n) for e in ENCODERS for n in BENCHMARKS}


def test_table_1_agrees_with_the_figures_of_its_checkpoints() -> None:
    """The paper's means and those of its repository's results are within 0.15 points of each other."""
    compared = 0
    for row in PAPER_TABLE1:
        what = {"pre-trained": "zero-shot", "fine-tuned": "fine-tuned"}.get(row.method)
        if what:
            ours = mean("tall-masks", row.encoder, what, row.tasks)
            assert 100 * row.target == pytest.approx(ours, abs=0.15)
            compared += 1
    assert compared == 18
