"""Evaluations behind the report: read from files, and measured through the studio where missing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.sweeps import run_sweep
from evaluators.specs.evaluation_files import read_entries, save_packed_entries


def read_evaluations(paths: Iterable[Path]) -> dict[EditSpec, Evaluation]:
    """The evaluations of some JSON files by their specs."""
    plain = [entry for path in paths for entry in read_entries(path)]
    return {evaluation.spec: evaluation for evaluation in map(Evaluation.from_dict, plain)}


def shipped_evaluations(assets: Path) -> dict[EditSpec, Evaluation]:
    """The evaluations in ``assets/sweeps``."""
    return read_evaluations(sorted((assets / "sweeps").glob("*.json")))


class Study(Mapping[EditSpec, Evaluation]):
    """The evaluations of one packed file in ``assets/report``; those that were read are what ``save`` keeps.

    Args:
        path: of the file.
        studio: measures what the file does not hold; None only reads.
    """

    def __init__(self, path: Path, studio: Studio | None = None) -> None:
        self._path = path
        self._studio = studio
        self._found = read_evaluations([path] if path.exists() else [])
        self._used: dict[EditSpec, Evaluation] = {}

    def __getitem__(self, spec: EditSpec) -> Evaluation:
        self._used[spec] = self._found[spec]
        return self._found[spec]

    def __iter__(self) -> Iterator[EditSpec]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def measure(self, specs: Iterable[EditSpec]) -> tuple[Evaluation, ...]:
        """The complete evaluations of some specs, in order. Raises: KeyError if nothing can measure them."""
        wanted = tuple(specs)
        absent = [spec for spec in dict.fromkeys(wanted) if spec not in self._found]
        if absent and self._studio is not None:
            self._found.update(run_sweep(self._studio, absent))
        return tuple(self[spec] for spec in wanted)

    @property
    def used(self) -> dict[EditSpec, Evaluation]:
        """The evaluations read so far."""
        return dict(self._used)

    def save(self, predictions: bool = True) -> None:
        """Write the evaluations that were read, and drop those that no table needs any more.

        Args:
            predictions: those that hold predicted classes keep them; else only counts are written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        used = [replace(evaluation, seconds=0.0) for evaluation in self._used.values()]
        plain = [(one if predictions else replace(one, predictions=None)).as_dict() for one in used]
        save_packed_entries(self._path, plain)
