"""Tensors of a module that was pickled whole, read off what the pickle would set on it.

``torch.save(model)`` and TorchScript describe each module as an object with attributes. Its class is not
needed to know the names that its ``state_dict()`` would have.
"""

from lines_core.checkpoints.limits import MAX_NAME, MAX_TENSORS
from lines_core.checkpoints.pickle_values import Inert, Value, is_weight
from lines_core.errors import CheckpointError

TORCHSCRIPT = "__torch__."
"""How the class names of TorchScript begin."""


def is_module(value: Value) -> bool:
    """Whether this is an object with the attributes of a ``torch.nn.Module``, or one of TorchScript."""
    return (
        isinstance(value, Inert)
        and isinstance(value.state, dict)
        and (value.name.startswith(TORCHSCRIPT) or {"_parameters", "_modules"} <= value.state.keys())
    )


def module_tensors(module: Value, label: str) -> dict[str, Value]:
    """Parameters and persistent buffers by the names of ``state_dict()``.

    Args:
        module: one that `is_module`.
        label: what messages call the file.
    Raises: CheckpointError if modules hold each other, or there are more than a checkpoint may have tensors.
    """
    found: dict[str, Value] = {}
    waiting: list[tuple[str, Value]] = [("", module)]
    visited = 0
    while waiting:
        prefix, one = waiting.pop()
        visited += 1
        if visited > MAX_TENSORS or len(found) > MAX_TENSORS or len(prefix) > 2 * MAX_NAME:
            raise CheckpointError(f"{label}: its module has too many parts, or holds itself.")
        inner: list[tuple[str, Value]] = []
        for name, value in _held_by(one).items():
            if is_module(value):
                inner.append((f"{prefix}{name}.", value))
            elif is_weight(value):
                found[f"{prefix}{name}"] = value
        waiting += reversed(inner)
    return found


def _held_by(module: Value) -> dict[object, Value]:
    """Tensors and modules that a module holds, by name."""
    assert isinstance(module, Inert)
    assert isinstance(module.state, dict)
    if module.name.startswith(TORCHSCRIPT):
        return module.state
    found: dict[object, Value] = {}
    for kind in ("_parameters", "_buffers", "_modules"):
        held = module.state.get(kind)
        found.update(held if isinstance(held, dict) else {})
    for name in _names_in(module.state.get("_non_persistent_buffers_set")):
        found.pop(name, None)
    return found


def _names_in(held: Value) -> list[str]:
    """The names in a set, which is pickled as a call with a list."""
    match held:
        case Inert("builtins.set" | "__builtin__.set", (list(names),)):
            return [name for name in names if isinstance(name, str)]
    return []
