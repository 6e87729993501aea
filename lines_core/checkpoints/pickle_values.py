"""What a pickle of PyTorch describes, as plain values: storages, tensors, and objects that stay inert."""

from dataclasses import dataclass
from typing import NamedTuple

import torch

from lines_core.untrusted_text import excerpt


class Storage(NamedTuple):
    """A storage of tensors: a record of the file.

    Args:
        key: of its record.
        dtype: None for one that is not read.
        numel: how many numbers it claims.
    """

    key: str
    dtype: torch.dtype | None
    numel: int


class StoredTensor(NamedTuple):
    """A dense tensor as the pickle describes it; checked is only that its sizes are integers from 0."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(eq=False, slots=True)
class Inert:
    """Placeholder for an importable name, or for what calling it would give; neither ever happens.

    Args:
        name: with its module, such as ``argparse.Namespace``.
        arguments: of the call; None for the name itself.
        state: what the pickle sets on the object, its attributes if that is a dictionary.
        entries: if the pickle sets items on it, as on a dictionary of a class of its own.
    """

    name: str
    arguments: tuple[object, ...] | None = None
    state: object = None
    entries: dict[object, object] | None = None


Value = object
"""None, True, a number, text, bytes, list, tuple or dictionary; or a `Storage`, `StoredTensor` or `Inert`."""


def kind_of(value: Value) -> str:
    """What to call a value in a message.

    >>> kind_of({}), kind_of(None), kind_of(Inert("argparse.Namespace", ()))
    ('dict', 'None', 'argparse.Namespace')
    """
    match value:
        case None:
            return "None"
        case Inert(name):
            return excerpt(name.removeprefix("torch._utils._rebuild_"), 80)
        case StoredTensor(Storage(_, None)):
            return "Tensor of an unsupported dtype"
        case StoredTensor(_, _, shape):
            return "empty Tensor" if 0 in shape else "Tensor"
        case _:
            return type(value).__name__


def is_weight(value: Value) -> bool:
    """Whether this is a tensor with elements, or an object that is made from a tensor.

    Such an object may be a weight that is sparse, quantised, distributed, or of a class of its own; what is
    made from no tensor is none. Two levels of its arguments and attributes are looked at.
    """
    if not isinstance(value, Inert):
        return isinstance(value, StoredTensor) and 0 not in value.shape
    if value.name.startswith("torch._utils._rebuild_") and value.arguments is not None:
        return True
    parts: list[object] = [*(value.arguments or ()), *_attributes(value)]
    inner = [part for one in parts if isinstance(one, tuple) for part in one]
    inner += [part for one in parts if isinstance(one, Inert) for part in one.arguments or ()]
    return any(isinstance(part, Storage | StoredTensor) for part in (*parts, *inner))


def _attributes(value: Inert) -> list[object]:
    return list(value.state.values()) if isinstance(value.state, dict) else []
