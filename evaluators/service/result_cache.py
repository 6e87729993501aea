"""Cache of complete evaluations: in memory, in the result store, or shipped with the lab."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from evaluators.errors import EvaluationError, LabError, SpecError
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.labs.tiny_text_lab import TinyTextLab
from evaluators.service.result_store import SCHEMA_VERSION, ResultStore
from evaluators.service.shipped_grid import ShippedGrid
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, task_role
from evaluators.specs.evaluation_files import read_entries
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of

FINGERPRINT = "FINGERPRINT"
EVALUATIONS_KEPT = 4096
_LOG = logging.getLogger(__name__)


class ResultCache:
    """Complete evaluations by what they measure. Any method may be called from any thread.

    Args:
        embedded: the labs whose shipped evaluations are known from the start; the first may have a grid.
        path: of the SQLite file; None keeps them in memory only.
    Raises: LabError if a file of shipped evaluations is damaged.
    """

    def __init__(self, embedded: Sequence[EmbeddedLab], path: Path | None) -> None:
        self._store = ResultStore(path)
        self._mutex = threading.Lock()
        self._memory: OrderedDict[str, Evaluation] = OrderedDict()
        self._shipped = {
            lab.info.key: _Shipped(lab, lab.folder / lab.model.sweeps, lab.fingerprint) for lab in embedded
        }
        self._grid = ShippedGrid(embedded[0])

    def __len__(self) -> int:
        """Evaluations held in memory."""
        return len(self._memory)

    @property
    def path(self) -> Path | None:
        """The file that results are kept in; None if they are kept in memory only."""
        return self._store.path

    @property
    def problem(self) -> str:
        """Why results are not kept on disk although they should be; empty if they are."""
        return self._store.problem

    def close(self) -> None:
        """Close the store; nothing is kept on disk from then on."""
        self._store.close()

    def find(self, lab: Lab, spec: EditSpec, resolved: ResolvedSpec) -> Evaluation | None:
        """The answer to a spec, None if it is not known. Measured here comes before shipped."""
        known = self.stored(lab, resolved)
        try:
            return known and as_asked(known, spec)
        except EvaluationError as error:  # somebody wrote other tasks under our key
            _LOG.warning("A stored evaluation does not answer %s: %s", spec, error)
            return None

    def stored(self, lab: Lab, resolved: ResolvedSpec) -> Evaluation | None:
        """The same, but of whichever spec it was that resolved to this."""
        key = lab.key(resolved, SCHEMA_VERSION)
        with self._mutex:
            known = self._memory.get(key)
        if known is None:
            known = self._store.get(key)
            if known is None and not lab.own_tasks(resolved.suite):
                known = self._grid.get(resolved) or self._in_sweeps(resolved)
            if known is None:
                return None
        self._remember(key, known)
        return known

    def ship(self, lab: TinyTextLab) -> None:
        """Know the evaluations that ship with another lab from now on. Raises: LabError if one is damaged."""
        self._shipped[lab.info.key] = _Shipped(lab, lab.folder / "sweeps", lab.fingerprint)

    def _in_sweeps(self, resolved: ResolvedSpec) -> Evaluation | None:
        of_model = self._shipped.get(resolved.model)
        return None if of_model is None else of_model.get(resolved)

    def pictured(self, lab: Lab, spec: EditSpec, resolved: ResolvedSpec) -> Evaluation | None:
        """An answer from the first images alone that ships with its predictions; None if none does."""
        known = None if lab.own_tasks(resolved.suite) else self._grid.pictured(resolved)
        return known and as_asked(known, spec)

    def forget(self, name: str) -> None:
        """Drop every answer that a deleted checkpoint or task of a visitor is in; none is on disk."""
        with self._mutex:
            for key, known in [*self._memory.items()]:
                if name in known.spec.sources or any(task.key == name for task in known.tasks):
                    del self._memory[key]

    def add(self, lab: Lab, resolved: ResolvedSpec, evaluation: Evaluation, *, on_disk: bool = True) -> None:
        """Keep a complete evaluation in memory, and on disk unless it is private."""
        key = lab.key(resolved, SCHEMA_VERSION)
        self._remember(key, evaluation)
        if on_disk:
            self._store.put(key, evaluation)

    def _remember(self, key: str, evaluation: Evaluation) -> None:
        with self._mutex:
            self._memory[key] = evaluation
            self._memory.move_to_end(key)
            while len(self._memory) > EVALUATIONS_KEPT:
                self._memory.popitem(last=False)


def as_asked(known: Evaluation, spec: EditSpec) -> Evaluation:
    """The answer to another spec of the same canonical form."""
    tasks = tuple(replace(task, role=task_role(task.key, spec)) for task in known.tasks)
    return replace(known, spec=spec, tasks=tasks)


class _Shipped:
    """The evaluations that ship with a lab, if they were made with exactly this lab.

    All files are read at once; what an evaluation measures is worked out when one made of the same
    checkpoints is first asked for, since of hundreds of them a visit sees a few.

    Raises: LabError if a file is damaged.
    """

    def __init__(self, lab: Lab, folder: Path, fingerprint: Callable[[], str]) -> None:
        self._lab = lab
        self._mutex = threading.Lock()
        self._read: dict[frozenset[str], list[Evaluation]] = {}
        self._known: dict[ResolvedSpec, Evaluation] = {}
        files = sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")])
        made_with = folder / FINGERPRINT
        if files and not (made_with.is_file() and made_with.read_text().strip() == fingerprint()):
            _LOG.warning("The evaluations in %s were made with another lab: they are not shown.", folder)
            return
        for file in files:
            try:
                for plain in read_entries(file):
                    evaluation = replace(Evaluation.from_dict(plain), precomputed=True)
                    self._read.setdefault(frozenset(evaluation.spec.sources), []).append(evaluation)
            except (ValueError, TypeError) as error:
                raise LabError(f"{file} is not a list of evaluations: {error}") from error

    def get(self, resolved: ResolvedSpec) -> Evaluation | None:
        """The evaluation that answers a measurement, None if none does."""
        checkpoints = frozenset(checkpoints_of(resolved.residual))
        with self._mutex:
            # without any it is the pre-trained model, most likely measured beside a single checkpoint
            for sources in [checkpoints] if checkpoints else sorted(self._read, key=len):
                if resolved in self._known:
                    break
                self._work_out(sources)
            return self._known.get(resolved)

    def _work_out(self, sources: frozenset[str]) -> None:
        for evaluation in self._read.pop(sources, ()):
            try:
                self._known[self._lab.resolve(evaluation.spec)] = evaluation
            except SpecError as error:
                _LOG.warning("A shipped evaluation is not shown: %s", error)
