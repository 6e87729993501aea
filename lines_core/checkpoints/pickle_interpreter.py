"""Interpreter for the pickle of a PyTorch file that builds plain values and calls nothing.

A pickle is a program. torch's own safe reader (``weights_only``) still calls what is on its allowlist, with
whatever arguments the file gives: 500 bytes made it allocate 6 GB, and a dictionary with a tuple nested a
million deep as key crashed the process. `pickletools` decodes the instructions; here the few that
``torch.save`` writes are interpreted, each adds at most one small value, and any other is refused. A name,
and what calling it would give, is an `Inert` value: nothing is imported, looked up or called.

Source: torch/serialization.py and torch/_utils.py, PyTorch 1.6 to 2.13.
"""

import io
import pickletools
from enum import Enum, auto
from typing import Any, NamedTuple

import torch

from lines_core.checkpoints.limits import MAX_TENSORS, TENSORS_ALONE, are_sizes, damaged, is_size
from lines_core.checkpoints.pickle_values import Inert, Storage, StoredTensor, Value, kind_of
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

MAX_PICKLE = 16 << 20
"""Bytes of a pickle; that of a ViT-L/14 with 446 tensors has 60 kB."""
MAX_STEPS = 40 * MAX_TENSORS
"""Instructions interpreted at most. A tensor takes about 35."""
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


class _Callee(Enum):
    """Placeholder for a function that the pickle of a tensor names; it cannot be called."""

    ORDERED_DICT = auto()
    TENSOR = auto()
    PARAMETER = auto()


class _StorageKind(NamedTuple):
    dtype: torch.dtype | None


_CALLEES = {
    "collections.OrderedDict": _Callee.ORDERED_DICT,
    "torch._utils._rebuild_tensor_v2": _Callee.TENSOR,
    "torch._utils._rebuild_parameter": _Callee.PARAMETER,
    "torch._utils._rebuild_parameter_with_state": _Callee.PARAMETER,
}
_CONSTANTS: dict[str, Value] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_PUSHED = frozenset(
    "BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINBYTES BINBYTES "
    "SHORT_BINUNICODE BINUNICODE8 BINBYTES8".split()
)
"""Instructions whose argument is the value."""


class _Pickle(io.BytesIO):
    """The pickle for `pickletools`, which would parse a line of a million digits and decode escapes in names.

    Only GLOBAL may have lines, and short ones.
    """

    def readline(self, size: int | None = -1) -> bytes:
        self.seek(-1, io.SEEK_CUR)
        before, line = self.read(1), super().readline(_MAX_LINE)
        if before not in (b"c", b"\n") or b"\\" in line:  # GLOBAL and the end of its first line
            raise ValueError("it has a line that tensors do not need")
        return line


def interpret(content: bytes, label: str) -> Value:
    """The value that the pickle describes.

    Args:
        content: the record ``data.pkl`` of a PyTorch file.
        label: what messages call the file.
    Raises: CheckpointError if it holds an instruction that tensors do not need, exceeds the limits, or is
        invalid.
    Cost: 2 us per instruction, at most some 300 bytes of memory each.
    """
    interpreter = _Interpreter(label)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(_Pickle(content))):
            if count == MAX_STEPS:
                raise CheckpointError(
                    f"{label} has more than {MAX_STEPS:,} pickle instructions. {TENSORS_ALONE}"
                )
            if opcode.name == "STOP":
                return interpreter.pop()
            interpreter.run(opcode.name, argument)
    except CheckpointError:
        raise
    except (LookupError, ValueError) as error:  # empty stack or unknown memo; what pickletools cannot decode
        raise damaged(label, f"its pickle is invalid ({error})") from error
    raise AssertionError("genops raises ValueError where STOP is missing")


class _Interpreter:
    def __init__(self, label: str) -> None:
        self._label = label
        self._stack: list[Value] = []
        self._below: list[list[Value]] = []  # the stack under each mark
        self._memo: dict[int, Value] = {}
        self._globals: dict[str, Value] = {}

    def pop(self) -> Value:
        return self._stack.pop()

    def run(self, opcode: str, argument: Any) -> None:
        """Interpret one instruction; the most frequent ones come first."""
        stack = self._stack
        if opcode in _PUSHED:
            stack.append(argument)
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode])
        elif opcode == "MARK":
            self._below.append(stack)
            self._stack = []
        elif opcode == "TUPLE":
            self._stack = self._below.pop()
            self._stack.append(tuple(stack))
        elif opcode in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(_pop_last(stack, int(opcode[-1]))))
        elif opcode == "GLOBAL":
            if argument not in self._globals:
                self._globals[argument] = self._global(argument.replace(" ", ".", 1))
            stack.append(self._globals[argument])
        elif opcode == "BINPERSID":
            stack.append(self._storage(stack.pop()))
        elif opcode in ("REDUCE", "NEWOBJ"):
            arguments, callee = stack.pop(), stack.pop()
            stack.append(self._result(callee, arguments))
        elif opcode in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if opcode == "EMPTY_DICT" else [])
        elif opcode == "SETITEM":
            self._set_items(_pop_last(stack, 2))
        elif opcode == "SETITEMS":
            self._stack = self._below.pop()
            self._set_items(stack)
        elif opcode == "APPEND":
            self._extend([stack.pop()])
        elif opcode == "APPENDS":
            self._stack = self._below.pop()
            self._extend(stack)
        elif opcode == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], Inert):
                stack[-1].state = state
            elif not isinstance(stack[-1], dict):  # whose state, such as module versions, is ignored
                raise damaged(self._label, "its pickle sets an invalid state")
        elif opcode == "PROTO":
            if argument not in (2, 3, 4, 5):
                raise CheckpointError(
                    f"{self._label} is a pickle of protocol {argument}, the default of torch.save is 2. "
                    f"{TENSORS_ALONE}"
                )
        else:
            self._run_newer(opcode)

    def _run_newer(self, opcode: str) -> None:
        """Instructions of protocol 4, which torch.save writes if it is told to."""
        stack = self._stack
        if opcode == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif opcode == "STACK_GLOBAL":
            names = _pop_last(stack, 2)
            if not all(isinstance(name, str) and len(name) <= _MAX_LINE for name in names):
                raise damaged(self._label, "its pickle names something in an invalid way")
            stack.append(self._global(f"{names[0]}.{names[1]}"))
        elif opcode == "NEWOBJ_EX":
            callee, arguments, _ = _pop_last(stack, 3)
            stack.append(self._result(callee, arguments))
        elif opcode == "EMPTY_SET":
            stack.append(Inert("builtins.set", ()))
        elif opcode in ("ADDITEMS", "FROZENSET"):
            self._stack = self._below.pop()
            if opcode == "FROZENSET":
                self._stack.append(Inert("builtins.frozenset", ()))
        elif opcode != "FRAME":
            raise CheckpointError(
                f"{self._label} has the pickle instruction {opcode}, which tensors do not need. "
                f"{TENSORS_ALONE}"
            )

    def _extend(self, items: list[Value]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Inert):
            raise damaged(self._label, "its pickle appends to a value that is not a list")

    def _set_items(self, items: list[Value]) -> None:
        target = self._stack[-1]
        if isinstance(target, Inert):
            target.entries = {} if target.entries is None else target.entries
            target = target.entries
        if not isinstance(target, dict) or len(items) % 2:
            raise damaged(self._label, "its pickle sets items of a value that is not a dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, int, float, bool, type(None)):  # a deep tuple cannot be hashed
                if not isinstance(value, StoredTensor):
                    continue
                raise CheckpointError(
                    f"{self._label}: names are printable ASCII text, found a {kind_of(key)}. {TENSORS_ALONE}"
                )
            if key in target:
                raise damaged(self._label, f"the name {quoted(key)} occurs twice")
            target[key] = value

    def _global(self, name: str) -> Value:
        """The placeholder for an importable name, which is not imported."""
        if name in _CALLEES:
            return _CALLEES[name]
        last = name.rpartition(".")[2]
        if name == f"torch.{last}" and last in _STORAGES:
            return _StorageKind(_STORAGES[last])
        if name.startswith("torch.") and last.endswith("Storage"):
            return _StorageKind(None)
        return Inert(name)

    def _storage(self, identifier: Value) -> Storage:
        match identifier:
            case ("storage", _StorageKind(dtype), str(key), str(), numel) if is_size(numel):
                return Storage(key, dtype, numel)
        raise damaged(self._label, "its pickle has an invalid reference to a storage")

    def _result(self, callee: Value, arguments: Value) -> Value:
        """What torch would return for the calls that tensors are pickled as; for others an inert value."""
        match callee, arguments:
            case _Callee.ORDERED_DICT, ():
                return {}
            case _Callee.TENSOR, (Storage() as storage, offset, shape, strides, bool(), {}, *rest) if (
                not rest
            ):
                if not (is_size(offset) and are_sizes(shape) and are_sizes(strides)):
                    raise damaged(self._label, "the shape or offset of a tensor is not made of integers")
                return StoredTensor(storage, offset, tuple(shape), tuple(strides))
            case _Callee.TENSOR, (Storage(), _, _, _, bool(), {}, {}):  # conjugated or negated
                return Inert("torch._utils._rebuild_tensor_v2", tuple(arguments))
            case _Callee.PARAMETER, (StoredTensor() | Inert() as tensor, bool(), {}, *_):
                return tensor
            case Inert(name), tuple():
                return Inert(name, tuple(arguments))
        raise damaged(self._label, "its pickle has an invalid call")


def _pop_last(stack: list[Value], count: int) -> list[Value]:
    """The last values, removed from the stack. Raises: IndexError if there are fewer."""
    return [stack.pop() for _ in range(count)][::-1]
