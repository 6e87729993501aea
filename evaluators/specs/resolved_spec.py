"""What an ``EditSpec`` comes down to: the weights and images that decide its counts, and nothing else."""

from dataclasses import dataclass
from typing import Any

from evaluators.specs.edit_spec import Scales
from evaluators.specs.merge_spec import MergeSpec

ResidualSpec = str | MergeSpec
"""What names a residual: the key of a checkpoint, or a merge of several."""


def checkpoints_of(residual: ResidualSpec) -> tuple[str, ...]:
    """Keys of the checkpoints that a residual is made of; none of the empty one."""
    if isinstance(residual, MergeSpec):
        return residual.checkpoints
    return (residual,) if residual else ()


@dataclass(frozen=True)
class ResolvedSpec:
    """What is really measured: specs that mean the same weights and images share it.

    gamma = 1, mix = 1 and "fine-tuned" are one, and the pre-trained model is one for all checkpoints.

    Args:
        model: key of the encoder.
        residual: a checkpoint or a merge; empty when nothing of it is mixed in.
        scales: of the residual, block by block.
        suite, split: which tasks, which images.
        images: images a task, never 0.
    """

    model: str
    residual: ResidualSpec
    scales: Scales
    suite: str
    split: str
    images: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; the residual stands under the name it had before there were merges."""
        residual = self.residual.as_dict() if isinstance(self.residual, MergeSpec) else self.residual
        return {
            "model": self.model,
            "checkpoint": residual,
            "scales": list(self.scales),
            "suite": self.suite,
            "split": self.split,
            "images": self.images,
        }
