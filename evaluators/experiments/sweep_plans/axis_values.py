"""Values along one axis of a sweep: one, a list, or a range as "from:to:step"."""

import math
from collections.abc import Sequence

from evaluators.errors import SpecError
from lines_core.untrusted_text import first_names, quoted

MOST_VALUES = 10_001
SEPARATED = "decimals take a point, and a comma separates two numbers"
_DECIMALS = 9


def axis_numbers(axis: str, given: object) -> tuple[float, ...]:
    """Numbers of an axis, repeated ones once.

    Args:
        axis: name, for messages.
        given: a number, text as ``"0:1:0.1"`` (both ends included) or ``"0,0.5"``, or a list of these.
    Raises: SpecError for anything else, no value at all, or more than `MOST_VALUES`.

    >>> axis_numbers("gamma", "0:0.3:0.1"), axis_numbers("beta", [0.5, "1:0:-0.5"])
    ((0.0, 0.1, 0.2, 0.3), (0.5, 1.0, 0.0))
    """
    values: dict[float, None] = {}
    for item in _items(given):
        values |= dict.fromkeys(_numbers(axis, item))
        if len(values) > MOST_VALUES:
            raise SpecError(f"{axis} has more than {MOST_VALUES:,} values.")
    if not values:
        raise SpecError(f"{axis} needs at least one value, such as 0.5 or '0:1:0.1'.")
    return tuple(values)


def axis_names(axis: str, given: object, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of an axis, repeated ones once.

    Args:
        given: a name, several with commas, or a list of names.
        known: the names that there are; any if empty.
    Raises: SpecError for anything else, or a name that is not known.
    """
    items = _items(given)
    names = [item.strip() for item in items if isinstance(item, str) and item.strip()]
    if not names or len(names) < len(items):
        raise SpecError(f"{axis} must be a name or a list of names, got {quoted(given)}.")
    if known and (foreign := [name for name in names if name not in known]):
        raise SpecError(f"{axis} must be among {', '.join(known)}, got {first_names(foreign)}.")
    return tuple(dict.fromkeys(names))


def _items(given: object) -> list[object]:
    items = list(given) if isinstance(given, list | tuple) else [given]
    split: list[object] = []
    for item in items:
        split += item.split(",") if isinstance(item, str) else [item]
    return split


def _numbers(axis: str, item: object) -> list[float]:
    problem = SpecError(
        f"{axis} must be a number, a list of numbers or a range from:to:step, got {quoted(item)}: "
        f"{SEPARATED}."
    )
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        raise problem
    try:
        parts = [float(part) for part in f"{item}".split(":")]
    except ValueError:
        raise problem from None
    if len(parts) not in (1, 3) or not all(map(math.isfinite, parts)):
        raise problem
    if len(parts) == 1:
        return [round(parts[0], _DECIMALS) + 0.0]
    first, last, step = parts
    if not step or (last - first) / step < 0 or (last - first) / step >= MOST_VALUES:
        raise SpecError(
            f"{axis}: the range {quoted(item)} does not lead from {first:g} to {last:g} in at most "
            f"{MOST_VALUES:,} steps of {step:g}: {SEPARATED}."
        )
    steps = math.floor((last - first) / step + 1e-6)
    return [round(first + number * step, _DECIMALS) + 0.0 for number in range(steps + 1)]
