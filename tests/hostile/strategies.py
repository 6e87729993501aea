"""What strangers send, as hypothesis draws it: checkpoint files bent out of shape, and JSON that is no edit.

Shared by the tests, which draw a fixed number of examples, and by ``benchmarks.fuzz``, which goes on for
minutes. The properties that must hold are here too, so that both check the same.
"""

import io
import json
import math
import os
import pickle
import pickletools
import struct
import tempfile
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from hypothesis import strategies as st

from evaluators.errors import SpecError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint, read_metadata, read_shapes
from lines_core.editing import OUTSIDE_RULES
from lines_core.errors import CheckpointError
from lines_core.merging import METHODS
from lines_core.schedules import SHAPES
from ui.explore.explore_controls import Controls
from ui.explore.share_link import NAMES, from_query

T = TypeVar("T")
LONGEST_MESSAGE = 600
MAX_BYTES = 1 << 20
ODD_NUMBERS: tuple[Any, ...] = (
    0,
    -0.0,
    -1,
    1,
    True,
    0.5,
    10,
    10.000001,
    1e308,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
    2**31,
    2**63,
    2**64 - 1,
    10**400,
)
ODD_TEXTS = (
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\windows",
    "a/b",
    "digits\x00.pt",
    "digits\n",
    "\u202etxt.exe",  # writes from right to left from here on
    "digi\u200bts",  # a space without width
    "d\u0131gits",  # a dotless i
    "\u212aitchen",  # the sign for kelvin, which is a k to a pattern that ignores case
    "\u00e9",
    "e\u0301",  # looks like the one before
    "\ud800",  # half a character
    "\U0001f600",
    "__class__",
    "nan",
    "1e400",
    "9" * 5000,
    "x" * 100_000,
)

# --- checkpoint files ---


@cache
def valid_safetensors() -> bytes:
    """A small file with two tensors and metadata."""
    tensors = {"a": torch.arange(6, dtype=torch.float32).view(2, 3), "b": torch.ones(3, dtype=torch.bfloat16)}
    return safetensors.torch.save(tensors, {"recipe": "{}"})


@cache
def valid_torch() -> bytes:
    """A small file with a parameter, a view, a boolean and a wrapper, as training scripts write them."""
    weight = torch.arange(12, dtype=torch.float32).view(3, 4)
    module = OrderedDict(a=torch.nn.Parameter(weight), b=weight[:, 1:3].t(), c=torch.tensor([True, False]))
    stream = io.BytesIO()
    torch.save({"epoch": 3, "rate": 0.1, "state_dict": module, "size": torch.Size([2])}, stream)
    return stream.getvalue()


odd_numbers = st.sampled_from(ODD_NUMBERS)
odd_values = st.one_of(
    odd_numbers,
    st.sampled_from(ODD_TEXTS),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [[[[]]]]),
)


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
    text = json.dumps(header).encode()  # writes NaN and Infinity, as a stranger may
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


def _bent(draw: st.DrawFn, content: bytes) -> bytes:
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


def _bent_pickle(draw: st.DrawFn, content: bytes) -> bytes:
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
    """A PyTorch file that is a whole zip file, with records bent, renamed, doubled, dropped or packed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(valid_torch())) as old:
        records = [(name, old.read(name)) for name in old.namelist()]
    which = draw(st.sampled_from([0, 0, 0, *range(len(records))]))  # the pickle is the first
    name, content = records[which]
    match draw(st.sampled_from(["bend", "bend", "bend", "rename", "double", "drop", "pack", "more"])):
        case "bend":
            bend = _bent_pickle if name.endswith("data.pkl") and draw(st.integers(0, 3)) else _bent
            records[which] = (name, bend(draw, content))
        case "rename":
            records[which] = (
                draw(st.sampled_from([*ODD_TEXTS[:12], "other/data.pkl", "archive/constants.pkl"])),
                content,
            )
        case "double":
            records.append((name, _bent(draw, content)))
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
def bent_files(draw: st.DrawFn) -> bytes:
    """A good file of either format with bytes changed, half the time where the zip file keeps its list."""
    content = draw(st.sampled_from([valid_safetensors, valid_torch]))()
    if draw(st.booleans()):
        place = content.rfind(b"PK\x01\x02") if b"PK\x01\x02" in content else 0
        return content[:place] + _bent(draw, content[place:])
    return _bent(draw, content)


zip_like = st.binary(max_size=400).map(lambda rest: b"PK\3\4" + rest)
"""Any bytes that begin like a PyTorch file."""


def check_reading(content: bytes) -> bool:
    """Whether the content was read as a checkpoint, under each suffix, and not refused.

    Raises: AssertionError, or whatever else a reader raises, if it does not read tensors that are all there
        and no larger than the file, nor refuse with a short sentence; or if it leaves a file behind.
    """
    accepted = False
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".safetensors", ".pt"):
            path = Path(folder, f"stranger{suffix}")
            path.write_bytes(content)
            tensors = _read(partial(read_checkpoint, path, max_bytes=MAX_BYTES))
            if tensors is not None:
                _check_tensors(tensors, content)
                accepted = True
        for read in (read_metadata, read_shapes):
            _read(partial(read, Path(folder, "stranger.safetensors")))
        assert sorted(os.listdir(folder)) == ["stranger.pt", "stranger.safetensors"]
    return accepted


def _read(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except CheckpointError as error:
        check_message(str(error))
        return None


def _check_tensors(tensors: Mapping[str, torch.Tensor], content: bytes) -> None:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors.values()}
    # a byte that stands for true or false is read once and kept once
    assert sum(storage.nbytes() for storage in storages.values()) <= len(content)
    assert sum(tensor.numel() * tensor.itemsize for tensor in tensors.values()) <= MAX_BYTES
    for name, tensor in tensors.items():
        assert name.isascii()
        assert name.isprintable()
        assert type(tensor) is torch.Tensor
        assert tensor.device.type == "cpu"
        assert tensor.clone().shape == tensor.shape, "readable to its end"


# --- edits ---

_KNOWN: Mapping[str, tuple[object, ...]] = {
    "model": ("tiny-clip", "ViT-B-32"),
    "checkpoint": ("digits", "tall-masks.mnist"),
    "shape": tuple(SHAPES),
    "alpha": (0.0, 0.5, 1),
    "beta": (0.0, 0.5, -1),
    "outside": tuple(OUTSIDE_RULES),
    "mix": (0.0, 1.0),
    "split": ("val", "test"),
    "images": (0, 10),
    "free_form": (None,),
}

json_values = st.recursive(
    odd_values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["digits", "faces", "scenes"]) | st.sampled_from(ODD_TEXTS) | json_values


@st.composite
def merges(draw: st.DrawFn) -> Any:
    """What may stand where a merge is expected: a good one with up to two entries made odd."""
    method = METHODS[draw(st.sampled_from(sorted(METHODS)))]
    plain: dict[str, Any] = {
        "checkpoints": ["digits", "faces"],
        "method": method.key,
        "settings": {one.key: one.default for one in method.parameters},
        "task": "digits" if method.per_task else "",
    }
    for _ in range(draw(st.integers(0, 2))):
        match draw(
            st.sampled_from(["checkpoint", "setting", "setting", "task", "entry", "entry", "drop", "more"])
        ):
            case "checkpoint":
                plain["checkpoints"] = ["digits", draw(names)]
            case "setting":
                known = [one.key for one in method.parameters]
                key = draw(st.sampled_from([*known, *ODD_TEXTS]) if known else st.text(max_size=5))
                plain["settings"] = {key: draw(odd_numbers if draw(st.booleans()) else odd_values)}
            case "task":
                plain["task"] = draw(names)
            case "entry":
                plain[draw(st.sampled_from(["checkpoints", "method", "settings", "task"]))] = draw(
                    json_values
                )
            case "drop":
                plain.pop(draw(st.sampled_from(sorted(plain))), None)
            case "more":
                plain[draw(st.sampled_from(ODD_TEXTS))] = draw(json_values)
    return draw(json_values) if draw(st.integers(0, 15)) == 0 else plain


@st.composite
def edits(draw: st.DrawFn) -> Any:
    """What may stand where an edit is expected: good entries with up to two odd ones among them."""
    plain: dict[str, Any] = {field: draw(st.sampled_from(values)) for field, values in _KNOWN.items()}
    if draw(st.integers(0, 3)) == 0:
        plain |= {"shape": "free", "free_form": draw(st.lists(odd_numbers | st.floats(-1, 1), max_size=3))}
    if draw(st.integers(0, 3)) == 0:
        plain["merge"] = draw(merges())
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        field = draw(st.sampled_from([*_KNOWN, "other", "missing"]))
        match field:
            case "alpha" | "beta" | "mix" | "images":
                plain[field] = draw(odd_numbers)
            case "model" | "checkpoint" | "shape" | "outside" | "split" if draw(st.booleans()):
                plain[field] = draw(st.sampled_from(ODD_TEXTS))
            case "other":
                plain[draw(st.sampled_from(ODD_TEXTS))] = draw(json_values)
            case "missing":
                del plain[draw(st.sampled_from(sorted(plain)))]
            case _:
                plain[field] = draw(json_values)
    return draw(json_values) if draw(st.integers(0, 15)) == 0 else plain


links = st.dictionaries(
    st.sampled_from(sorted(NAMES)) | st.text(max_size=5),
    st.sampled_from(["digits", "linear", "0.5", "1"])
    | st.sampled_from(ODD_TEXTS)
    | st.text()
    | st.floats().map(str),
    max_size=8,
)
"""The query of a link; a browser sends text only."""

LINK_KEYS: Mapping[str, list[str]] = {
    "model": ["tiny-clip"],
    "checkpoint": [f"digits-{number}" for number in range(300)] + ["digits"],
    "shape": list(SHAPES),
    "outside": list(OUTSIDE_RULES),
}


def check_edit(plain: Any) -> bool:
    """Whether an edit was taken, as one that is finite and the same after JSON, and not refused in words.

    Raises: AssertionError, or whatever else the parser raises, if it was neither.
    """
    try:
        spec = EditSpec.from_dict(plain)
    except SpecError as error:
        check_message(str(error))
        return False
    assert EditSpec.from_dict(json.loads(json.dumps(spec.as_dict(), allow_nan=False))) == spec
    assert len(spec.key()) == 64
    assert hash(spec) == hash(EditSpec.from_dict(spec.as_dict()))
    if spec.free_form is None:
        scales = spec.scales(12)
        assert all(map(math.isfinite, (*scales.blocks, scales.before, scales.after)))
    for field in fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, str):
            assert value.isascii()
            assert "/" not in value
    return True


def check_merge(plain: Any) -> bool:
    """The same of a merge alone."""
    try:
        merge = MergeSpec.from_dict(plain)
    except SpecError as error:
        check_message(str(error))
        return False
    assert MergeSpec.from_dict(json.loads(json.dumps(merge.as_dict(), allow_nan=False))) == merge
    assert hash(merge) == hash(MergeSpec.from_dict(merge.as_dict()))
    return True


def check_link(query: Mapping[str, str]) -> bool:
    """Whether a link was followed without a complaint; with or without, what it opens is an edit."""
    controls, complaints = from_query(query, LINK_KEYS, Controls())
    spec = controls.spec()
    assert all(map(math.isfinite, (spec.alpha, spec.beta, spec.mix)))
    for complaint in complaints:
        check_message(complaint)
    return not complaints


def shown(value: object) -> str:
    """A name for an example in the list of tests."""
    return ascii(value)[:30]


def check_message(text: str) -> None:
    """A message is a short line that can be shown and stored."""
    assert 0 < len(text) <= LONGEST_MESSAGE, f"{len(text)} characters: {text[:200]}"
    assert text.isprintable(), ascii(text)
    assert "weights_only" not in text, "torch's advice to try without must not reach a visitor"
    text.encode("utf-8")
