"""Public mask files: read without running them, written so that numpy reads them, and put into our order."""

import builtins
import os
import pickle
import stat
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from lines_core.checkpoints import read_shapes, save_checkpoint
from lines_core.errors import CheckpointError, MergeError
from lines_core.flat import FlatLayout
from lines_core.merging.mask_files import (
    _Reader,
    public_size,
    read_masks,
    to_depth_order,
    to_public_order,
    write_masks,
)
from lines_core.merging.packed_masks import PackedMask, pack

Tower = dict[str, Tensor]
SIZE = 1001
"""Weights of the masks here; as in the public files, one more than a multiple of eight."""
TASKS = (
    "EuroSAT DTD SUN397 MNIST RESISC45 GTSRB Cars SVHN STL10 OxfordIIITPet Flowers102 CIFAR100 PCAM FER2013 "
    "CIFAR10 Food101 FashionMNIST RenderedSST2 EMNIST KMNIST"
).split()


def random_masks(names: list[str], size: int = SIZE) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(size, generator=generator) < 0.4 for name in names}


def in_public_layout(masks: dict[str, Tensor]) -> dict[str, NDArray[np.uint8]]:
    return {name: np.packbits(mask.numpy()) for name, mask in masks.items()}


def save_public(path: Path, content: Any) -> Path:
    """As the authors do it: numpy wraps whatever it is given into an array of one object."""
    np.save(path, content, allow_pickle=True)
    return path


def header(path: Path) -> bytes:
    np.save(path, {}, allow_pickle=True)  # type: ignore[arg-type]  # numpy takes whatever can be an object
    return path.read_bytes()[:128]


def save_pickle(path: Path, pickled: bytes) -> Path:
    path.write_bytes(header(path) + pickled)
    return path


def pickled(content: Any, protocol: int = 3, of_numpy_1: bool = False) -> bytes:
    array = np.empty((), dtype=object)
    array[()] = content
    dump = pickle.dumps(array, protocol=protocol)
    if of_numpy_1 and protocol < 4:
        return dump.replace(b"cnumpy._core.", b"cnumpy.core.")
    if of_numpy_1:  # where names have their length in one byte before them, and a frame its own before all
        assert dump[2:3] == pickle.FRAME
        length = int.from_bytes(dump[3:11], "little") - 1
        new, old = b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray"
        assert dump.count(new) == 1
        return dump[:3] + length.to_bytes(8, "little") + dump[11:].replace(new, old)
    return dump


def assert_read(path: Path, masks: dict[str, Tensor]) -> None:
    found = read_masks(path, size=SIZE)
    assert list(found) == list(masks)
    for name, mask in masks.items():
        assert torch.equal(found[name].unpack(), mask)
        assert found[name].count() == int(mask.sum())


# --- reading what is good ---


@pytest.mark.parametrize("count", [1, 2, 20])
def test_a_file_of_numpy_is_read(tmp_path: Path, count: int) -> None:
    masks = random_masks(TASKS[:count])
    assert_read(save_public(tmp_path / "TALL_mask.npy", in_public_layout(masks)), masks)


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("of_numpy_1", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_every_protocol_and_numpy_is_read(
    tmp_path: Path, protocol: int, of_numpy_1: bool, count: int
) -> None:
    masks = random_masks(TASKS[:count])
    dump = pickled(in_public_layout(masks), protocol, of_numpy_1)
    assert (b"numpy.core" in dump) == of_numpy_1
    path = save_pickle(tmp_path / "a.npy", dump)
    assert np.load(path, allow_pickle=True).item().keys() == masks.keys()  # what was crafted is a good file
    assert_read(path, masks)


@pytest.mark.parametrize("of_numpy_1", [False, True])
def test_masks_that_are_too_large_for_a_frame(tmp_path: Path, of_numpy_1: bool) -> None:
    """Of 64 KiB and more: protocol 4 then leaves its frame, and lengths take four bytes."""
    masks = random_masks(TASKS[:3], size=8 * 70_000 + 1)
    path = save_public(tmp_path / "a.npy", in_public_layout(masks))
    found = read_masks(path, size=8 * 70_000 + 1)
    assert all(torch.equal(found[name].unpack(), mask) for name, mask in masks.items())


@pytest.mark.parametrize("size", [1, 8, 2039, 2040, 2041, 2048, 2049])
def test_lengths_of_one_byte_and_more(tmp_path: Path, size: int) -> None:
    masks = random_masks(TASKS[:2], size)
    found = read_masks(save_public(tmp_path / "a.npy", in_public_layout(masks)), size=size)
    assert all(torch.equal(found[name].unpack(), mask) for name, mask in masks.items())


def test_masks_that_share_their_bytes(tmp_path: Path) -> None:
    """Pickle writes one array under two names once, and refers back to it."""
    ((name, mask),) = random_masks(["MNIST"]).items()
    bits = np.packbits(mask.numpy())
    assert_read(save_public(tmp_path / "a.npy", {name: bits, "KMNIST": bits}), {name: mask, "KMNIST": mask})


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    masks = random_masks(TASKS[:2])
    save_public(tmp_path / "blob.npy", in_public_layout(masks))
    (tmp_path / "a.npy").symlink_to(tmp_path / "blob.npy")
    assert_read(tmp_path / "a.npy", masks)


# --- what could run code ---


class Calls:
    """Pickled as a call, which unpickling makes."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], Any]:
        return self.call


def touching(marker: Path) -> list[tuple[str, Calls]]:
    program = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    return [
        (f"{os.name}.system", Calls(os.system, f"touch '{marker}'")),
        ("builtins.eval", Calls(builtins.eval, program)),
        ("builtins.exec", Calls(builtins.exec, program)),
        ("builtins.getattr", Calls(getattr, Calls(__import__, "os"), "system")),
        ("numpy.save", Calls(np.save, str(marker), [1])),
    ]


def places(hostile: object) -> dict[str, object]:
    bits = np.zeros(126, np.uint8)
    objects = np.empty(2, dtype=object)
    objects[0] = hostile
    return {
        "alone": hostile,
        "value": {"MNIST": bits, "DTD": hostile},
        "among objects": {"MNIST": objects},
        "in a list": {"MNIST": [hostile]},
        "nested": {"MNIST": {"deeper": (bits, {"and": [hostile]})}},
        "key": {hostile: bits},
    }


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("index", range(5))
def test_nothing_that_a_file_names_is_run(tmp_path: Path, index: int, protocol: int) -> None:
    marker = tmp_path / "run.npy"
    name, hostile = touching(marker)[index]
    for place, content in places(hostile).items():
        path = save_pickle(tmp_path / "a.npy", pickled(content, protocol))
        with pytest.raises(CheckpointError) as refusal:
            read_masks(path, size=SIZE)
        assert not marker.exists(), place
        if protocol in (3, 4) and place in ("alone", "value"):
            assert "could run code" in str(refusal.value)
            assert name.split(".")[1] in str(refusal.value) or "__import__" in str(refusal.value)


def test_the_hostile_files_are_hostile(tmp_path: Path) -> None:
    """Else the test above would pass for nothing: numpy does run them."""
    marker = tmp_path / "run.npy"
    for index in (0, 1, 2, 4):
        save_pickle(tmp_path / "a.npy", pickled({"MNIST": touching(marker)[index][1]}))
        np.load(tmp_path / "a.npy", allow_pickle=True)
        assert marker.exists()
        marker.unlink()


ARRAY_BEGUN = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01bt"


@pytest.mark.parametrize(
    ("name", "instructions"),
    [
        ("GLOBAL", b"\x80\x03cos\nsystem\n."),
        ("STACK_GLOBAL", b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
        ("STACK_GLOBAL of no text", b"\x80\x04K\x01K\x02\x93."),
        ("STACK_GLOBAL of a path", b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.tofile.x\x93."),
        ("INST", b"\x80\x02(ios\nsystem\n."),
        ("OBJ", b"\x80\x02(cnumpy\nndarray\no."),
        ("NEWOBJ", b"\x80\x02cnumpy\nndarray\nK\x01\x85\x81."),
        ("NEWOBJ_EX", b"\x80\x04cnumpy\nndarray\n)}\x92."),
        ("EXT1", b"\x80\x02\x82\x01."),
        ("PERSID", b"\x80\x02Pid\n."),
        ("BINPERSID", b"\x80\x02K\x01Q."),
        ("NEXT_BUFFER", b"\x80\x04\x97."),
        ("a byte that is no instruction", b"\x80\x03\xff."),
    ],
)
def test_instructions_and_names_beyond_those_of_masks(tmp_path: Path, name: str, instructions: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"could run code|which no dictionary of uint8 arrays needs"):
        read_masks(save_pickle(tmp_path / "a.npy", instructions), size=SIZE)


@pytest.mark.parametrize(
    "instructions",
    [
        b"cnumpy\nndarray\n(K\x7f\x85tR.",  # an array of a size, which numpy would set aside
        b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8K\x01K\x01tR.",  # a type aligned for C
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85C\x01btR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00\x85C\x01btR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01OtR.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00bX\x04\x00\x00\x00utf8tR.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00bX\x03\x00\x00\x00rottR.",
        b"K\x01)R.",
        ARRAY_BEGUN + b"RK\x01b.",
        ARRAY_BEGUN + b"R}b.",  # a dictionary as a state, which would set attributes
        b"cnumpy\nndarray\n}b.",
        b"]K\x01K\x02s.",
        b"K\x01K\x02a.",
        b"](K\x01u.",
        b"}(X\x01\x00\x00\x00au.",
        b"c_codecs\nencode\n(X\x03\x00\x00\x00\xe2\x82\xacX\x06\x00\x00\x00latin1tR.",  # a euro is not in it
        b"X\x01\x00\x00\x00\xff.",  # no UTF-8
        b".",
        b"a.",
        b"t.",
        b"h\x05.",
        b"q\x05.",
    ],
)
def test_known_instructions_put_to_another_use(tmp_path: Path, instructions: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"is damaged|holds numpy data of type"):
        read_masks(save_pickle(tmp_path / "a.npy", b"\x80\x03" + instructions), size=SIZE)


TYPE = b"cnumpy\ndtype\n(X\x02\x00\x00\x00%sK\x00K\x01tR"
TYPE_STATE = b"(K\x03X\x01\x00\x00\x00%sNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK%ctb"
BYTES, OBJECTS = TYPE % b"u1" + TYPE_STATE % (b"|", 0), TYPE % b"O8" + TYPE_STATE % (b"|", 63)


@pytest.mark.parametrize(
    "kind",
    [
        TYPE % b"u1" + TYPE_STATE % (b">", 0),
        TYPE % b"u1" + TYPE_STATE % (b"|", 63),  # bytes, said to be objects, would be taken for addresses
        TYPE % b"O8" + TYPE_STATE % (b"|", 0),
        TYPE % b"u1",
        OBJECTS,
        b"N",
        b"X\x02\x00\x00\x00u1",
    ],
)
def test_types_that_are_not_those_of_bytes(tmp_path: Path, kind: bytes) -> None:
    """Written by hand, for numpy writes no such files. Of bytes as they should be, one is read."""

    def dictionary_with(kind: bytes) -> bytes:
        mask = (
            b"X\x01\x00\x00\x00a"
            + ARRAY_BEGUN
            + b"R(K\x01K\x7e\x85"
            + kind
            + b"\x89C\x7e"
            + bytes(126)
            + b"tb"
        )
        return b"\x80\x03" + ARRAY_BEGUN + b"R(K\x01)" + OBJECTS + b"\x89]}" + mask + b"satb."

    assert read_masks(save_pickle(tmp_path / "a.npy", dictionary_with(BYTES)), size=SIZE)["a"].count() == 0
    with pytest.raises(CheckpointError, match=r"as no numpy array has it|array of objects with 1 dimensions"):
        read_masks(save_pickle(tmp_path / "a.npy", dictionary_with(kind)), size=SIZE)


# --- what could take memory or time ---


@pytest.mark.parametrize(
    "instructions",
    [
        b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little"),
        b"\x80\x04\x8e" + (1 << 34).to_bytes(8, "little"),
        b"\x80\x03B\xff\xff\xff\xff",
        b"\x80\x03X\xff\xff\xff\x7f",
        b"\x80\x03C\xff",
        b"\x80\x03" + b"cos" * 5000,
    ],
)
def test_lengths_are_compared_with_the_file_first(tmp_path: Path, instructions: bytes) -> None:
    path = save_pickle(tmp_path / "a.npy", instructions)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"it ends early|has no end"):
            read_masks(path, size=SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "instructions",
    [
        b")" + b"\x85" * 1_000_000,  # a tuple in a tuple in a tuple
        b"(" * 1_000_000,
        b"N" * 1_000_000,
        b"]q\x00" + b"h\x00a" * 400_000,  # a list that holds itself
    ],
)
def test_a_million_instructions_are_not_followed(tmp_path: Path, instructions: bytes) -> None:
    path = save_pickle(tmp_path / "a.npy", b"\x80\x03" + instructions + b".")
    with pytest.raises(CheckpointError, match="more than 100,000 pickle instructions"):
        read_masks(path, size=SIZE)


def test_text_is_not_turned_into_bytes_over_and_over(tmp_path: Path) -> None:
    """Two instructions of five bytes would set a copy aside each time."""
    text = b"X" + (100_000).to_bytes(4, "little") + b"a" * 100_000 + b"q\x00X\x06\x00\x00\x00latin1q\x01"
    again = b"c_codecs\nencode\n(h\x00h\x01tR"
    path = save_pickle(tmp_path / "a.npy", b"\x80\x02" + text + again * 1000 + b".")
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="unpacks to more bytes than it has"):
            read_masks(path, size=SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_tuples_deep_in_each_other(tmp_path: Path) -> None:
    """As deep as the limit on instructions allows: what looks into them must not recurse."""
    deep = b")" + b"\x85" * 90_000
    for instructions in (deep, b"cnumpy\ndtype\n" + deep + b"R", ARRAY_BEGUN + b"R" + deep + b"b"):
        with pytest.raises(CheckpointError, match=r"no numpy array|no dictionary of masks"):
            read_masks(save_pickle(tmp_path / "a.npy", b"\x80\x03" + instructions + b"."), size=SIZE)


# --- what is no dictionary of masks ---


def contents() -> dict[str, tuple[object, str]]:
    bits = np.zeros(126, np.uint8)
    recursive: dict[str, object] = {"MNIST": bits}
    recursive["itself"] = recursive
    one, three = np.empty(1, dtype=object), np.empty(3, dtype=object)
    return {
        "nothing": ({}, "no dictionary of masks, or an empty one"),
        "a list": ([bits], "no dictionary of masks"),
        "an ordered dictionary": (OrderedDict(MNIST=bits), "collections.OrderedDict"),
        "tensors": ({"MNIST": torch.zeros(126, dtype=torch.uint8)}, "torch._utils._rebuild_tensor_v2"),
        "text": ({"MNIST": "bits"}, "'MNIST' is no array of bytes"),
        "bytes": ({"MNIST": b"bits"}, "'MNIST' is no array of bytes"),
        "a dictionary in it": ({"MNIST": {"a": bits}}, "'MNIST' is no array of bytes"),
        "itself": (recursive, "'itself' is no array of bytes"),
        "one object": ({"MNIST": np.array({}, dtype=object)}, "'MNIST' is no array of bytes"),
        "numbers": ({"MNIST": np.zeros(126, np.float32)}, "type 'f4'; masks are packed into uint8"),
        "truth values": ({"MNIST": np.zeros(126, bool)}, "type 'b1'"),
        "signed bytes": ({"MNIST": np.zeros(126, np.int8)}, "type 'i1'"),
        "a scalar": ({"MNIST": np.uint8(1)}, "multiarray.scalar"),
        "a table": ({"MNIST": bits.reshape(2, 63)}, "array of bytes with 2 dimensions"),
        "no dimension": ({"MNIST": np.array(7, np.uint8)}, "array of bytes with 0 dimensions"),
        "an object in a row": ({"MNIST": one}, "array of objects with 1 dimensions"),
        "objects": ({"MNIST": three}, "the pickle instruction APPENDS, which no dictionary"),
        "too few": ({"DTD": bits, "MNIST": bits[:125]}, "'MNIST' has 125 bytes, a mask of 1,001 weights 126"),
        "too many": ({"MNIST": np.zeros(127, np.uint8)}, "has 127 bytes, a mask of 1,001 weights 126"),
        "of more weights": ({"MNIST": bits + 64}, "made for another model.*last of 1,001 entries"),
        "a number as a name": ({1: bits}, "names of printable text.*found a int"),
        "no name": ({"": bits}, "names of printable text"),
        "a name that cannot be shown": ({"a\nb": bits}, "names of printable text"),
        "a long name": ({"a" * 513: bits}, "names of printable text"),
    }


@pytest.mark.parametrize("what", contents())
def test_other_content_is_refused_by_name(tmp_path: Path, what: str) -> None:
    content, message = contents()[what]
    path = save_pickle(tmp_path / "a.npy", pickled(content))
    with pytest.raises(CheckpointError, match=message):
        read_masks(path, size=SIZE)


def test_a_name_that_occurs_twice(tmp_path: Path) -> None:
    dump = pickled(in_public_layout(random_masks(["MNIST", "EMNIS"]))).replace(b"EMNIS", b"MNIST")
    with pytest.raises(CheckpointError, match="'MNIST' occurs twice"):
        read_masks(save_pickle(tmp_path / "a.npy", dump), size=SIZE)


def test_an_array_that_claims_another_length_than_it_has(tmp_path: Path) -> None:
    """numpy itself refuses this one; it must not come as far as a mask here either."""
    dump = pickled(in_public_layout(random_masks(["MNIST"])))
    (place,) = [i for i in range(len(dump)) if dump[i : i + 3] == b"K\x7e\x85"]  # 126, in a tuple
    damaged = dump[: place + 1] + b"\x7f" + dump[place + 2 :]
    with pytest.raises(CheckpointError, match="of another length than it claims"):
        read_masks(save_pickle(tmp_path / "a.npy", damaged), size=SIZE)


@pytest.mark.parametrize("content", [np.zeros(5, np.float32), np.zeros(5, np.uint8), np.array(1.0)])
def test_an_array_of_numbers_is_no_dictionary(tmp_path: Path, content: NDArray[Any]) -> None:
    with pytest.raises(CheckpointError, match="no dictionary of masks: its header is"):
        read_masks(save_public(tmp_path / "a.npy", content), size=SIZE)


def test_objects_in_a_row_are_no_dictionary(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no dictionary of masks: its header is"):
        read_masks(save_public(tmp_path / "a.npy", np.empty(3, dtype=object)), size=SIZE)


# --- damage ---


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_file_that_ends_anywhere_is_damaged(tmp_path: Path, protocol: int) -> None:
    whole = header(tmp_path / "a.npy") + pickled(in_public_layout(random_masks(TASKS[:2], 41)), protocol)
    assert read_masks(save_pickle(tmp_path / "a.npy", whole[128:]), size=41).keys() == set(TASKS[:2])
    for end in range(1, len(whole)):
        (tmp_path / "a.npy").write_bytes(whole[:end])
        with pytest.raises(CheckpointError, match="is damaged"):
            read_masks(tmp_path / "a.npy", size=41)


def test_a_file_that_becomes_shorter_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 8 * 70_000 + 1
    path = save_public(tmp_path / "a.npy", in_public_layout(random_masks(TASKS[:3], size)))
    skip_header = _Reader.skip_header

    def cut_after_header(reader: _Reader) -> None:
        skip_header(reader)
        os.truncate(path, 100_000)

    monkeypatch.setattr(_Reader, "skip_header", cut_after_header)
    with pytest.raises(CheckpointError, match="became shorter while it was read"):
        read_masks(path, size=size)


@pytest.mark.parametrize("rubbish", [b"\x00", b".", b"\x80\x03N.", bytes(5000)])
def test_rubbish_at_the_end(tmp_path: Path, rubbish: bytes) -> None:
    path = save_public(tmp_path / "a.npy", in_public_layout(random_masks(TASKS[:2])))
    path.write_bytes(path.read_bytes() + rubbish)
    with pytest.raises(CheckpointError, match=f"{len(rubbish):,} bytes follow where it should end"):
        read_masks(path, size=SIZE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    protocol=st.integers(2, 4),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
@example(protocol=3, changes=[(0, 0)])
def test_any_change_is_an_error_or_other_masks(
    tmp_path: Path, protocol: int, changes: list[tuple[int, int]]
) -> None:
    """A changed bit within a mask cannot be told; everything else must be a CheckpointError, no traceback."""
    content = bytearray(
        header(tmp_path / "a.npy") + pickled(in_public_layout(random_masks(TASKS[:2], 41)), protocol)
    )
    for place, value in changes:
        content[place % len(content)] = value
    (tmp_path / "a.npy").write_bytes(content)
    try:
        found = read_masks(tmp_path / "a.npy", size=41)
    except CheckpointError:
        return
    assert all(isinstance(mask, PackedMask) and mask.size == 41 for mask in found.values())


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"PK\x03\x04" + bytes(200), "is no .npy file of version 1.0"),
        (b"\x93NUMPY\x02\x00" + bytes(200), "is no .npy file of version 1.0"),
        (b"\x93NUMPY\x01\x00\xff\xff" + bytes(70_000), "its header claims 65,535 bytes"),
        (b"\x93NUMPY\x01\x00\x76\x00{'descr'", "is damaged: it ends early"),
        (b"\x93NUMPY\x01\x00\x76\x00" + b"(" * 118, "its header is '\\(\\(\\("),
        (b"\x93NUM", "is damaged: it ends early"),
    ],
)
def test_a_header_that_is_not_numpys(tmp_path: Path, start: bytes, message: str) -> None:
    (tmp_path / "a.npy").write_bytes(start)
    with pytest.raises(CheckpointError, match=message):
        read_masks(tmp_path / "a.npy", size=SIZE)


# --- files that are none ---


def test_files_of_another_kind_or_none(tmp_path: Path) -> None:
    (tmp_path / "empty.npy").touch()
    (tmp_path / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "link.npy").symlink_to(tmp_path / "folder.npy")
    (tmp_path / "circle.npy").symlink_to(tmp_path / "circle.npy")
    for name, message in {
        "absent.npy": "There is no file",
        "empty.npy": "is empty",
        "folder.npy": "is not a regular file",
        "pipe.npy": "is not a regular file",
        "link.npy": "is not a regular file",
        "circle.npy": "cannot be opened",
        "mask.npz": "masks are in .npy files",
    }.items():
        with pytest.raises(CheckpointError, match=message):
            read_masks(tmp_path / name, size=SIZE)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = save_public(tmp_path / "a.npy", in_public_layout(random_masks(["MNIST"])))
    num_bytes = path.stat().st_size
    assert read_masks(path, size=SIZE, max_bytes=num_bytes)
    with pytest.raises(CheckpointError, match=f"more than the {num_bytes - 1} allowed"):
        read_masks(path, size=SIZE, max_bytes=num_bytes - 1)


@pytest.mark.parametrize("size", [0, -1])
def test_a_mask_of_nothing_is_not_asked_for(tmp_path: Path, size: int) -> None:
    with pytest.raises(MergeError, match="at least one weight"):
        read_masks(tmp_path / "a.npy", size=size)


# --- writing ---


@given(
    size=st.integers(1, 3000),
    names=st.lists(st.text("abc é/.0", min_size=1, max_size=30), min_size=1, max_size=12, unique=True),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_is_written_is_read_by_numpy_and_here(tmp_path: Path, size: int, names: list[str]) -> None:
    masks = random_masks(names, size)
    write_masks(tmp_path / "a.npy", {name: pack(mask) for name, mask in masks.items()})
    loaded = np.load(tmp_path / "a.npy", allow_pickle=True).item()
    assert list(loaded) == names
    for name, mask in masks.items():
        assert loaded[name].dtype == np.uint8
        assert np.array_equal(np.unpackbits(loaded[name])[:size], mask.numpy())
    found = read_masks(tmp_path / "a.npy", size=size)
    assert found == {name: pack(mask) for name, mask in masks.items()}
    assert list(found) == names


@pytest.mark.parametrize("size", [2033, 8 * 300, 8 * 70_000 + 1])
@pytest.mark.parametrize("count", [2, 20, 40])
def test_what_is_written_is_numpys_byte_for_byte(tmp_path: Path, size: int, count: int) -> None:
    """With as many as 40 tasks the memo has more than 256 entries, and its numbers take four bytes."""
    masks = random_masks([f"{name}{i}" for i, name in enumerate(TASKS * 2)][:count], size)
    write_masks(tmp_path / "a.npy", {name: pack(mask) for name, mask in masks.items()})
    numpys = header(tmp_path / "b.npy") + pickled(in_public_layout(masks), protocol=3, of_numpy_1=True)
    assert (tmp_path / "a.npy").read_bytes() == numpys


@pytest.mark.parametrize(
    ("count", "num_weights", "published"),
    [
        (8, 111_792_129, 111_792_893),
        (14, 111_792_129, 195_637_336),
        (20, 111_792_129, 279_481_782),
        (14, 113_448_705, 198_536_344),
    ],
)
def test_files_are_as_long_as_the_published_ones(
    tmp_path: Path, count: int, num_weights: int, published: int
) -> None:
    """By their sizes on the Hub, the hosted files are what numpy 1 writes: so much besides the bits.

    The masks here are shorter, but their lengths take four bytes as well.
    """
    size = 8 * 70_000 + 1
    write_masks(tmp_path / "a.npy", {name: pack(m) for name, m in random_masks(TASKS[:count], size).items()})
    besides = (tmp_path / "a.npy").stat().st_size - count * 70_001
    assert besides == published - count * -(-num_weights // 8)


def test_another_file_is_replaced_and_none_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"old")
    masks = {name: pack(mask) for name, mask in random_masks(TASKS[:2]).items()}
    write_masks(path, masks)
    assert read_masks(path, size=SIZE) == masks
    assert os.listdir(tmp_path) == ["a.npy"]
    assert stat.S_ISREG(path.lstat().st_mode)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """On its way through the masks, as when the disk is full: here the second one has no memory to read."""
    path = tmp_path / "a.npy"
    path.write_bytes(b"old")
    masks = {name: pack(mask) for name, mask in random_masks(TASKS[:2], 1000).items()}
    masks["DTD"] = PackedMask(torch.empty(125, dtype=torch.uint8, device="meta"), 1000)
    with pytest.raises(NotImplementedError):
        write_masks(path, masks)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.npy"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    mask, shorter = pack(torch.ones(9, dtype=torch.bool)), pack(torch.ones(8, dtype=torch.bool))
    for name, masks, message in (
        ("a.npz", {"MNIST": mask}, "must end in .npy"),
        ("none/a.npy", {"MNIST": mask}, "No folder"),
        ("a.npy", {}, "got 0 of the sizes"),
        ("a.npy", {"MNIST": mask, "DTD": shorter}, r"got 2 of the sizes \[8, 9\]"),
        ("a.npy", {"": mask}, "names of printable text"),
        ("a.npy", {"a\0": mask}, "names of printable text"),
        ("a.npy", {"a" * 513: mask}, "names of printable text"),
    ):
        with pytest.raises(CheckpointError, match=message):
            write_masks(tmp_path / name, masks)
    assert os.listdir(tmp_path) == []


# --- the order of weights ---

LEFTOVERS = {
    "token_embedding.weight": (7, 3),
    "positional_embedding": (2, 3),
    "text_projection": (3, 6),
    "ln_final.weight": (3,),
    "ln_final.bias": (3,),
    "logit_scale": (),
}


def flat_public(named: dict[str, Tensor]) -> Tensor:
    """The authors' way: keys with their prefix, sorted as text, each tensor row by row."""
    with_prefix = {f"model.{name}": tensor for name, tensor in named.items()}
    return torch.cat([with_prefix[key].reshape(-1) for key in sorted(with_prefix)])


@pytest.fixture
def named(make_tower: Callable[..., Tower]) -> Tower:
    """Truth values for every weight of a tower with 12 blocks, and for what is left of the text tower."""
    generator = torch.Generator().manual_seed(3)
    shapes = {name: tensor.shape for name, tensor in make_tower(12).items()}
    shapes |= {name: torch.Size(shape) for name, shape in LEFTOVERS.items()}
    return {name: torch.rand(shape, generator=generator) < 0.5 for name, shape in shapes.items()}


def layout_of(named: Tower) -> FlatLayout:
    return FlatLayout.of({name: mask.float() for name, mask in named.items() if name.startswith("visual.")})


def shapes_of(named: Tower, prefix: str = "") -> dict[str, tuple[int, ...]]:
    return {prefix + name: tuple(mask.shape) for name, mask in named.items()}


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_public_mask_in_depth_order(named: Tower, prefix: str) -> None:
    layout, shapes = layout_of(named), shapes_of(named, prefix)
    flat = flat_public(named)
    assert public_size(shapes) == flat.numel()
    found = to_depth_order(pack(flat), shapes, layout)
    expected = layout.flatten({name: named[name].float() for name in layout.names}).bool()
    assert torch.equal(found.unpack(), expected)


def test_block_10_comes_before_block_2_in_public(named: Tower) -> None:
    """One weight on, found at its place on either side; taking our order for theirs would find another."""
    layout, shapes = layout_of(named), shapes_of(named)
    name = "visual.transformer.resblocks.2.ln_1.weight"
    alone = {other: torch.zeros_like(mask) for other, mask in named.items()}
    alone[name][5] = True
    public = flat_public(alone)
    before = [other for other in named if f"model.{other}" < f"model.{name}"]
    assert "visual.transformer.resblocks.10.ln_1.weight" in before
    assert "visual.transformer.resblocks.1.ln_1.weight" in before
    assert "visual.transformer.resblocks.3.ln_1.weight" not in before
    assert public.nonzero().item() == sum(named[other].numel() for other in before) + 5
    ours = to_depth_order(pack(public), shapes, layout).unpack()
    assert ours.nonzero().item() == layout.offsets[layout.names.index(name)] + 5
    assert torch.equal(to_public_order(pack(ours), shapes, layout).unpack(), public)


@given(seed=st.integers(0, 1000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_there_and_back(named: Tower, seed: int) -> None:
    layout, shapes = layout_of(named), shapes_of(named)
    ours = pack(torch.rand(layout.numel, generator=torch.Generator().manual_seed(seed)) < 0.5)
    public = to_public_order(ours, shapes, layout)
    assert public.size == public_size(shapes)
    assert public.count() == ours.count()  # off in what is left of the text tower
    assert to_depth_order(public, shapes, layout) == ours


def test_from_a_file_to_depth_order(tmp_path: Path, named: Tower) -> None:
    """With the shapes of a whole CLIP, whose text blocks the public files leave out."""
    text_blocks = {"transformer.resblocks.0.ln_1.weight": torch.ones(3)}
    whole = {name: mask.float() for name, mask in named.items()} | text_blocks
    save_checkpoint(tmp_path / "reference.safetensors", whole)
    shapes = read_shapes(tmp_path / "reference.safetensors")
    save_public(tmp_path / "a.npy", {"MNIST": np.packbits(flat_public(named).numpy())})
    (mask,) = read_masks(tmp_path / "a.npy", size=public_size(shapes)).values()
    layout = layout_of(named)
    expected = layout.flatten({name: named[name].float() for name in layout.names}).bool()
    assert torch.equal(to_depth_order(mask, shapes, layout).unpack(), expected)


def clip_shapes(
    *, width: int, blocks: int, patch: int, embed: int, text_width: int
) -> dict[str, tuple[int, ...]]:
    tokens = (224 // patch) ** 2 + 1
    shapes: dict[str, tuple[int, ...]] = {
        "positional_embedding": (77, text_width),
        "text_projection": (text_width, embed),
        "logit_scale": (),
        "token_embedding.weight": (49408, text_width),
        "ln_final.weight": (text_width,),
        "ln_final.bias": (text_width,),
        "visual.class_embedding": (width,),
        "visual.positional_embedding": (tokens, width),
        "visual.proj": (width, embed),
        "visual.conv1.weight": (width, 3, patch, patch),
    }
    for norm in ("ln_pre", "ln_post"):
        shapes |= {f"visual.{norm}.{kind}": (width,) for kind in ("weight", "bias")}
    for block in range(blocks):
        inside: dict[str, tuple[int, ...]] = {
            "attn.in_proj_weight": (3 * width, width),
            "attn.in_proj_bias": (3 * width,),
            "attn.out_proj.weight": (width, width),
            "attn.out_proj.bias": (width,),
            "mlp.c_fc.weight": (4 * width, width),
            "mlp.c_fc.bias": (4 * width,),
            "mlp.c_proj.weight": (width, 4 * width),
            "mlp.c_proj.bias": (width,),
        }
        inside |= {f"{norm}.{kind}": (width,) for norm in ("ln_1", "ln_2") for kind in ("weight", "bias")}
        shapes |= {f"visual.transformer.resblocks.{block}.{name}": shape for name, shape in inside.items()}
    return shapes


@pytest.mark.parametrize(
    ("model", "all_weights", "of_the_tower"),
    [
        ({"width": 768, "blocks": 12, "patch": 32, "embed": 512, "text_width": 512}, 113_448_705, 87_849_216),
        ({"width": 768, "blocks": 12, "patch": 16, "embed": 512, "text_width": 512}, 111_792_129, 86_192_640),
        (
            {"width": 1024, "blocks": 24, "patch": 14, "embed": 768, "text_width": 768},
            342_562_049,
            303_966_208,
        ),
    ],
    ids=["ViT-B-32", "ViT-B-16", "ViT-L-14"],
)
def test_public_masks_cover_what_the_published_ones_do(
    model: dict[str, int], all_weights: int, of_the_tower: int
) -> None:
    shapes = clip_shapes(**model)
    assert public_size(shapes) == all_weights
    assert sum(prod(shape) for name, shape in shapes.items() if name.startswith("visual.")) == of_the_tower


def test_masks_and_shapes_that_do_not_fit(named: Tower, make_tower: Callable[..., Tower]) -> None:
    layout, shapes, public = layout_of(named), shapes_of(named), pack(flat_public(named))
    without = {name: shape for name, shape in shapes.items() if name != "logit_scale"}
    wider = shapes | {"visual.proj": (8, 7)}
    deeper = FlatLayout.of(make_tower(13))
    alone = {name.removeprefix("visual."): shape for name, shape in shapes.items()}
    mixed = without | {"model.logit_scale": ()}
    for arguments, message in (
        (
            (public, without, layout),
            f"covers {public.size:,} weights, the checkpoint has {public.size - 1:,}",
        ),
        ((public, wider, layout), r"visual.proj is \(8, 7\), expected \(8, 6\)\. Give"),
        ((public, shapes, deeper), "resblocks.12.* is absent, expected .* and 4 more differ"),
        ((public, alone, layout), "Found no visual"),
        ((public, mixed, layout), "Some names begin with 'model.'"),
        ((public, {}, layout), "Found no visual"),
    ):
        with pytest.raises(CheckpointError, match=message):
            to_depth_order(*arguments)
    with pytest.raises(CheckpointError, match=f"the layout has {layout.numel:,}"):
        to_public_order(public, shapes, layout)
    with pytest.raises(CheckpointError, match="is absent"):
        to_public_order(pack(torch.ones(deeper.numel, dtype=torch.bool)), shapes, deeper)
