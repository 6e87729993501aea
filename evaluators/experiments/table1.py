"""The paper's Table 1 on a loaded encoder: every checkpoint before and after LiNeS, gamma from validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation


@dataclass(frozen=True)
class Table1Row:
    """One checkpoint, evaluated on all loaded test images.

    Args:
        gamma: chosen by C.1 on validation.
    """

    checkpoint: str
    title: str
    gamma: float
    pretrained: Evaluation
    finetuned: Evaluation
    lines: Evaluation


def table1(studio: Studio, model: str) -> Iterator[Table1Row]:
    """Yield the row of each checkpoint of the encoder as soon as it is measured.

    Raises: SpecError if the encoder is not loaded or has no validation images.
    Cost: 14 evaluations a checkpoint; cached ones cost nothing.
    """
    for checkpoint in studio.checkpoints(model):
        search = GammaSearch(checkpoint.key, model, ALL_IMAGES)
        gamma = search.measure(studio)
        lines = EditSpec.lines(checkpoint.key, gamma, model=model, images=ALL_IMAGES)
        pretrained, finetuned, edited = map(studio.evaluate, (*search.references("test"), lines))
        yield Table1Row(checkpoint.key, checkpoint.title, gamma, pretrained, finetuned, edited)


def mean_row(rows: Sequence[Table1Row]) -> dict[str, tuple[float, float]]:
    """Mean (target, control) over checkpoints of the three models, fractions in [0, 1]."""
    models = {
        "pre-trained": [row.pretrained for row in rows],
        "fine-tuned": [row.finetuned for row in rows],
        "LiNeS": [row.lines for row in rows],
    }
    return {
        name: (sum(e.target for e in found) / len(found), sum(e.control for e in found) / len(found))
        for name, found in models.items()
    }
