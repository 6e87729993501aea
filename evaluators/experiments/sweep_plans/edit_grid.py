"""Every combination of some checkpoints or merges, schedules, coefficients and splits, as edits."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.errors import SpecError
from evaluators.experiments.merge_comparison import Alpha, lines_alpha
from evaluators.experiments.merge_search import MergeConfig
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.merging import METHODS

ALL = "all"
"""Every checkpoint of the suite that the page opens on."""


def checkpoints_in(studio: Studio, model: str) -> tuple[str, ...]:
    """What `ALL` means: keys of an encoder's checkpoints, of the suite of its first one."""
    known = studio.checkpoints(model)
    return tuple(one.key for one in known if one.suite == known[0].suite)


@dataclass(frozen=True)
class MergeAxes:
    """Merges of a grid.

    Args:
        groups: the checkpoints that are merged, or (`ALL`,).
        methods: keys of ``METHODS``.
        settings: values by name; a method takes those that it has.
    Raises: SpecError for a setting that none of the methods has.
    """

    groups: tuple[tuple[str, ...], ...]
    methods: tuple[str, ...]
    settings: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        for name in self.settings:
            if not any(name in self._names(method) for method in self.methods):
                raise SpecError(f"None of {', '.join(self.methods)} has a setting {name!r}.")

    def configs(self, every: tuple[str, ...], model: str) -> Iterator[MergeConfig]:
        """Each group, by each method, with each combination of its settings."""
        for group, method in itertools.product(self.groups, self.methods):
            names = [name for name in self.settings if name in self._names(method)]
            for values in itertools.product(*(self.settings[name] for name in names)):
                settings = tuple(zip(names, values, strict=True))
                yield MergeConfig(every if group == (ALL,) else group, method, settings, model)

    @staticmethod
    def _names(method: str) -> set[str]:
        return {parameter.key for parameter in METHODS[method].parameters}


@dataclass(frozen=True)
class EditGrid:
    """A part of a sweep: everything is measured, nothing is chosen.

    Args:
        model: key of the encoder.
        checkpoints: keys, or (`ALL`,); empty for none.
        merge: merges beside them.
        pairs: alpha, or "auto" for Eq. 2's of a merge, and beta.
        shapes, outside, mixes, splits: the values of ``EditSpec``.
        images: of each task, 0 for all.
    """

    model: str
    checkpoints: tuple[str, ...]
    merge: MergeAxes | None
    pairs: tuple[tuple[Alpha, float], ...]
    shapes: tuple[str, ...]
    outside: tuple[str, ...]
    mixes: tuple[float, ...]
    splits: tuple[str, ...]
    images: int

    def first(self, studio: Studio) -> tuple[EditSpec, ...]:
        """As ``PlanPart.first``: all of them, each once."""
        every = checkpoints_in(studio, self.model)
        keys = every if self.checkpoints == (ALL,) else self.checkpoints
        specs = [
            EditSpec(checkpoint=key, alpha=_number(alpha), beta=beta, **rest)
            for key in keys
            for (alpha, beta), rest in itertools.product(self.pairs, self._rest())
        ]
        for config in self.merge.configs(every, self.model) if self.merge else ():
            eq_2 = {"auto": lines_alpha(studio, config, "auto")[0]} if self._automatic else {}
            specs += [
                EditSpec.merged(merge, eq_2.get("auto", 1.0) if alpha == "auto" else alpha, beta, **rest)
                for merge in config.merges
                for (alpha, beta), rest in itertools.product(self.pairs, self._rest())
            ]
        return tuple(dict.fromkeys(specs))

    def then(self, found: Found) -> Sequence[EditSpec]:
        """As ``PlanPart.then``: none."""
        return ()

    def lines(self, found: Found) -> Sequence[str]:
        """As ``PlanPart.lines``: none."""
        return ()

    @property
    def _automatic(self) -> bool:
        return any(alpha == "auto" for alpha, _ in self.pairs)

    def _rest(self) -> Iterable[dict[str, Any]]:
        names = ("shape", "outside", "mix", "split")
        for values in itertools.product(self.shapes, self.outside, self.mixes, self.splits):
            yield {"model": self.model, "images": self.images, **dict(zip(names, values, strict=True))}


def _number(alpha: Alpha) -> float:
    if alpha == "auto":
        raise SpecError("alpha: auto is Eq. 2's, of a merge: give a checkpoint a number, or gamma.")
    return alpha
