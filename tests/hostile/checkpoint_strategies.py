"""Hypothesis strategies for damaged checkpoint files.

Shared by the tests, which draw a fixed number of examples, and ``benchmarks.fuzz``, which draws for minutes.
"""

import io
import json
import os
import pickle
import pickletools
import struct
import tempfile
import warnings
import zipfile
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import safetensors.torch
import torch
from hypothesis import strategies as st

from lines_core.checkpoints import open_checkpoint, read_checkpoint, read_metadata, read_shapes
from lines_core.checkpoints.zip_records import MOST_UNPACKED
from lines_core.errors import CheckpointError
from tests.hostile.odd_values import ODD_NUMBERS, ODD_TEXTS, check_message, odd_values

T = TypeVar("T")
MAX_BYTES = 1 << 20


@cache
def valid_safetensors() -> bytes:
    """A small file with two tensors and metadata."""
    tensors = {"a": torch.arange(6, dtype=torch.float32).view(2, 3), "b": torch.ones(3, dtype=torch.bfloat16)}
    return safetensors.torch.save(tensors, {"recipe": "{}"})


@cache
def valid_torch() -> bytes:
    """A small file with a parameter, a view, a boolean and a wrapper, as training scripts write them.

    Its average, options, a module pickled whole and a repeated number are in it too.
    """
    weight = torch.arange(12, dtype=torch.float32).view(3, 4)
    module = OrderedDict(a=torch.nn.Parameter(weight), b=weight[:, 1:3].t(), c=torch.tensor([True, False]))
    stream = io.BytesIO()
    average = {f"module._orig_mod.{name}": tensor.clone() for name, tensor in module.items()}
    extras = {"args": Namespace(lr=0.1), "model": torch.nn.Linear(2, 1), "ema": average}
    repeated = {"r.a": torch.ones(1).expand(2, 3), "r.b": None}
    torch.save({"epoch": 3, "state_dict": module, "size": torch.Size([2]), **extras, "net": repeated}, stream)
    return stream.getvalue()


@st.composite
def safetensors_headers(draw: st.DrawFn) -> bytes:
    """A file whose header makes other claims than its data keep."""
    length = int.from_bytes(valid_safetensors()[:8], "little")
    header = json.loads(valid_safetensors()[8 : 8 + length])
    data = valid_safetensors()[8 + length :]
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from([*header, "c"]))
        field = draw(st.sampled_from(["dtype", "shape", "data_offsets", "name", "entry", "metadata", "more"]))
        entry = header.get(name)
        if field == "name":
            header[draw(st.sampled_from(ODD_TEXTS) | st.text(max_size=5))] = header.pop(name, None)
        elif field == "metadata":
            header["__metadata__"] = draw(odd_values | st.dictionaries(st.text(max_size=3), odd_values))
        elif field == "entry" or not isinstance(entry, dict):
            header[name] = draw(odd_values)
        elif field in ("shape", "data_offsets") and entry.get(field) and isinstance(entry[field], list):
            at = draw(st.integers(0, len(entry[field]) - 1))
            same = entry[field][at]
            entry[field][at] = draw(st.sampled_from([same, f"{same}", [same]]) | st.sampled_from(ODD_NUMBERS))
            if same == entry[field][at] and type(same) is int and same < 2**53:
                entry[field][at] = float(same)
        else:
            entry[field] = draw(st.sampled_from(["F64", "BOOL", "U8", "F8_E4M3", "C64"]) | odd_values)
    text = json.dumps(header).encode()  # writes NaN and Infinity, as input from a visitor may
    if draw(st.integers(0, 5)) == 0:
        text = text.replace(b'"b"', b'"a"')  # a name twice, which no table of Python's can have
    wrong = draw(st.integers(0, 9)) == 0
    claimed = draw(st.sampled_from([0, 1, 1 << 20, 1 << 40, (1 << 64) - 1])) if wrong else len(text)
    return struct.pack("<Q", claimed) + text + data


_OPCODES = [value[0] for name, value in vars(pickle).items() if name.isupper() and isinstance(value, bytes)]
_PIECES = (
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"cbuiltins\nbytearray\n",
    b"c__builtin__\nset\n",
    b"ctorch\nFloatStorage\n",
    b"ctorch\nTensor\n",
    b"ctorch\nload\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_sparse_tensor\n",
    b"ctorch._utils\n_rebuild_\x06\n",
    b"cargparse\nNamespace\n)\x81",
    b"c__torch__.a\nB\n)\x81",
    b"X\x0b\x00\x00\x00_parametersX\x08\x00\x00\x00_modules",
    b"\x81",
    b"\x93",
    b"\x94",
    b"ccollections\nOrderedDict\n",
    b"J\xff\xff\xff\x7f",
    b"J\xff\xff\xff\xff",
    b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x7f",
    b"X\x01\x00\x00\x000",
    b"\x85" * 50,
    b"((((",
    b"r\xff\xff\xff\xff",
    b"R",
    b"Q",
    b"b",
)
_ODD_STEPS = tuple(
    [pickle.dumps(number, 2)[2:-1] for number in (-1, 0, 1, 2, 255, 2**31, 2**63, 10**400, True, 1e308, None)]
    + [
        pickle.BINUNICODE + struct.pack("<I", len(text)) + text
        for text in (one.encode("utf-8", "surrogatepass") for one in ODD_TEXTS)
    ]
)


def _damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes replaced, put in or taken out at a few places."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        gone = draw(st.sampled_from([0, 0, 1, 1, 2, 5, 30]))
        piece = draw(
            st.binary(max_size=4)
            | st.sampled_from(_PIECES)
            | st.sampled_from(_OPCODES).map(lambda code: bytes([code]))
        )
        content = content[:at] + piece + content[at + gone :]
    return content


def _damaged_pickle(draw: st.DrawFn, content: bytes) -> bytes:
    """Whole instructions replaced, put in, doubled or taken out, so that what follows is still followed."""
    starts = [place for _, _, place in pickletools.genops(content) if place is not None]
    steps = [content[begin:end] for begin, end in pairwise([*starts, len(content)])]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(steps) - 1))
        new = draw(st.sampled_from(_PIECES) | st.sampled_from(steps) | st.sampled_from(_ODD_STEPS))
        match draw(st.sampled_from(["replace", "replace", "insert", "drop"])):
            case "replace":
                steps[at] = new
            case "insert":
                steps.insert(at, new)
            case "drop" if len(steps) > 1:
                del steps[at]
    return b"".join(steps)


@st.composite
def torch_records(draw: st.DrawFn) -> bytes:
    """A valid zip file of PyTorch with records damaged, renamed, duplicated, dropped or compressed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(valid_torch())) as old:
        records = [(name, old.read(name)) for name in old.namelist()]
    which = draw(st.sampled_from([0, 0, 0, *range(len(records))]))  # the pickle is the first
    name, content = records[which]
    match draw(st.sampled_from(["damage", "damage", "damage", "rename", "double", "drop", "pack", "more"])):
        case "damage":
            damage = _damaged_pickle if name.endswith("data.pkl") and draw(st.integers(0, 3)) else _damaged
            records[which] = (name, damage(draw, content))
        case "rename":
            records[which] = (
                draw(st.sampled_from([*ODD_TEXTS[:12], "other/data.pkl", "archive/constants.pkl"])),
                content,
            )
        case "double":
            records.append((name, _damaged(draw, content)))
        case "drop":
            del records[which]
        case "more":
            records.append((f"archive/{draw(st.text(max_size=5))}", draw(st.binary(max_size=20))))
    packed = draw(st.sampled_from([zipfile.ZIP_STORED] * 9 + [zipfile.ZIP_DEFLATED]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name occurs twice is what is wanted
        with zipfile.ZipFile(stream, "w", packed) as new:
            for name, content in records:
                new.writestr(zipfile.ZipInfo(name), content, packed)
    return stream.getvalue()


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A good file of either format with bytes changed, half the time where the zip file keeps its list."""
    content = draw(st.sampled_from([valid_safetensors, valid_torch]))()
    if draw(st.booleans()):
        place = content.rfind(b"PK\x01\x02") if b"PK\x01\x02" in content else 0
        return content[:place] + _damaged(draw, content[place:])
    return _damaged(draw, content)


zip_magic_files = st.binary(max_size=400).map(lambda rest: b"PK\3\4" + rest)
"""Any bytes that begin like a PyTorch file."""


def check_reading(content: bytes) -> bool:
    """Whether the content was read as a checkpoint, under each suffix, and not refused.

    Raises: AssertionError, or whatever else a reader raises, if it does not read tensors that are all there
        and no larger than the file, nor refuse with a short sentence; or if it leaves a file behind.
    """
    accepted = False
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".safetensors", ".pt"):
            path = Path(folder, f"untrusted{suffix}")
            path.write_bytes(content)
            accepted |= _check_contents(path, content)
        for read in (read_metadata, read_shapes):
            _read(partial(read, Path(folder, "untrusted.safetensors")))
        assert sorted(os.listdir(folder)) == ["untrusted.pt", "untrusted.safetensors"]
    return accepted


def _read(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except CheckpointError as error:
        check_message(str(error))
        return None


def _check_contents(path: Path, content: bytes) -> bool:
    """Whether any model of the file was read."""
    contents = _read(partial(open_checkpoint, path, max_bytes=MAX_BYTES))
    accepted = False
    for choice in contents.candidates if contents else ():
        tensors = _read(partial(read_checkpoint, path, choose=choice, max_bytes=MAX_BYTES))
        if contents and tensors is not None:
            for note in contents.notes(choice):
                check_message(note)
            _check_tensors(tensors, content)
            accepted = True
    return accepted


def _check_tensors(tensors: Mapping[str, torch.Tensor], content: bytes) -> None:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors.values()}
    # what is compressed unpacks, and numbers that are repeated are written out, both within limits
    most = MOST_UNPACKED * len(content) + (1 << 20) + MAX_BYTES
    assert sum(storage.nbytes() for storage in storages.values()) <= most
    assert sum(tensor.numel() * tensor.itemsize for tensor in tensors.values()) <= MAX_BYTES
    for name, tensor in tensors.items():
        assert name.isascii()
        assert name.isprintable()
        assert type(tensor) is torch.Tensor
        assert tensor.device.type == "cpu"
        assert tensor.clone().shape == tensor.shape, "readable to its end"
