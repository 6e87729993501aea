"""Evaluations behind the report's tables on merging, soups and ways of fine-tuning, as they were measured."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.sweeps import run_sweep


class Study:
    """A file of evaluations in ``assets/report`` that grows as they are measured, and is then read from.

    Args:
        path: of the file.
        studio: that measures what the file does not hold; None only reads.
    """

    def __init__(self, path: Path, studio: Studio | None = None) -> None:
        self._path = path
        self._studio = studio
        plain = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        self._found = {found.spec: found for found in map(Evaluation.from_dict, plain)}
        self._used: dict[EditSpec, Evaluation] = {}

    def __call__(self, specs: Iterable[EditSpec]) -> tuple[Evaluation, ...]:
        """The complete evaluations of some specs, in order. Raises: KeyError if nothing can measure them."""
        wanted = tuple(specs)
        absent = [spec for spec in dict.fromkeys(wanted) if spec not in self._found]
        if absent and self._studio is not None:
            self._found.update(run_sweep(self._studio, absent))
        self._used.update((spec, self._found[spec]) for spec in wanted)
        return tuple(self._found[spec] for spec in wanted)

    @property
    def held(self) -> Mapping[EditSpec, Evaluation]:
        """Everything that is measured."""
        return self._found

    @property
    def found(self) -> Mapping[EditSpec, Evaluation]:
        """Everything that was asked for so far."""
        return self._used

    def save(self) -> None:
        """Write what was asked for, and nothing that no table needs any more."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        plain = [{**found.as_dict(), "seconds": 0.0} for found in self._used.values()]
        self._path.write_text(json.dumps(plain, separators=(",", ":")) + "\n", encoding="utf-8")


def percent(value: float, digits: int = 1) -> str:
    """A fraction as percent."""
    return f"{100 * value:.{digits}f}"


class HasInterval(Protocol):
    """A mean accuracy with its 95 % interval, fractions in [0, 1]."""

    @property
    def mean(self) -> float: ...

    @property
    def interval(self) -> tuple[float, float]: ...


def with_interval(found: HasInterval) -> str:
    """A mean as percent, with its 95 % interval."""
    low, high = found.interval
    return f"{percent(found.mean)} ({percent(low)} to {percent(high)})"


Rows = Sequence[Sequence[str]]


def markdown(header: Sequence[str], rows: Rows) -> Iterator[str]:
    """A table's lines."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
