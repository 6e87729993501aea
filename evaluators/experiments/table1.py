"""The paper's Table 1 on a loaded encoder: each checkpoint, and its edit with gamma from validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evaluators.experiments.sweeps import GAMMAS, gamma_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.gamma_choice import choose_gamma

ALL = 0


@dataclass(frozen=True)
class Row:
    """One checkpoint, measured on every test image that is loaded.

    Args:
        gamma: chosen by C.1 on validation.
    """

    checkpoint: str
    title: str
    gamma: float
    pretrained: Evaluation
    finetuned: Evaluation
    lines: Evaluation


def table1(studio: Studio, model: str) -> Iterator[Row]:
    """A row for each checkpoint of the encoder, as soon as it is measured.

    Raises: SpecError if the encoder is not loaded or has no validation images.
    Cost: 14 evaluations a checkpoint; known ones cost nothing.
    """
    for checkpoint in studio.checkpoints(model):
        key = checkpoint.key

        def measured(spec: EditSpec) -> Evaluation:
            return studio.evaluate(replace(spec, model=model, images=ALL))

        before, after = (
            (measured(EditSpec.pretrained(key, split=split)), measured(EditSpec.finetuned(key, split=split)))
            for split in ("val", "test")
        )
        sweep = [measured(spec) for spec in gamma_sweep(key, "val")]
        gamma = choose_gamma(list(zip(GAMMAS, sweep, strict=True)), *before).gamma
        yield Row(key, checkpoint.title, gamma, *after, measured(EditSpec.lines(key, gamma, split="test")))


def mean_row(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
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
