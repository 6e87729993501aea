"""Follow the pickle of a PyTorch file as data: nothing is imported, called or built but plain values.

A pickle is a program. torch's own careful reader (``weights_only``) still calls what is on its list, with
whatever arguments the file gives: 500 bytes made it set 6 GB aside, and a dictionary whose key is a tuple in
a tuple, a million deep, ended the process. Here the few instructions that ``torch.save`` writes are
followed, each adds at most one small value, and any other instruction or name is refused.

Source: torch/serialization.py and torch/_utils.py, PyTorch 1.6 to 2.13.
"""

import pickle
import pickletools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

import torch

from lines_core.checkpoints.limits import are_sizes, damaged, is_size
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

MAX_PICKLE = 16 << 20
"""Bytes of a pickle; that of a ViT-L/14 with 446 tensors has 60 kB."""
MAX_STEPS = 1_000_000
"""Instructions followed at most. A tensor takes about 35."""
TENSORS_ALONE = "Save the tensors alone: torch.save(model.state_dict(), path), or safetensors."
_MAX_LINE = 200
_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Storage(NamedTuple):
    """A row of numbers that tensors lie in: a record of the file.

    Args:
        key: of its record.
        dtype: None for a kind of number that is not read.
        numel: how many numbers it claims.
    """

    key: str
    dtype: torch.dtype | None
    numel: int


class StoredTensor(NamedTuple):
    """A dense tensor as the pickle describes it. Only that its sizes are whole numbers from 0 is checked."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Inert:
    """Stands for something harmless that is no plain tensor, and for whatever calling it would give."""

    name: str


class _Callee(Enum):
    """What a tensor names in a pickle. Stands for it; there is nothing behind it to call."""

    ORDERED_DICT = auto()
    TENSOR = auto()
    PARAMETER = auto()


class _StorageKind(NamedTuple):
    dtype: torch.dtype | None


_CALLEES = {
    "collections.OrderedDict": _Callee.ORDERED_DICT,
    "torch._utils._rebuild_tensor_v2": _Callee.TENSOR,
    "torch._utils._rebuild_parameter": _Callee.PARAMETER,
}
_INERT = frozenset(
    {
        "__builtin__.bytearray",
        "__builtin__.complex",
        "__builtin__.set",
        "_codecs.encode",
        "builtins.bytearray",
        "builtins.complex",
        "builtins.set",
        "collections.Counter",
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        "torch._tensor._rebuild_from_type_v2",
    }
)
"""What torch's careful reader knows besides: it may be about, as in an optimiser's state, but not be read."""
_REBUILD = re.compile(r"torch\._utils\._rebuild_[a-z0-9_]{1,60}")
"""How the tensors of other kinds are called: sparse, quantised, without numbers."""

Value = object
"""None, True, a number, text, bytes, list, tuple or dictionary; or a `Storage`, `StoredTensor` or `Inert`."""


def follow(content: bytes, label: str) -> Value:
    """What the pickle describes.

    Args:
        content: the record ``data.pkl`` of a PyTorch file.
        label: what messages call the file.
    Raises: CheckpointError if it names what could run code, holds an instruction that tensors do not need,
        goes beyond the limits, or makes no sense.
    Cost: 1 us an instruction, at most some 300 bytes of memory each.
    """
    return _Follower(content, label).value()


class _Follower:
    def __init__(self, content: bytes, label: str) -> None:
        self._content = content
        self._at = 0
        self._label = label
        self._stack: list[Value] = []
        self._below: list[list[Value]] = []  # what was on the stack at each mark
        self._memo: dict[int, Value] = {}
        self._named: dict[bytes, Value] = {}

    def value(self) -> Value:
        content, size = self._content, len(self._content)
        try:
            for _ in range(MAX_STEPS):
                if self._at >= size:
                    raise damaged(self._label, "its pickle ends early")
                code = content[self._at]
                self._at += 1
                if code == pickle.STOP[0]:
                    return self._stack.pop()
                step = _STEPS.get(code)
                if step is None:
                    raise self._foreign(code)
                step(self)
        except (LookupError, UnicodeError, struct.error) as error:  # empty stack, unknown memo; no text
            raise damaged(self._label, f"its pickle makes no sense ({type(error).__name__})") from error
        raise CheckpointError(
            f"{self._label} has more than {MAX_STEPS:,} pickle instructions. {TENSORS_ALONE}"
        )

    def _foreign(self, code: int) -> CheckpointError:
        names = [known.name for known in pickletools.opcodes if known.code == chr(code)]
        what = f"the pickle instruction {names[0]}" if names else f"the byte {code:#04x} in its pickle"
        return CheckpointError(f"{self._label} has {what}, which tensors do not need. {TENSORS_ALONE}")

    # --- bytes of the pickle ---

    def _take(self, num_bytes: int) -> bytes:
        taken = self._content[self._at : self._at + num_bytes]
        if len(taken) < num_bytes:
            raise damaged(self._label, "its pickle ends early")
        self._at += num_bytes
        return taken

    def _number(self, num_bytes: int, signed: bool = False) -> int:
        return int.from_bytes(self._take(num_bytes), "little", signed=signed)

    def _line(self) -> bytes:
        end = self._content.find(b"\n", self._at, self._at + _MAX_LINE)
        if end < 0:
            raise damaged(self._label, "a name in its pickle has no end")
        line, self._at = self._content[self._at : end], end + 1
        return line

    # --- instructions ---

    def protocol(self) -> None:
        protocol = self._number(1)
        if protocol not in (2, 3):
            raise CheckpointError(
                f"{self._label} is a pickle of protocol {protocol}, torch.save writes 2 unless told "
                f"otherwise. {TENSORS_ALONE}"
            )

    def push(self, value: Value) -> None:
        self._stack.append(value)

    def push_number(self, num_bytes: int, signed: bool = False) -> None:
        self._stack.append(self._number(num_bytes, signed))

    def push_long(self) -> None:
        self._stack.append(self._number(self._number(1), signed=True))

    def push_float(self) -> None:
        self._stack.append(struct.unpack(">d", self._take(8))[0])

    def push_text(self) -> None:
        self._stack.append(self._take(self._number(4)).decode("utf-8", "surrogatepass"))

    def push_bytes(self, width: int) -> None:
        self._stack.append(self._take(self._number(width)))

    def push_tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise damaged(self._label, "its pickle makes no sense (a tuple of nothing)")
        at = len(self._stack) - count
        self._stack[at:] = [tuple(self._stack[at:])]

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Value]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def tuple_since_mark(self) -> None:
        items = self._since_mark()
        self._stack.append(tuple(items))

    def append(self) -> None:
        self._extend([self._stack.pop()])

    def appends(self) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[Value]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise damaged(self._label, "its pickle appends to what is no list")
        target.extend(items)

    def set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_items([key, value])

    def set_items(self) -> None:
        self._set_items(self._since_mark())

    def _set_items(self, items: list[Value]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise damaged(self._label, "its pickle puts items into what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, int, float, bool, type(None)):  # a deep tuple cannot be hashed
                raise CheckpointError(
                    f"{self._label}: names are printable ASCII text, found a {_kind(key)}. {TENSORS_ALONE}"
                )
            if key in target:
                raise damaged(self._label, f"the name {quoted(key)} occurs twice")
            target[key] = value

    def put(self, num_bytes: int) -> None:
        self._memo[self._number(num_bytes)] = self._stack[-1]

    def get(self, num_bytes: int) -> None:
        self._stack.append(self._memo[self._number(num_bytes)])

    def name(self) -> None:
        module, name = self._line(), self._line()
        full = module + b"." + name
        if full not in self._named:
            self._named[full] = self._meant(full.decode())
        self._stack.append(self._named[full])

    def _meant(self, name: str) -> Value:
        if name in _CALLEES:
            return _CALLEES[name]
        last = name.rpartition(".")[2]
        if name == f"torch.{last}" and last in _STORAGES:
            return _StorageKind(_STORAGES[last])
        if name.startswith("torch.") and last.endswith("Storage"):
            return _StorageKind(None)
        known = name in _INERT or _REBUILD.fullmatch(name)
        if known or (name == f"torch.{last}" and isinstance(getattr(torch, last, None), torch.dtype)):
            return Inert(last)
        raise CheckpointError(
            f"{self._label} holds a pickled {quoted(name)[1:-1]}, which could run code when opened. "
            f"{TENSORS_ALONE}"
        )

    def stored(self) -> None:
        """A storage by its key, as the file refers to what lies outside the pickle."""
        match self._stack.pop():
            case ("storage", _StorageKind(dtype), str(key), str(), numel) if is_size(numel):
                self._stack.append(Storage(key, dtype, numel))
            case _:
                raise damaged(self._label, "its pickle refers to a storage as no tensor does")

    def call(self) -> None:
        arguments, callee = self._stack.pop(), self._stack.pop()
        self._stack.append(self._called(callee, arguments))

    def _called(self, callee: Value, arguments: Value) -> Value:
        """What torch would return for the calls that its tensors are pickled as."""
        match callee, arguments:
            case _Callee.ORDERED_DICT, ():
                return {}
            case _Callee.TENSOR, (Storage() as storage, offset, shape, strides, bool(), {}, *rest) if (
                not rest
            ):
                if not (is_size(offset) and are_sizes(shape) and are_sizes(strides)):
                    raise damaged(self._label, "the shape or place of a tensor is not made of whole numbers")
                return StoredTensor(storage, offset, tuple(shape), tuple(strides))
            case _Callee.PARAMETER, (StoredTensor() as tensor, bool(), {}):
                return tensor
            case Inert(), tuple():
                return callee
        raise damaged(self._label, "its pickle calls something as no tensor is written")

    def set_state(self) -> None:
        """The state of a dictionary or of something inert: module versions and the like, passed over."""
        self._stack.pop()
        if not isinstance(self._stack[-1], dict | Inert):
            raise damaged(self._label, "its pickle sets a state as no tensor has it")


def _kind(value: Value) -> str:
    return value.name if isinstance(value, Inert) else type(value).__name__


_STEPS: dict[int, Callable[[_Follower], None]] = {
    code[0]: step
    for code, step in {
        pickle.PROTO: _Follower.protocol,
        pickle.NONE: lambda one: one.push(None),
        pickle.NEWTRUE: lambda one: one.push(True),
        pickle.NEWFALSE: lambda one: one.push(False),
        pickle.BININT1: lambda one: one.push_number(1),
        pickle.BININT2: lambda one: one.push_number(2),
        pickle.BININT: lambda one: one.push_number(4, signed=True),
        pickle.LONG1: _Follower.push_long,
        pickle.BINFLOAT: _Follower.push_float,
        pickle.BINUNICODE: _Follower.push_text,
        pickle.SHORT_BINBYTES: lambda one: one.push_bytes(1),
        pickle.BINBYTES: lambda one: one.push_bytes(4),
        pickle.EMPTY_TUPLE: lambda one: one.push(()),
        pickle.TUPLE1: lambda one: one.push_tuple(1),
        pickle.TUPLE2: lambda one: one.push_tuple(2),
        pickle.TUPLE3: lambda one: one.push_tuple(3),
        pickle.MARK: _Follower.mark,
        pickle.TUPLE: _Follower.tuple_since_mark,
        pickle.EMPTY_LIST: lambda one: one.push([]),
        pickle.APPEND: _Follower.append,
        pickle.APPENDS: _Follower.appends,
        pickle.EMPTY_DICT: lambda one: one.push({}),
        pickle.SETITEM: _Follower.set_item,
        pickle.SETITEMS: _Follower.set_items,
        pickle.BINPUT: lambda one: one.put(1),
        pickle.LONG_BINPUT: lambda one: one.put(4),
        pickle.BINGET: lambda one: one.get(1),
        pickle.LONG_BINGET: lambda one: one.get(4),
        pickle.GLOBAL: _Follower.name,
        pickle.BINPERSID: _Follower.stored,
        pickle.REDUCE: _Follower.call,
        pickle.BUILD: _Follower.set_state,
    }.items()
}
"""What is done for each instruction; the rest is refused."""
