"""Answers that are known already: kept in memory, stored on disk, or shipped with the lab."""

import json
import logging
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from evaluators.errors import EvaluationError, LabError
from evaluators.evaluation import Evaluation, task_role
from evaluators.labs.embedded import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.measurement import Measurement
from evaluators.spec import EditSpec
from evaluators.store import SCHEMA_VERSION, ResultStore

FINGERPRINT = "FINGERPRINT"
EVALUATIONS_KEPT = 4096
_LOG = logging.getLogger(__name__)


class KnownAnswers:
    """Complete evaluations by what they measure. Any method may be called from any thread.

    Args:
        embedded: the lab whose shipped evaluations are known from the start.
        path: of the SQLite file; None keeps them in memory only.
    Raises: LabError if a file of shipped evaluations is damaged.
    """

    def __init__(self, embedded: EmbeddedLab, path: Path | None) -> None:
        self._store = ResultStore(path)
        self._mutex = threading.Lock()
        self._memory: OrderedDict[str, Evaluation] = OrderedDict()
        self._shipped = _read_shipped(embedded)

    def find(self, lab: Lab, spec: EditSpec, measurement: Measurement) -> Evaluation | None:
        """The answer to a spec, None if it is not known. Measured here comes before shipped."""
        key = lab.key(measurement, SCHEMA_VERSION)
        with self._mutex:
            known = self._memory.get(key)
        if known is None:
            known = self._store.get(key) or self._shipped.get(measurement)
            if known is None:
                return None
        self._remember(key, known)
        try:
            tasks = tuple(replace(task, role=task_role(task.key, spec)) for task in known.tasks)
            return replace(known, spec=spec, tasks=tasks)
        except EvaluationError as error:  # somebody wrote other tasks under our key
            _LOG.warning("A stored evaluation does not answer %s: %s", spec, error)
            return None

    def add(self, lab: Lab, measurement: Measurement, evaluation: Evaluation) -> None:
        """Keep a complete evaluation, in memory and on disk."""
        key = lab.key(measurement, SCHEMA_VERSION)
        self._remember(key, evaluation)
        self._store.put(key, evaluation)

    def _remember(self, key: str, evaluation: Evaluation) -> None:
        with self._mutex:
            self._memory[key] = evaluation
            self._memory.move_to_end(key)
            while len(self._memory) > EVALUATIONS_KEPT:
                self._memory.popitem(last=False)


def _read_shipped(lab: EmbeddedLab) -> dict[Measurement, Evaluation]:
    """The evaluations that ship in ``sweeps/``, if they were made with exactly this lab."""
    folder = lab.folder / "sweeps"
    files = sorted(folder.glob("*.json"))
    if not files:
        return {}
    made_with = folder / FINGERPRINT
    if not made_with.is_file() or made_with.read_text().strip() != lab.fingerprint():
        _LOG.warning("The evaluations in %s were made with another lab: they are not shown.", folder)
        return {}
    shipped = {}
    for file in files:
        try:
            for plain in json.loads(file.read_text(encoding="utf-8")):
                evaluation = replace(Evaluation.from_dict(plain), precomputed=True)
                shipped[lab.measurement(evaluation.spec)] = evaluation
        except (ValueError, TypeError) as error:
            raise LabError(f"{file} is not a list of evaluations: {error}") from error
    return shipped
