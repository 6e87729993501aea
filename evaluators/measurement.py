"""What an ``EditSpec`` comes down to: the weights and pictures that decide its counts, and nothing else."""

from dataclasses import dataclass

from evaluators.spec import Scales


@dataclass(frozen=True)
class Measurement:
    """What is really measured: specs that mean the same weights and pictures share it.

    gamma = 1, mix = 1 and "fine-tuned" are one, and the pre-trained model is one for all checkpoints.

    Args:
        model: key of the encoder.
        checkpoint: empty when nothing of it is mixed in.
        scales: of the residual, block by block.
        suite, split: which tasks, which pictures.
        images: pictures a task, never 0.
    """

    model: str
    checkpoint: str
    scales: Scales
    suite: str
    split: str
    images: int
