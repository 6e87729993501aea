"""Published accuracies of the public checkpoints, and the paper's Table 1, for comparison with ours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evaluators.errors import LabError
from evaluators.zoo.checkpoint_families import FAMILIES
from evaluators.zoo.public_encoders import ENCODERS
from evaluators.zoo.public_tasks import TASKS

WHAT = ("zero-shot", "fine-tuned")
SPLITS = ("test", "val")
TOLERANCE = 0.01
"""Difference between published runs of one model on one task: in FusionBench up to one point."""

_TABLES: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))


def _figures() -> dict[tuple[str, str, str, str, str, str], float]:
    figures = {}
    for family in FAMILIES:
        table = _TABLES[family]
        for task, row in table["percent"].items():
            for (what, split, encoder, *member), percent in zip(table["columns"], row, strict=True):
                if percent is not None:
                    figures[family, encoder, task, what, split, "".join(member)] = round(percent / 100, 6)
    return figures


FIGURES: Mapping[tuple[str, str, str, str, str, str], float] = MappingProxyType(_figures())
"""(family, encoder, task, what, split, member) -> top-1 accuracy in [0, 1], as published; see `published`."""


def published(
    encoder_key: str, task_key: str, what: str, family_key: str, split: str = "test", member: str = ""
) -> float | None:
    """Published top-1 accuracy, in [0, 1], of a model on a task; None if none was published.

    Each family was evaluated with its own class names and splits (see the tasks' notes). Ours are those of
    fusion-bench, so the pre-trained model is to be compared with its zero-shot figures.

    Args:
        encoder_key, task_key, family_key: keys of `ENCODERS`, `TASKS` and `FAMILIES`.
        what: ``"zero-shot"``, or ``"fine-tuned"`` on that same task; a member of model-soups on ImageNet.
        split: ``"test"`` or ``"val"``, which only tall-masks has.
        member: of a family that has several checkpoints of one task.
    Raises: LabError for an unknown key, `what` or `split`.
    Source: wang-kee/LiNeS 43a7bdd, results; tanganke/fusion_bench 54c9e8c, docs/modelpool/clip_vit.md;
        mlfoundations/model-soups d5398f1, README.md.

    >>> published("ViT-B-32", "mnist", "zero-shot", "tall-masks")
    0.4826
    """
    for name, known in (
        (encoder_key, ENCODERS),
        (task_key, TASKS),
        (what, WHAT),
        (family_key, FAMILIES),
        (split, SPLITS),
    ):
        if name not in known:
            raise LabError(f"No figures are listed for {name!r}, expected one of {', '.join(known)}.")
    if task_key in FAMILIES[family_key].another_task:
        return None
    return FIGURES.get((family_key, encoder_key, task_key, what, split, member))


@dataclass(frozen=True)
class PaperRow:
    """One row of the paper's Table 1, or of its counterparts for other encoders and numbers of tasks.

    Attributes:
        encoder: key of `ENCODERS`.
        tasks: number of tasks, a key of `BENCHMARKS`.
        method: ``"pre-trained"``, ``"fine-tuned"`` or ``"LiNeS"``, which is fine-tuned, then edited.
        target: mean accuracy on the task each checkpoint was fine-tuned on, in [0, 1].
        control: mean accuracy on the other tasks; None if the paper does not state it.
        normalised: whether target is relative to the fine-tuned and control to the zero-shot model's.
        source: where in the paper.
    """

    encoder: str
    tasks: int
    method: str
    target: float
    control: float | None
    normalised: bool
    source: str


_ROWS: tuple[tuple[str, int, str, float, float | None, bool, str], ...] = (
    ("ViT-B-32", 8, "pre-trained", 0.483, 0.483, False, "Table 1"),
    ("ViT-B-32", 8, "fine-tuned", 0.905, 0.380, False, "Table 1"),
    ("ViT-B-32", 8, "LiNeS", 0.903, 0.480, False, "Table 1"),
    # the means of Tables 2 and 7: over all pairs, a task is a control as often as any other
    ("ViT-B-32", 14, "pre-trained", 0.573, 0.573, False, "Table 2"),
    ("ViT-B-32", 14, "fine-tuned", 0.895, None, False, "Table 2"),
    ("ViT-B-32", 20, "pre-trained", 0.561, 0.561, False, "Table 2"),
    ("ViT-B-32", 20, "fine-tuned", 0.904, None, False, "Table 2"),
    ("ViT-B-32", 20, "LiNeS", 0.998, 0.979, True, "section 3"),
    ("ViT-B-16", 8, "pre-trained", 0.555, 0.555, False, "Table 7"),
    ("ViT-B-16", 8, "fine-tuned", 0.926, None, False, "Table 7"),
    ("ViT-B-16", 14, "pre-trained", 0.614, 0.614, False, "Table 7"),
    ("ViT-B-16", 14, "fine-tuned", 0.916, None, False, "Table 7"),
    ("ViT-B-16", 20, "pre-trained", 0.598, 0.598, False, "Table 7"),
    ("ViT-B-16", 20, "fine-tuned", 0.923, None, False, "Table 7"),
    ("ViT-L-14", 8, "pre-trained", 0.648, 0.648, False, "Table 2"),
    ("ViT-L-14", 8, "fine-tuned", 0.940, None, False, "Table 2"),
    ("ViT-L-14", 14, "pre-trained", 0.683, 0.683, False, "Table 2"),
    ("ViT-L-14", 14, "fine-tuned", 0.933, None, False, "Table 2"),
    ("ViT-L-14", 20, "pre-trained", 0.653, 0.653, False, "Table 2"),
    ("ViT-L-14", 20, "fine-tuned", 0.940, None, False, "Table 2"),
)

PAPER_TABLE1: tuple[PaperRow, ...] = tuple(PaperRow(*row) for row in _ROWS)
"""The paper's figures (arXiv:2410.17146), by encoder and number of tasks, of the tall-masks checkpoints."""
