"""Model zoo: tables of public encoders, tasks, checkpoint families and published accuracies.

Adding one is adding a row. Nothing is downloaded here, and only the standard library is imported.
"""

from evaluators.zoo.checkpoint_families import FAMILIES, CheckpointFamily, HubFile, find_ignoring_case
from evaluators.zoo.public_encoders import ENCODERS, Encoder, encoder_with_shapes
from evaluators.zoo.public_tasks import BENCHMARKS, TASKS, HubTask
from evaluators.zoo.published_accuracy import PAPER_TABLE1, PaperRow, published

__all__ = [
    "BENCHMARKS",
    "ENCODERS",
    "FAMILIES",
    "PAPER_TABLE1",
    "TASKS",
    "CheckpointFamily",
    "Encoder",
    "HubFile",
    "HubTask",
    "PaperRow",
    "encoder_with_shapes",
    "find_ignoring_case",
    "published",
]
