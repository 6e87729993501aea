"""The models that a checkpoint file holds: dictionaries of tensors, looked up in whatever is around them.

Training scripts wrap a model's tensors with an optimiser, options and a moving average. Which of several
models is meant is not guessed: each becomes a `Candidate`, and the caller chooses.
"""

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import NamedTuple

from lines_core.checkpoints.limits import MAX_NAME, MAX_TENSORS, TENSORS_ALONE, check_count, check_name
from lines_core.checkpoints.module_objects import is_module, module_tensors
from lines_core.checkpoints.pickle_values import Inert, Value, is_weight, kind_of
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_of, quoted

CONTAINERS = frozenset(
    "state_dict model model_state_dict model_state net network module params weights "
    "ema ema_state_dict state_dict_ema model_ema ema_model params_ema model_ema_state_dict "
    "teacher student target online generator encoder backbone".split()
)
"""Keys of which a model's tensors are the value, whatever their names."""
AVERAGES = ("model", "ema", "model_ema", "ema_model", "student", "teacher", "online", "target", "module")
"""First parts of names that may stand for the same model twice: trained, and averaged or a teacher."""
NO_MODEL = ("optim", "sched", "scaler", "rng", "callbacks", "loops", "hyper_parameters", "hparams")
"""Parts of keys whose values are not a model, even if they hold tensors."""
_MAX_DEPTH = 4
_MAX_MODELS = 64
_MAX_VISITED = MAX_TENSORS


class Candidate(NamedTuple):
    """A model in a file.

    Args:
        name: its place in the file, keys joined by dots; empty if the file holds nothing around it.
        entries: name to tensor as the file describes it, or to an object that is made from one.
        skipped: what is beside the tensors and is none, as "'epoch' (int)".
    """

    name: str
    entries: Mapping[str, Value]
    skipped: tuple[str, ...]


def find_candidates(content: Value, label: str) -> list[Candidate]:
    """The models in the content of a pickle, in the order of the file; at least one.

    A dictionary is a model's if its key says so (`CONTAINERS`) or a name in it has two parts; if none is,
    every dictionary with tensors counts. What an optimiser or the like holds never does. A second one of the
    same stored tensors is skipped, and said to be.

    Args:
        content: from `interpret`.
        label: what messages call the file.
    Raises: CheckpointError if there are no tensors by name, or too many dictionaries.
    """
    if not isinstance(_table(content), dict) and not is_module(content):
        what = "holds a pickled" if isinstance(content, Inert) else "holds a"
        raise CheckpointError(f"{label} {what} {kind_of(content)}, not tensors by name. {TENSORS_ALONE}")
    found = [one for one in _groups(content, label) if one.entries]
    if not found:
        table = _table(content) or {}
        held = first_of([_described(key, value) for key, value in list(table.items())[:5]], total=len(table))
        raise CheckpointError(f"{label} holds no tensors{f', but {held}' if held else ''}. {TENSORS_ALONE}")
    models = [one for one in found if _is_model(one)] or found
    if len(models) > _MAX_MODELS:
        raise CheckpointError(
            f"{label} holds {len(models):,} dictionaries of tensors, more than the {_MAX_MODELS} that may be "
            f"models. {TENSORS_ALONE}"
        )
    distinct: list[Candidate] = []
    for one in models:
        check_count(len(one.entries), label)
        for name in one.entries:
            check_name(name, label)
        at = next((at for at, other in enumerate(distinct) if one.entries == other.entries), None)
        if at is None:
            distinct.append(one)
        else:
            same = f"{quoted(one.name)} (the same tensors)"
            distinct[at] = distinct[at]._replace(skipped=(same, *distinct[at].skipped))
    around = {"".join(part) for one in models for part in accumulate(re.split(r"(?=\.)", one.name))}
    table = {} if "" in around else _table(content) or {}
    beside = tuple(_described(key, value) for key, value in table.items() if key not in around)
    return [
        part._replace(skipped=(*part.skipped, *beside)) for one in distinct for part in split_averages(one)
    ]


def split_averages(candidate: Candidate) -> list[Candidate]:
    """A model and its average, if one dictionary holds both: ``student.*`` and ``teacher.*``."""
    by_prefix: dict[str, dict[str, Value]] = {}
    for name, value in candidate.entries.items():
        first, _, rest = name.partition(".")
        if rest and first in AVERAGES:
            by_prefix.setdefault(first, {})[rest] = value
    largest = max(by_prefix.values(), key=len, default={})
    twice = {
        first: held
        for first, held in by_prefix.items()
        if 2 * len(held.keys() & largest.keys()) > len(largest)
    }
    if len(twice) < 2:
        return [candidate]
    others = [name for name in candidate.entries if name.partition(".")[0] not in twice]
    skipped = (*candidate.skipped, *(_described(name, candidate.entries[name]) for name in others))
    return [
        Candidate(f"{candidate.name}.{first}".lstrip("."), held, skipped) for first, held in twice.items()
    ]


def _groups(content: Value, label: str) -> list[Candidate]:
    """Every dictionary that holds tensors, and every module, not deeper than a few keys."""
    found: list[Candidate] = []
    waiting: list[tuple[str, int, Value]] = [("", 0, content)]
    visited = 0
    while waiting:
        path, depth, value = waiting.pop()
        visited += 1
        if visited > _MAX_VISITED:
            raise CheckpointError(f"{label} holds more than {_MAX_VISITED:,} dictionaries. {TENSORS_ALONE}")
        if is_module(value):
            found.append(Candidate(path, module_tensors(value, label), ()))
            continue
        table = _table(value) or {}
        entries: dict[str, Value] = {}
        inner: list[tuple[str, int, Value]] = []
        for key, held in table.items():
            if is_weight(held):
                entries[key] = held  # type: ignore[index]  # names are checked before they are used
            elif depth < _MAX_DEPTH and _may_hold_model(key, held):
                inner.append((f"{path}.{key}".lstrip("."), depth + 1, held))
        if entries:
            skipped = tuple(_described(key, held) for key, held in table.items() if key not in entries)
            found.append(Candidate(path, entries, skipped))
        waiting += reversed(inner)
    return found


def _may_hold_model(key: object, value: Value) -> bool:
    holds = _table(value) is not None or is_module(value)
    if not (holds and isinstance(key, str) and len(key) <= MAX_NAME and key.isascii() and key.isprintable()):
        return False
    return not any(word in key.lower() for word in NO_MODEL)


def _is_model(candidate: Candidate) -> bool:
    return candidate.name.rpartition(".")[2] in CONTAINERS or any(
        "." in str(name) for name in candidate.entries
    )


def _table(value: Value) -> dict[object, Value] | None:
    """The items of a dictionary, also of one of a class of its own."""
    return value.entries if isinstance(value, Inert) else value if isinstance(value, dict) else None


def _described(key: object, value: Value) -> str:
    return f"{quoted(key)} ({kind_of(value)})"
