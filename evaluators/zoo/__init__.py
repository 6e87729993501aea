"""The model zoo as data: public encoders, tasks, checkpoint families and the figures published for them.

Adding one is adding a row. Nothing is imported, loaded or fetched here; the rows say where to look.
"""

from evaluators.zoo.encoders import ENCODERS, Encoder, fitting
from evaluators.zoo.families import FAMILIES, CheckpointFamily, Place, match
from evaluators.zoo.published import PAPER_TABLE1, PaperRow, published
from evaluators.zoo.tasks import BENCHMARKS, TASKS, HubTask

__all__ = [
    "BENCHMARKS",
    "ENCODERS",
    "FAMILIES",
    "PAPER_TABLE1",
    "TASKS",
    "CheckpointFamily",
    "Encoder",
    "HubTask",
    "PaperRow",
    "Place",
    "fitting",
    "match",
    "published",
]
