"""Description of a merging method: function, settings with ranges, search grid and source."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.known import Needs
from lines_core.merging.scopes import SCOPE, SCOPES

PLAIN_GRID: tuple[float, ...] = tuple(step / 10 for step in range(1, 11))
"""Coefficients searched on validation for the sum and for Consensus: 0.1 .. 1.0."""

TIES_GRID: tuple[float, ...] = tuple(step / 10 for step in range(1, 16))
"""Coefficients searched for TIES: 0.1 .. 1.5."""

LONG_GRID: tuple[float, ...] = tuple(step / 10 for step in range(1, 31))
"""Coefficients searched for the methods on singular values: 0.1 .. 3.0."""

FIXED: tuple[float, ...] = (1.0,)
"""For methods whose result is not scaled."""


@dataclass(frozen=True)
class Parameter:
    """One setting of a merging method. All settings are floats.

    Attributes:
        key: its name in the settings.
        title: name on screen.
        help: one sentence for a first-time reader.
        default: value if it is missing from the settings.
        low, high: smallest and largest value allowed.
        step: of a slider; a setting with step 1 is an integer.
        choices: meaning of each value, if only these are allowed.
    """

    key: str
    title: str
    help: str
    default: float
    low: float
    high: float
    step: float
    choices: Mapping[float, str] = field(default_factory=dict, hash=False)

    def checked(self, value: float) -> float:
        """The value as a float, rounded to 9 decimals.

        Raises: MergeError if it is not a finite number, out of range, not an integer where required, or none
            of the choices.
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise MergeError(f"{self.key} must be a finite number, got {value!r}.")
        rounded = round(float(value), 9)
        if self.choices and rounded not in self.choices:
            meanings = ", ".join(f"{choice:g} ({meaning})" for choice, meaning in self.choices.items())
            raise MergeError(f"{self.key} must be one of {meanings}, got {value:g}.")
        if not self.low <= rounded <= self.high:
            raise MergeError(f"{self.key} must be between {self.low:g} and {self.high:g}, got {value:g}.")
        if self.step == 1.0 and not rounded.is_integer():
            raise MergeError(f"{self.key} must be a whole number, got {value:g}.")
        return rounded


@dataclass(frozen=True)
class Method:
    """One way to merge task vectors, as the page, the documentation and the tests list it.

    Attributes:
        key: its name in `METHODS`.
        title: name on screen.
        help: one sentence for a first-time reader.
        paper: its source.
        parameters: its settings.
        grid: coefficients to search on validation; for LiNeS the same values are those of beta.
        per_task: the merged residual depends on the task it is used for.
        merge: the function, (vectors, **settings) or, if `per_task`, (vectors, task=..., **settings). It does
            not check its arguments: call it through `lines_core.merging.merge`, which does.
        needs: what it has to know of whole vectors to merge a part of them, (numel, **settings) -> Needs;
            `merge` then takes `known=` too. None: a part is merged as it is.
        within: for methods with the setting `scope`, (vectors, shapes, scope, **settings): ranks within
            tensors or rows instead of the whole vectors.
        convention: where published programs differ, and what is done here; empty if they agree.
        count: number of task vectors that it merges; 0 for any.
        by_tensor: it merges tensor by tensor, so `merge` is (vectors, shapes, **settings), shapes as
            `singular.matrix_shapes` gives them.
        version: of its arithmetic. Raise it when the same vectors merge to another result: evaluations that
            were kept or shipped before do not count any more.
    """

    key: str
    title: str
    help: str
    paper: str
    parameters: tuple[Parameter, ...]
    grid: tuple[float, ...]
    per_task: bool
    merge: Callable[..., Tensor]
    needs: Callable[..., Needs] | None = None
    within: Callable[..., Tensor] | None = None
    convention: str = ""
    count: int = 0
    by_tensor: bool = False
    version: int = 1

    def check_count(self, count: int) -> None:
        """Raises: MergeError if it does not merge so many task vectors."""
        if self.count not in (0, count):
            raise MergeError(
                f"{self.title} takes exactly {self.count} models, got {count}: choose {self.count}."
            )

    def complete(self, settings: Mapping[str, float]) -> dict[str, float]:
        """All settings by key, checked, missing ones at their defaults.

        Raises: MergeError for a setting that the method does not have, or as `Parameter.checked`.
        """
        known = [parameter.key for parameter in self.parameters]
        unknown = [key for key in settings if key not in known]
        if unknown:
            raise MergeError(
                f"{self.title} has no setting {unknown[0]!r}: it has {', '.join(known) if known else 'none'}."
            )
        return {
            parameter.key: parameter.checked(settings.get(parameter.key, parameter.default))
            for parameter in self.parameters
        }


def density_of(default: float, what: str) -> Parameter:
    """The setting `density`: the fraction of a task vector's entries that count as its largest."""
    return Parameter(
        "density",
        "Density",
        f"Fraction of each task vector's entries, largest magnitudes first, that {what}; 1 keeps them all.",
        default,
        0.0,
        1.0,
        0.05,
    )


def ranked_within(*scopes: float) -> Parameter:
    """The setting `scope`: what the entries are ranked in; the first is the default."""
    choices = {scope: SCOPES[scope] for scope in scopes}
    title, help_text = "Ranked within", "What the largest and the smallest entries are looked for in."
    return Parameter(SCOPE, title, help_text, scopes[0], min(scopes), max(scopes), 1.0, choices)


AGG = Parameter(
    "agg",
    "Agreeing entries",
    "Whether the entries that agree with the elected sign are averaged or added up.",
    0.0,
    0.0,
    1.0,
    1.0,
    {0.0: "mean", 1.0: "sum"},
)

DROP = Parameter(
    "drop",
    "Drop rate p",
    "Probability of an entry to be set to zero; the others are divided by 1 − p.",
    0.9,
    0.0,
    0.99,
    0.05,
)

SEED = Parameter(
    "seed",
    "Seed",
    "Which draw it is: the same seed gives the same merge on every machine.",
    0.0,
    0.0,
    2.0**31 - 1,
    1.0,
)

REFERENCE_SIZE = Parameter(
    "reference_size",
    "Entries that count",
    "Number of entries of which the density is a fraction; 0 is the vector's own. The authors count the "
    "whole checkpoint, text tower included, whose task vector is zero.",
    0.0,
    0.0,
    1e11,
    1.0,
)

TALL_LAMBDA = Parameter(
    "tall_lambda",
    "TALL threshold λ",
    "How much larger than its distance from the merged vector, times λ, a task's own entry must be to belong "
    "to that task: a small λ gives masks that hold more.",
    0.4,
    0.0,
    1.0,
    0.1,
)

USE_TIES = Parameter(
    "use_ties",
    "Merged vector",
    "What the masks are applied to: the sum of the task vectors, or TIES with its sum.",
    0.0,
    0.0,
    1.0,
    1.0,
    {0.0: "sum", 1.0: "TIES sum"},
)
