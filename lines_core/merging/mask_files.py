"""The public files of TALL masks: reading them without trusting their pickle, writing them, and their order.

Such a ``.npy`` file is ``np.save`` of a dictionary: a short numpy header, then a pickle that says to call
numpy's own functions. Unpickling runs whatever a file names, and numpy believes what a pickled array claims
about itself, so neither is used: the few pickle instructions that such a dictionary needs are followed here
as data, nothing is imported or called, and any other instruction or name is refused.

Source: nik-dim/tall_masks; wang-kee/LiNeS reads the same files.
"""

import os
import pickle
import pickletools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate, pairwise
from math import prod
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from lines_core.atomic_write import atomic_write
from lines_core.checkpoints import MAX_BYTES, opened
from lines_core.errors import CheckpointError, MergeError
from lines_core.flat import FlatLayout
from lines_core.merging.packed_masks import PackedMask, pack_slices

_SUFFIX = ".npy"
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
_HEADER_BYTES = 128 - len(_MAGIC) - 2  # numpy fills up to a multiple of 64, and ends with a line feed
_MAX_HEADER = 10_000
_MAX_LINE = 200
_MAX_NAME = 512
_MAX_STEPS = 100_000
"""Pickle instructions followed at most; a task takes about 45, so that 20 tasks have fewer than 1000."""
_BYTE, _OBJECT = "u1", "O8"
_TYPE_STATES = {_BYTE: (3, "|", None, None, None, -1, -1, 0), _OBJECT: (3, "|", None, None, None, -1, -1, 63)}
_WRITE_AGAIN = "Where you trust the file, load it with numpy and save its masks again with write_masks."
_PREFIX, _TOWER, _TEXT_BLOCKS = "model.", "visual.", "transformer."


def read_masks(
    path: str | os.PathLike[str], *, size: int, max_bytes: int = MAX_BYTES
) -> dict[str, PackedMask]:
    """The masks in a public file by task, in the file's order of weights: see `to_depth_order`.

    Read are the pickle protocols 2 to 4, all that ``np.save`` has used. Every length is compared with what is
    left of the file before memory is set aside, so reading takes the size of the file; with protocol 2, which
    holds bytes as text, a few times that.

    Args:
        path: file ending in .npy. Symbolic links are followed, as the Hugging Face cache is made of them, but
            must end at a regular file.
        size: weights a mask covers, `public_size` of the checkpoint it was made for. The file does not say.
        max_bytes: largest file; 20 masks of ViT-L/14 have 0.86 GB.
    Raises: CheckpointError if the file is absent, not a regular file, too large, damaged, or holds anything
        but masks of that size by name; MergeError if the size is not positive.
    """
    label = Path(path).name or os.fspath(path)
    if size < 1:
        raise MergeError(f"A mask covers at least one weight, got {size=}.")
    if Path(path).suffix.lower() != _SUFFIX:
        raise CheckpointError(f"{label} is of no kind that is read here: masks are in {_SUFFIX} files.")
    with opened(path, max_bytes) as stream:
        reader = _Reader(stream, label)
        reader.skip_header()
        arrays = _masks_by_name(reader.content(), label)
    return {name: _mask(name, array, size, label) for name, array in arrays.items()}


def write_masks(path: str | os.PathLike[str], masks: Mapping[str, PackedMask]) -> None:
    """Write masks as the public files hold them: what ``np.save`` of numpy 1 writes, byte for byte.

    Every numpy reads it back: ``np.load(path, allow_pickle=True).item()`` is a dictionary of packed uint8
    arrays. No file is half written.

    Args:
        path: ends in .npy; an existing file is replaced.
        masks: by task, in the public order of weights: see `to_public_order`.
    Raises: CheckpointError if the name ends otherwise, there is no folder for it, there are no masks, their
        sizes differ, or a name is not printable text.
    """
    target = Path(path)
    if target.suffix != _SUFFIX:
        raise CheckpointError(f"{target.name} must end in {_SUFFIX}; masks are written to nothing else.")
    if not target.parent.is_dir():
        raise CheckpointError(f"No folder {target.parent} to write {target.name} to.")
    sizes = sorted({mask.size for mask in masks.values()})
    if len(sizes) != 1:
        raise CheckpointError(f"Expected masks of one size, got {len(masks)} of the sizes {sizes}.")
    for name in masks:
        _check_name(name, target.name)
    atomic_write(target, lambda part: _write(part, masks))


def public_size(shapes: Mapping[str, Sequence[int]]) -> int:
    """Number of weights a public mask covers: all of the checkpoint but the blocks of the text tower.

    Args:
        shapes: of every parameter by open_clip's names, with or without ``model.``, as
            `lines_core.checkpoints.read_shapes` gives them; ``transformer.*`` may be among them or not.
    Raises: CheckpointError if no image tower is among the names, or only some begin with ``model.``.
    """
    return max(stop for _, stop in _public_spans(shapes).values())


def to_depth_order(mask: PackedMask, shapes: Mapping[str, Sequence[int]], layout: FlatLayout) -> PackedMask:
    """The part of a public mask that covers the image tower, in the order of our flat vectors.

    The public order is that of the names as text, so ``resblocks.10`` comes before ``resblocks.2``, and it
    covers what fine-tuning leaves alone as well: the text embedding, the temperature and so on.

    Args:
        mask: one of `read_masks`.
        shapes: as for `public_size`, of the checkpoint the mask was made for.
        layout: of the image tower, with open_clip's names ``visual.*``.
    Raises: CheckpointError as `public_size`, if the mask does not cover these shapes, or they are not those
        of the layout.
    Cost: one pass; unpacked is one parameter at a time.
    """
    spans = _spans_that_fit(shapes, layout)
    size = max(stop for _, stop in spans.values())
    if mask.size != size:
        raise CheckpointError(
            f"The mask covers {mask.size:,} weights, the checkpoint has {size:,} besides the text tower's "
            "blocks: give the shapes of the model it was made for, with what is left of the text tower."
        )
    return pack_slices(mask.unpack(*spans[_bare(name)]) for name in layout.names)


def to_public_order(mask: PackedMask, shapes: Mapping[str, Sequence[int]], layout: FlatLayout) -> PackedMask:
    """The public mask whose image tower is this mask in depth order; `to_depth_order` backwards.

    Off beyond the image tower. So are the authors' there: fine-tuning does not touch these weights, and an
    entry is on only if its residual is larger than something (strictly).

    Args:
        mask: of shape (layout.numel,).
        shapes, layout: as for `to_depth_order`.
    Raises: CheckpointError as `to_depth_order`.
    """
    spans = _spans_that_fit(shapes, layout)
    if mask.size != layout.numel:
        raise CheckpointError(f"The mask covers {mask.size:,} weights, the layout has {layout.numel:,}.")
    offsets = {_bare(name): offset for name, offset in zip(layout.names, layout.offsets, strict=True)}

    def slices() -> Iterator[Tensor]:
        for name, (start, stop) in spans.items():
            if name in offsets:
                yield mask.unpack(offsets[name], offsets[name] + stop - start)
            else:
                yield torch.zeros(stop - start, dtype=torch.bool, device=mask.bits.device)

    return pack_slices(slices())


class _Callee(Enum):
    """What a pickled array of numpy names. Stands for it; there is nothing behind it to call."""

    RECONSTRUCT = auto()
    NDARRAY = auto()
    DTYPE = auto()
    ENCODE = auto()


_CALLEES = {
    ("numpy.core.multiarray", "_reconstruct"): _Callee.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _Callee.RECONSTRUCT,  # as numpy 2 calls it
    ("numpy", "ndarray"): _Callee.NDARRAY,
    ("numpy", "dtype"): _Callee.DTYPE,
    ("_codecs", "encode"): _Callee.ENCODE,  # how protocol 2 writes bytes
}


@dataclass
class _Type:
    """A pickled numpy type; complete once its state has been set."""

    code: str
    complete: bool = False


@dataclass
class _Array:
    """A pickled numpy array: bytes, or the list of its objects; None until its state is set."""

    content: object = None


class _Reader:
    """Follows a pickle as data. Each instruction adds at most one small value, or bytes that the file has."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._stream = stream
        self._label = label
        self._left = self._encodable = os.fstat(stream.fileno()).st_size
        self._stack: list[object] = []
        self._below: list[list[object]] = []  # what was on the stack at each mark
        self._memo: dict[int, object] = {}

    def skip_header(self) -> None:
        """Pass over numpy's header, which must be that of a single object of any kind."""
        if bytes(self._take(len(_MAGIC))) != _MAGIC:
            raise CheckpointError(
                f"{self._label} is no {_SUFFIX} file of version 1.0, by its first bytes. Fetch it again."
            )
        length = self._number(2)
        if length > _MAX_HEADER:
            raise self._damaged(f"its header claims {length:,} bytes")
        header = self._take(length).decode("latin-1").strip()
        if header != _HEADER:
            raise CheckpointError(
                f"{self._label} holds no dictionary of masks: its header is {header[:100]!r}, expected "
                f"{_HEADER!r}, as np.save writes it for a dictionary."
            )

    def content(self) -> object:
        """What the pickle describes, once it was followed to the file's end."""
        try:
            for _ in range(_MAX_STEPS):
                code = bytes(self._take(1))
                if code == pickle.STOP:
                    break
                self._follow(code)
            else:
                raise CheckpointError(
                    f"{self._label} has more than {_MAX_STEPS:,} pickle instructions; masks need fewer."
                )
            content = self._stack.pop()
        except (LookupError, UnicodeError) as error:  # empty stack, unknown memo; no text
            raise self._damaged(f"its pickle makes no sense ({type(error).__name__}: {error})") from error
        if self._left:
            raise self._damaged(f"{self._left:,} bytes follow where it should end")
        return content

    def _follow(self, code: bytes) -> None:
        stack = self._stack
        match code:
            case pickle.PROTO:
                protocol = self._number(1)
                if not 2 <= protocol <= 4:
                    raise CheckpointError(
                        f"{self._label} is a pickle of protocol {protocol}, read are 2 to 4. {_WRITE_AGAIN}"
                    )
            case pickle.FRAME:
                self._number(8)
            case pickle.NONE:
                stack.append(None)
            case pickle.NEWTRUE:
                stack.append(True)
            case pickle.NEWFALSE:
                stack.append(False)
            case pickle.BININT1:
                stack.append(self._number(1))
            case pickle.BININT2:
                stack.append(self._number(2))
            case pickle.BININT:
                stack.append(self._number(4, signed=True))
            case pickle.SHORT_BINUNICODE:
                stack.append(self._take(self._number(1)).decode())
            case pickle.BINUNICODE:
                stack.append(self._take(self._number(4)).decode())
            case pickle.SHORT_BINBYTES:
                stack.append(self._take(self._number(1)))
            case pickle.BINBYTES:
                stack.append(self._take(self._number(4)))
            case pickle.BINBYTES8:
                stack.append(self._take(self._number(8)))
            case pickle.EMPTY_TUPLE:
                stack.append(())
            case pickle.TUPLE1:
                stack.append((stack.pop(),))
            case pickle.TUPLE2:
                second, first = stack.pop(), stack.pop()
                stack.append((first, second))
            case pickle.TUPLE3:
                third, second, first = stack.pop(), stack.pop(), stack.pop()
                stack.append((first, second, third))
            case pickle.MARK:
                self._below.append(stack)
                self._stack = []
            case pickle.TUPLE:
                self._stack = self._below.pop()
                self._stack.append(tuple(stack))
            case pickle.EMPTY_LIST:
                stack.append([])
            case pickle.APPEND:
                self._append(stack.pop())
            case pickle.EMPTY_DICT:
                stack.append({})
            case pickle.SETITEM:
                value, key = stack.pop(), stack.pop()
                self._set_items([key, value])
            case pickle.SETITEMS:
                self._stack = self._below.pop()
                self._set_items(stack)
            case pickle.BINPUT:
                self._memo[self._number(1)] = stack[-1]
            case pickle.LONG_BINPUT:
                self._memo[self._number(4)] = stack[-1]
            case pickle.MEMOIZE:
                self._memo[len(self._memo)] = stack[-1]
            case pickle.BINGET:
                stack.append(self._memo[self._number(1)])
            case pickle.LONG_BINGET:
                stack.append(self._memo[self._number(4)])
            case pickle.GLOBAL:
                stack.append(self._named(self._line(), self._line()))
            case pickle.STACK_GLOBAL:
                name, module = stack.pop(), stack.pop()
                stack.append(self._named(module, name))
            case pickle.REDUCE:
                arguments, callee = stack.pop(), stack.pop()
                stack.append(self._called(callee, arguments))
            case pickle.BUILD:
                self._set_state(stack.pop())
            case _:
                names = [known.name for known in pickletools.opcodes if known.code == code.decode("latin-1")]
                what = f"the pickle instruction {names[0]}" if names else f"the byte {code.hex()}"
                raise CheckpointError(
                    f"{self._label} has {what}, which no dictionary of uint8 arrays needs, so it is not "
                    f"followed. {_WRITE_AGAIN}"
                )

    def _named(self, module: object, name: object) -> _Callee:
        callee = _CALLEES.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if callee is None:
            what = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "something"
            raise CheckpointError(
                f"{self._label} holds a pickled {what[:_MAX_LINE]!r}, which could run code; none was run. "
                f"Masks are a dictionary of uint8 arrays. {_WRITE_AGAIN}"
            )
        return callee

    def _called(self, callee: object, arguments: object) -> object:
        """What numpy would return for the calls that its arrays are pickled as."""
        match callee, arguments:
            case _Callee.RECONSTRUCT, (_Callee.NDARRAY, (0,), bytearray(b"b")):
                return _Array()
            case _Callee.DTYPE, (str(kind), 0, 1) if kind in _TYPE_STATES:
                return _Type(kind)
            case _Callee.DTYPE, (str(kind), *_):
                raise CheckpointError(
                    f"{self._label} holds numpy data of type {kind[:20]!r}; masks are packed into uint8."
                )
            case _Callee.ENCODE, (str(text), "latin1"):
                self._encodable -= len(text)
                if self._encodable < 0:
                    raise self._damaged("it unpacks to more bytes than it has")
                return bytearray(text, "latin-1")
        raise self._damaged("its pickle calls something as no numpy array is written")

    def _set_state(self, state: object) -> None:
        match self._stack[-1], state:
            case _Type() as kind, tuple() if state == _TYPE_STATES[kind.code]:
                kind.complete = True
            case _Array() as array, (
                1,
                (int(length),),
                _Type("u1", True),
                False,
                bytearray() as content,
            ) if length == len(content):
                array.content = content
            case _Array() as array, (1, (), _Type("O8", True), False, list() as content):
                array.content = content
            case _Array(), (1, tuple() as shape, _Type(code, True), False, _):
                what = "bytes" if code == _BYTE else "objects"
                raise CheckpointError(
                    f"{self._label} holds an array of {what} with {len(shape)} dimensions, or of another "
                    "length than it claims. A mask is a row of bytes, and a single object holds all masks."
                )
            case _:
                raise self._damaged("its pickle sets a state as no numpy array has it")

    def _append(self, value: object) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise self._damaged("its pickle appends to what is no list")
        target.append(value)

    def _set_items(self, items: list[object]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise self._damaged("its pickle puts items into what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            _check_name(key, self._label)
            if key in target:
                raise self._damaged(f"the name {key!r} occurs twice")
            target[key] = value

    def _number(self, num_bytes: int, signed: bool = False) -> int:
        return int.from_bytes(self._take(num_bytes), "little", signed=signed)

    def _line(self) -> str:
        line = self._stream.readline(_MAX_LINE)
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise self._damaged("a name in its pickle has no end")
        return line[:-1].decode()

    def _take(self, num_bytes: int) -> bytearray:
        if num_bytes > self._left:
            raise self._damaged(f"it ends early, {num_bytes:,} bytes should follow and {self._left:,} do")
        data = bytearray(num_bytes)
        if self._stream.readinto(data) != num_bytes:  # type: ignore[attr-defined]  # of every stream open() gives
            raise self._damaged("it became shorter while it was read")
        self._left -= num_bytes
        return data

    def _damaged(self, why: str) -> CheckpointError:
        return CheckpointError(f"{self._label} is damaged: {why}. Fetch it again.")


def _masks_by_name(content: object, label: str) -> dict[str, object]:
    match content:
        case _Array([dict() as masks]) if masks:
            return masks
    raise CheckpointError(f"{label} holds no dictionary of masks, or an empty one.")


def _mask(name: str, array: object, size: int, label: str) -> PackedMask:
    match array:
        case _Array(bytearray() as content):
            pass
        case _:
            raise CheckpointError(f"{label}: {name!r} is no array of bytes. {_WRITE_AGAIN}")
    if len(content) != -(-size // 8):
        raise CheckpointError(
            f"{label}: {name!r} has {len(content):,} bytes, a mask of {size:,} weights {-(-size // 8):,}: "
            "it was made for another model."
        )
    try:
        return PackedMask(torch.frombuffer(content, dtype=torch.uint8), size)
    except MergeError as error:
        raise CheckpointError(f"{label}: {name!r} was made for another model. {error}") from error


def _check_name(name: object, label: str) -> None:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
        raise CheckpointError(
            f"{label}: masks have names of printable text, {_MAX_NAME} characters at most, found "
            + (f"{name[:80]!r}." if isinstance(name, str) else f"a {type(name).__name__}.")
        )


class _Memo:
    """What a pickle may refer back to, numbered in the order in which it is put there."""

    def __init__(self) -> None:
        self.used = 0

    def put(self) -> bytes:
        number, self.used = self.used, self.used + 1
        if number < 256:
            return pickle.BINPUT + bytes([number])
        return pickle.LONG_BINPUT + number.to_bytes(4, "little")

    def put_type(self, kind: str) -> bytes:
        """The call of numpy.dtype; its name is on the stack."""
        arguments = _text(kind) + self.put() + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3 + self.put()
        return arguments + pickle.REDUCE + self.put()

    def put_type_state(self, kind: str, byte_order: bytes) -> bytes:
        state = _whole(3) + byte_order + pickle.NONE * 3 + _whole(-1) * 2 + _whole(_TYPE_STATES[kind][-1])
        return pickle.MARK + state + pickle.TUPLE + self.put() + pickle.BUILD


def _write(path: Path, masks: Mapping[str, PackedMask]) -> None:
    with path.open("xb") as stream:
        stream.writelines(_file(masks))


def _file(masks: Mapping[str, PackedMask]) -> Iterator[bytes | memoryview]:
    """What ``np.save`` of numpy 1 writes for the dictionary, piece by piece, protocol 3."""
    memo = _Memo()
    reconstruct, ndarray, letter, dtype, byte_order = map(_get, (0, 1, 3, 6, 10))
    yield _MAGIC + _HEADER_BYTES.to_bytes(2, "little")
    yield _HEADER.ljust(_HEADER_BYTES - 1).encode() + b"\n"
    yield pickle.PROTO + b"\x03"
    yield pickle.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n" + memo.put()
    yield pickle.GLOBAL + b"numpy\nndarray\n" + memo.put()
    yield _whole(0) + pickle.TUPLE1 + memo.put() + pickle.SHORT_BINBYTES + b"\x01b" + memo.put()
    yield pickle.TUPLE3 + memo.put() + pickle.REDUCE + memo.put()
    yield pickle.MARK + _whole(1) + pickle.EMPTY_TUPLE
    yield pickle.GLOBAL + b"numpy\ndtype\n" + memo.put() + memo.put_type(_OBJECT)
    yield memo.put_type_state(_OBJECT, _text("|") + memo.put())
    yield pickle.NEWFALSE + pickle.EMPTY_LIST + memo.put() + pickle.EMPTY_DICT + memo.put() + pickle.MARK
    byte_type = None
    for name, mask in masks.items():
        yield _text(name) + memo.put() + reconstruct + ndarray + _whole(0) + pickle.TUPLE1 + memo.put()
        yield letter + pickle.TUPLE3 + memo.put() + pickle.REDUCE + memo.put()
        yield pickle.MARK + _whole(1) + _whole(len(mask.bits)) + pickle.TUPLE1 + memo.put()
        if byte_type is None:
            yield dtype + memo.put_type(_BYTE)
            byte_type = _get(memo.used - 1)
            yield memo.put_type_state(_BYTE, byte_order)
        else:
            yield byte_type
        yield pickle.NEWFALSE + _bytes_begun(len(mask.bits))
        yield mask.bits.cpu().contiguous().numpy().data
        yield memo.put() + pickle.TUPLE + memo.put() + pickle.BUILD
    yield pickle.SETITEMS + pickle.APPEND + pickle.TUPLE + memo.put() + pickle.BUILD + pickle.STOP


def _get(number: int) -> bytes:
    return pickle.BINGET + bytes([number])


def _whole(number: int) -> bytes:
    """A whole number of at most four bytes, in the shortest way there is."""
    for code, num_bytes in ((pickle.BININT1, 1), (pickle.BININT2, 2)):
        if 0 <= number < 1 << 8 * num_bytes:
            return code + number.to_bytes(num_bytes, "little")
    return pickle.BININT + number.to_bytes(4, "little", signed=True)


def _text(text: str) -> bytes:
    return pickle.BINUNICODE + len(text.encode()).to_bytes(4, "little") + text.encode()


def _bytes_begun(num_bytes: int) -> bytes:
    if num_bytes < 256:
        return pickle.SHORT_BINBYTES + bytes([num_bytes])
    return pickle.BINBYTES + num_bytes.to_bytes(4, "little")


def _spans_that_fit(shapes: Mapping[str, Sequence[int]], layout: FlatLayout) -> dict[str, tuple[int, int]]:
    """The public spans, once the shapes are known to be those of the layout, as far as both go."""
    spans = _public_spans(shapes)
    ours = {_bare(name): tuple(shape) for name, shape in zip(layout.names, layout.shapes, strict=True)}
    theirs = {_bare(name): tuple(shape) for name, shape in shapes.items() if _bare(name).startswith(_TOWER)}
    if ours != theirs:
        odd = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        raise CheckpointError(
            f"The checkpoint's shapes are not those of the image tower here: {odd[0]} is "
            f"{theirs.get(odd[0], 'absent')}, expected {ours.get(odd[0], 'absent')}"
            + (f", and {len(odd) - 1} more differ" if len(odd) > 1 else "")
            + ". Give the shapes of the model the masks were made for."
        )
    return spans


def _public_spans(shapes: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, int]]:
    """Where each parameter lies in a public mask, by its name without ``model.``, in that order."""
    if len({name.startswith(_PREFIX) for name in shapes}) > 1:
        raise CheckpointError(
            f"Some names begin with {_PREFIX!r} and some do not: give those of one checkpoint."
        )
    numel = {_bare(name): prod(shape) for name, shape in shapes.items()}
    if not any(name.startswith(_TOWER) for name in numel):
        raise CheckpointError(
            f"Found no {_TOWER}* among {len(numel)} names: public masks are in open_clip's order."
        )
    # sorted as text, as the authors do; a prefix that all share makes no difference
    names = sorted(name for name in numel if not name.startswith(_TEXT_BLOCKS))
    ends = [0, *accumulate(numel[name] for name in names)]
    return dict(zip(names, pairwise(ends), strict=True))


def _bare(name: str) -> str:
    return name.removeprefix(_PREFIX)
