"""Checkpoint files made to hurt: each is refused with a short sentence, in little time and memory.

Every attack is a real file. Those that can end the process, or take gigabytes, are read by a process of their
own, so that a relapse is a failed test and not the end of the run.
"""

import io
import json
import pickle
import re
import shutil
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from lines_core.checkpoints import compare, read_checkpoint, read_metadata, read_shapes
from lines_core.checkpoints.limits import MAX_HEADER, MAX_TENSORS
from lines_core.checkpoints.pickle_interpreter import MAX_PICKLE, MAX_STEPS
from lines_core.checkpoints.zip_records import MAX_RECORDS
from lines_core.errors import CheckpointError
from tests.hostile.strategies import ODD_NUMBERS, check_message, shown
from tests.paths import ROOT

MOST_SECONDS = 20.0
"""Of computing, to refuse a file; most take less than 0.01, none more than 2 on an idle machine."""
MOST_MEMORY = 400
"""Megabytes that refusing a file may take beyond what the process has when it begins."""
MANY = (
    "import json, resource, sys, time\n"
    "from lines_core.checkpoints import read_checkpoint\n"
    "from lines_core.errors import CheckpointError\n"
    "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
    f"most = used + ({MOST_MEMORY} << 20)\n"
    "resource.setrlimit(resource.RLIMIT_AS, (most, most))\n"
    "for path in sys.argv[1:]:\n"
    "    start = time.process_time()\n"
    "    try:\n"
    "        read_checkpoint(path)\n"
    "    except CheckpointError as error:\n"
    "        print(json.dumps([path, time.process_time() - start, str(error)]), flush=True)\n"
)
"""Reads the files it is given with a limit on its memory, and tells what each is refused with."""


def refusal(path: Path, read: Callable[[Path], object] = read_checkpoint) -> str:
    """What a file is refused with, soon and in short."""
    start = time.process_time()
    with pytest.raises(CheckpointError) as raised:
        read(path)
    assert time.process_time() - start < MOST_SECONDS
    check_message(str(raised.value))
    return str(raised.value)


def safetensors_file(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def torch_file(path: Path, pickled: bytes, more: Mapping[str, bytes] | None = None) -> Path:
    records = {"a/data.pkl": pickled, "a/version": b"3\n", "a/byteorder": b"little", **(more or {})}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    return path


def one_float(key: bytes = b"0", numel: bytes = b"K\x01", name: bytes = b"a") -> bytes:
    """Instructions that put a tensor of one number under a name."""
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX"
        + struct.pack("<I", len(key))
        + key
        + b"X\x03\x00\x00\x00cpu"
        + numel
        + b"tQ"
    )
    rebuilt = (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + b"K\x00K\x01\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )
    return b"X" + struct.pack("<I", len(name)) + name + rebuilt + b"s"


# --- the numbers of a header ---


@pytest.mark.parametrize(
    "number", [one for one in ODD_NUMBERS if type(one) is not int or not 0 <= one <= 10], ids=shown
)
@pytest.mark.parametrize("place", ["shape", "begin", "end"])
def test_no_odd_number_passes_for_a_size(tmp_path: Path, place: str, number: Any) -> None:
    """1e308, NaN, true for 1, minus zero: JSON has them all, and Python's parser takes NaN as well."""
    claim = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    where = claim["shape"] if place == "shape" else claim["data_offsets"]
    where[1 if place == "end" else 0] = number  # type: ignore[index]
    said = refusal(safetensors_file(tmp_path / "a.safetensors", {"a": claim}, bytes(4)))
    assert re.search("not made of whole numbers|does not fill|has no elements", said)


@pytest.mark.parametrize(
    "literal",
    [b"1e400", b"-1e400", b"1E400", b"1" * 4300, b"1" * 5000, b"NaN", b"Infinity", b"-0.0", b"1.0"],
    ids=shown,
)
def test_numbers_that_json_can_write_and_a_size_cannot_be(tmp_path: Path, literal: bytes) -> None:
    """5000 digits raise ValueError in Python itself, and 4300 would fill a message."""
    header = b'{"a":{"dtype":"F32","shape":[' + literal + b'],"data_offsets":[0,4]}}'
    said = refusal(safetensors_file(tmp_path / "a.safetensors", header, bytes(4)))
    assert re.search("not made of whole numbers|cannot be parsed|has no elements", said)


# --- names ---


@pytest.mark.parametrize(
    "name",
    [
        "\u202egnp.thgiew",
        "wei\u200bght",
        "wei\u00adght",
        "w\u0435ight",  # a Cyrillic e
        "caf\u00e9",
        "cafe\u0301",
        "\uff57eight",
        "a\x00b",
        "a\x7f",
        "\ud800",
        "\U000e0061",
        "x" * (1 << 20),
    ],
    ids=shown,
)
def test_names_that_look_like_others_are_refused(tmp_path: Path, name: str) -> None:
    claim = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    path = safetensors_file(tmp_path / "a.safetensors", {name: claim}, bytes(4))
    assert "names are printable ASCII text" in refusal(path)
    data = b"\x80\x02}" + one_float(name=name.encode("utf-8", "surrogatepass")) + b"."
    path = torch_file(tmp_path / "a.pt", data, {"a/data/0": bytes(4)})
    assert "names are printable ASCII text" in refusal(path)


def test_a_name_with_slashes_is_only_a_name(tmp_path: Path) -> None:
    """Tensor names never become file names."""
    inner = tmp_path / "inner"
    inner.mkdir()
    tensors = {"../../outside": torch.ones(1), "/etc/x": torch.ones(1), "..": torch.ones(1)}
    safetensors.torch.save_file(tensors, inner / "a.safetensors")
    torch.save(tensors, inner / "a.pt")
    for path in (inner / "a.safetensors", inner / "a.pt"):
        assert set(read_checkpoint(path)) == set(tensors)
    with pytest.raises(CheckpointError, match="does not fit"):
        compare({"a": torch.ones(1)}, tensors)
    assert sorted(one.name for one in inner.iterdir()) == ["a.pt", "a.safetensors"]
    assert list(tmp_path.iterdir()) == [inner]


@pytest.mark.parametrize(
    "name", ["\u202etp.a.pt", "a\nb.pt", "x" * 5000 + ".pt", "\ud800.pt", "a\x00.pt", "é" * 120]
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".exe"])
def test_a_file_name_from_a_browser_is_shown_short_and_plain(tmp_path: Path, name: str, suffix: str) -> None:
    refusal(tmp_path / (name + suffix))


# --- so many, and so deep: what took the process down ---


def write_brackets(path: Path, piece: bytes) -> None:
    text = (b"[" + piece * (MAX_HEADER // len(piece)))[: MAX_HEADER - 2]
    safetensors_file(path, text + b"0]")


def write_names(path: Path, count: int) -> None:
    safetensors_file(path, b"{" + b",".join(b'"%d":0' % number for number in range(count)) + b"}")


def write_million_tensors(path: Path) -> None:
    claim = b'"0000000":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
    safetensors_file(path, b"{" + (claim + b",") * 1_000_000 + b"}", bytes(1_000_000))


def write_million_records(path: Path, count: int) -> None:
    """A list of a million records, and the claim that there are ``count``."""
    fields = (b"PK\1\2", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    listed = struct.pack("<4s4B4HL2L5H2L", *fields)
    table = (listed + b"a/data") * 1_000_000
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(table), 4)
    place = struct.pack("<4sLQL", b"PK\6\7", 0, 4 + len(table), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(b"PK\3\4" + table + end64 + place + end)


def write_records(path: Path, count: int) -> None:
    """As many empty records as fit into a list of records that is read."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(f"{number:x}"), b"")


def write_pickle(path: Path, instructions: bytes) -> None:
    torch_file(path, b"\x80\x02" + instructions + b".", {"a/data/0": bytes(4)})


def write_tensors(path: Path, count: int) -> None:
    """Many tensors of one stored number."""
    begin, end = one_float(name=b"0000000").split(b"0000000")
    write_pickle(path, b"}" + b"".join(begin + b"%07d" % number + end for number in range(count)))


def write_million_tensors_of_one(path: Path) -> None:
    write_pickle(path, b"}" + one_float(name=b"0000000") * 1_000_000)


def write_hole(path: Path, num_bytes: int) -> None:
    """A header that promises a tensor, and a file that has it, all zeros, without taking room on the disk."""
    header = b'{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (num_bytes, num_bytes)
    safetensors_file(path, header)
    with path.open("rb+") as stream:
        stream.truncate(8 + len(header) + num_bytes)


HEAVY: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "lists.safetensors": (partial(write_brackets, piece=b"[],"), "cannot be parsed"),
    "deep-lists.safetensors": (partial(write_brackets, piece=b"["), "cannot be parsed"),
    "tables.safetensors": (partial(write_brackets, piece=b"{},"), "cannot be parsed"),
    "deep-tables.safetensors": (partial(write_brackets, piece=b'{"":'), "cannot be parsed"),
    "numbers.safetensors": (partial(write_brackets, piece=b"0,"), "cannot be parsed"),
    "texts.safetensors": (partial(write_brackets, piece=b'"",'), "cannot be parsed"),
    "names.safetensors": (partial(write_names, count=300_000), f"more than the {MAX_TENSORS:,} allowed"),
    "million.safetensors": (write_million_tensors, "its header claims"),
    "hole.safetensors": (partial(write_hole, num_bytes=3 << 30), "does not fit into the memory that is left"),
    "records.pt": (partial(write_million_records, count=10**6), "52,000,000 bytes, more than the"),
    "many-records.pt": (
        partial(write_records, count=MAX_RECORDS + 1),
        f"more than the {MAX_RECORDS:,} allowed",
    ),
    "few-records.pt": (partial(write_million_records, count=5), "52,000,000 bytes, more than the"),
    "tensors.pt": (partial(write_tensors, count=MAX_TENSORS + 1), f"claims {MAX_TENSORS + 1:,} tensors"),
    "more-tensors.pt": (partial(write_tensors, count=MAX_PICKLE // 150), f"more than {MAX_STEPS:,} pickle"),
    "million.pt": (write_million_tensors_of_one, f"more than the {MAX_PICKLE:,} allowed"),
    "deep-key.pt": (partial(write_pickle, instructions=b"})" + b"\x85" * 500_000 + b"K\1s"), "found a tuple"),
    "deeper-key.pt": (
        partial(write_pickle, instructions=b"})" + b"\x85" * 3_000_000 + b"K\1s"),
        "instructions",
    ),
    "bytearrays.pt": (
        partial(write_pickle, instructions=b"(" + b"cbuiltins\nbytearray\nJ\xff\xff\xff\x3f\x85R" * 6 + b"t"),
        "holds a tuple",
    ),
    "dictionaries.pt": (partial(write_pickle, instructions=b"(" + b"}" * 3_000_000 + b"t"), "instructions"),
    "far-memo.pt": (partial(write_pickle, instructions=b"}r\xff\xff\xff\xff"), "holds no tensors"),
    "long-text.pt": (partial(write_pickle, instructions=b"X\xff\xff\xff\xff"), "its pickle is invalid"),
}
"""Name -> how to write it, and a part of the answer.

torch's own careful reader of pickles ended by a segmentation fault on the deeper key, and took 6 GB for the
bytearrays; Python's reader of zip files takes 10 s for the million records."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[float, str]]:
    """Seconds and refusal of each heavy file, all read by one process with little memory."""
    folder = tmp_path_factory.mktemp("heavy")
    for name, (write, _) in HEAVY.items():
        write(folder / name)
    call = [sys.executable, "-c", MANY, *(str(folder / name) for name in HEAVY)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    shutil.rmtree(folder)
    assert done.returncode == 0, f"ended by {done.returncode} after {said[-1:]}: {done.stderr[-500:]}"
    return {Path(path).name: (seconds, message) for path, seconds, message in said}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")
@pytest.mark.parametrize("name", HEAVY)
def test_heavy_files_are_refused_in_little_time_and_memory(
    answers: Mapping[str, tuple[float, str]], name: str
) -> None:
    seconds, message = answers[name]
    assert seconds < MOST_SECONDS
    check_message(message)
    assert HEAVY[name][1] in message


# --- so large ---


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("read", [read_checkpoint, read_metadata, read_shapes])
def test_five_gigabytes_are_refused_before_a_byte_is_read(
    tmp_path: Path, suffix: str, read: Callable[[Path], object]
) -> None:
    """The header promises a tensor of all of it, so reading would begin, were it not for the limit."""
    write_hole(tmp_path / f"a{suffix}", 5 << 30)
    assert "bytes, more than the 4,294,967,296 allowed" in refusal(tmp_path / f"a{suffix}", read)


# --- pickles ---


@pytest.mark.parametrize(
    "name",
    [
        b"os\nsystem",
        b"posix\nsystem",
        b"builtins\neval",
        b"builtins\ngetattr",
        b"builtins\n__import__",
        b"torch\nload",
        b"torch._utils\nos.system",
        b"torch.hub\nload",
        b"torch.storage\n_load_from_bytes",
        b"torch.jit\nload",
        b"torch._utils\n_rebuild_pa\x06ter",  # a control character was on its way to the page
        b"torch._utils\n_rebuild_a.__globals__",
        b"collections\nOrderedDict.fromkeys",
        b"numpy.core.multiarray\n_reconstruct",
        b"x" * 199 + b"\ny",
        b"\xff\ny",
        rb"collections" + b"\n" + rb"Ordered\x44ict",  # pickletools would read OrderedDict
    ],
)
def test_no_name_is_looked_up(tmp_path: Path, name: bytes) -> None:
    ran = tmp_path / "ran"
    command = f"touch {ran}".encode()
    call = b"X" + struct.pack("<I", len(command)) + command + b"\x85R"
    refusal(torch_file(tmp_path / "a.pt", b"\x80\x02c" + name + b"\n" + call + b"."))
    assert not ran.exists()


def test_what_is_inert_is_never_called(tmp_path: Path) -> None:
    """A wrapper may speak of sizes and devices; a tensor that is one is refused by its name."""
    weights = {"a": torch.ones(2)}
    about = {"size": torch.Size([2]), "device": torch.device("cpu"), "kind": torch.float16, "some": {1, 2}}
    torch.save(
        {"state_dict": weights, **about, "rate": 0.1, "steps": 10**30, "none": None}, tmp_path / "a.pt"
    )
    assert torch.equal(read_checkpoint(tmp_path / "a.pt")["a"], weights["a"])
    for key, value in about.items():
        torch.save({key: value}, tmp_path / "b.pt")
        assert f"{key!r} is not a plain tensor but" in refusal(tmp_path / "b.pt")


@pytest.mark.parametrize("protocol", [0, 1, 4, 5])
def test_other_protocols_are_refused(tmp_path: Path, protocol: int) -> None:
    refusal(torch_file(tmp_path / "a.pt", pickle.dumps({"a": 1.5, "b": [1, 2]}, protocol)))


@pytest.mark.parametrize(
    ("instructions", "said"),
    [
        (b"\x80\x02}" + one_float() + one_float() + b".", "the name 'a' occurs twice"),
        (b"\x80\x02}" + one_float(key=b"../../0") + b".", "the numbers of 'a' are not in it"),
        (b"\x80\x02}" + one_float(numel=b"K\x02") + b".", "record size of '0' is 4 bytes"),
        (
            b"\x80\x02}" + one_float(numel=b"J\xff\xff\xff\xff") + b".",
            "refers to a storage as no tensor does",
        ),
        (b"\x80\x02}" + one_float(numel=b"\x88") + b".", "refers to a storage as no tensor does"),
        (
            b"\x80\x02}" + one_float().replace(b"K\x00K\x01", b"K\x01K\x01") + b".",
            "more numbers than are stored",
        ),
        (
            b"\x80\x02}" + one_float().replace(b"K\x01\x85\x89", b"J\xff\xff\xff\xff\x85\x89") + b".",
            "whole numbers",
        ),
        (b"\x80\x02}" + one_float().replace(b"K\x01\x85\x89", b"))\x86\x89") + b".", "whole numbers"),
        (b"\x80\x02}" + one_float().replace(b"K\x01\x85\x89", b")\x89") + b".", "has 1 sizes and 0 strides"),
        (
            b"\x80\x02}" + one_float() + one_float(name=b"b").replace(b"FloatS", b"IntS") + b".",
            "the same bytes '0' as two kinds",
        ),
        (b"\x80\x02}" + one_float(), "its pickle is invalid"),
        (b"\x80\x02.", "its pickle is invalid"),
        (b"\x80\x02\x85.", "a tuple of values that it does not have"),
        (b"\x80\x02h\x07.", "its pickle is invalid"),
        (b"\x80\x02}K\x01a.", "appends to what is no list"),
        (b"\x80\x02]K\x01K\x01s.", "what is no dictionary"),
        (b"\x80\x02}(K\x01u.", "what is no dictionary"),
        (b"\x80\x02K\x01K\x01b.", "sets a state as no tensor has it"),
        (b"\x80\x02K\x01)R.", "calls something as no tensor is written"),
        (b"\x80\x02}2.", "has the pickle instruction DUP"),
        (b"\x80\x02I" + b"1" * 1_000_000 + b"\n.", "a line that tensors do not need"),
        (b"\x80\x02S'\\d'\n.", "a line that tensors do not need"),
        (b"\x80\x02\xff.", "its pickle is invalid"),
    ],
)
def test_pickles_that_contradict_themselves(tmp_path: Path, instructions: bytes, said: str) -> None:
    assert said in refusal(torch_file(tmp_path / "a.pt", instructions, {"a/data/0": bytes(4)}))


def test_a_pickle_made_by_hand_is_read_if_it_is_right(tmp_path: Path) -> None:
    """Else the refusals above would prove nothing."""
    path = torch_file(
        tmp_path / "a.pt", b"\x80\x02}" + one_float() + b".", {"a/data/0": struct.pack("<f", 0.5)}
    )
    assert {name: tensor.tolist() for name, tensor in read_checkpoint(path).items()} == {"a": [0.5]}


def test_truth_values_other_than_0_and_1_become_true(tmp_path: Path) -> None:
    torch.save({"a": torch.tensor([True, False])}, tmp_path / "a.pt")
    content = (tmp_path / "a.pt").read_bytes()
    assert content.count(b"\x01\x00PK") == 1
    (tmp_path / "a.pt").write_bytes(content.replace(b"\x01\x00PK", b"\xf7\x00PK"))
    found = read_checkpoint(tmp_path / "a.pt")["a"]
    assert found.dtype is torch.bool
    assert found.view(torch.uint8).tolist() == [1, 0]


# --- zip files ---


def zipped(records: list[tuple[str, bytes]], kind: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name occurs twice
        with zipfile.ZipFile(stream, "w", kind) as archive:
            for name, content in records:
                archive.writestr(zipfile.ZipInfo(name), content, kind)
    return stream.getvalue()


GOOD = [("a/data.pkl", b"\x80\x02}" + one_float() + b"."), ("a/data/0", bytes(4))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped([*GOOD, ("a/data/1", bytes(100 << 20))], zipfile.ZIP_DEFLATED), "it is compressed"),
        (zipped([*GOOD, GOOD[0]]), "'a/data.pkl' occurs twice"),
        (zipped([*GOOD, ("b/data.pkl", b"\x80\x02}.")]), "not one that torch.save writes"),
        (zipped([("data.pkl", b"\x80\x02}.")]), "not one that torch.save writes"),
        (zipped([("../data.pkl", b"\x80\x02}."), ("../data/0", b"")]), "holds no tensors"),
        (zipped([*GOOD, ("a/byteorder", b"big")]), "in the order b'big'"),
        (zipped([*GOOD, ("a/byteorder", b"big" * 100)]), "describes its content in 300 bytes"),
        (zipped(GOOD) + b"more", "does not end as a zip file"),
        (zipped(GOOD).replace(b"a/data/0", b"\xffa/data\xff"), "are not in it"),
        (b"PK\x03\x04", "cut short"),
        (b"PK\x03\x04" + bytes(100), "cut short"),
        (b"PK\x05\x06" + bytes(18), "not a PyTorch zip file"),
    ],
)
def test_zip_files_that_torch_does_not_write(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    assert said in refusal(tmp_path / "a.pt")


def changed_list(place: int, form: str, value: int) -> bytes:
    """A good file whose list names something else for its second record."""
    content = bytearray(zipped(GOOD))
    struct.pack_into(form, content, content.rfind(b"PK\x01\x02") + place, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed_list(42, "<L", 0), "overlaps another"),
        (changed_list(42, "<L", 1), "overlaps another"),
        (changed_list(42, "<L", 0xFFFFFFF0), "is not where the list says"),
        (changed_list(42, "<L", 0xFFFFFFFF), "is not where the list says"),
        (changed_list(24, "<L", 5), "it is compressed"),
        (changed_list(8, "<H", 1), "it is encrypted"),
    ],
)
def test_lists_of_records_that_lie(tmp_path: Path, content: bytes, said: str) -> None:
    """Records that share bytes are how a small zip file unpacks to terabytes."""
    (tmp_path / "a.pt").write_bytes(content)
    assert said in refusal(tmp_path / "a.pt")


def test_records_beyond_four_gigabytes_are_understood(tmp_path: Path) -> None:
    """torch writes such numbers into an extra field; here they stand there without need."""
    content = bytearray(zipped(GOOD))
    at = content.rfind(b"PK\x01\x02")
    header = struct.unpack_from("<L", content, at + 42)[0]
    struct.pack_into("<L", content, at + 42, 0xFFFFFFFF)
    extra = struct.pack("<2HQ", 1, 8, header)
    struct.pack_into("<H", content, at + 30, len(extra))
    end = content.rfind(b"PK\x05\x06")
    size = struct.unpack_from("<L", content, end + 12)[0]
    struct.pack_into("<L", content, end + 12, size + len(extra))
    content[end:end] = extra
    (tmp_path / "a.pt").write_bytes(content)
    assert read_checkpoint(tmp_path / "a.pt")["a"].tolist() == [0.0]


# --- telling what is wrong ---


def test_a_comparison_with_thousands_of_long_names_is_told_in_short(tmp_path: Path) -> None:
    candidate = {f"{'x' * 190}{i}": torch.ones(1) for i in range(5000)}
    with pytest.raises(CheckpointError) as raised:
        compare({"a": torch.ones(1)}, candidate)
    check_message(str(raised.value))
    assert len(raised.value.mismatches) == 5001


def test_metadata_are_text_and_nothing_else(tmp_path: Path) -> None:
    claim = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    for metadata in ({"a": {"b": "c"}}, {"a": ["b"]}, {"a": None}, ["a"], "a", 1, None, deep):
        path = safetensors_file(tmp_path / "a.safetensors", {"__metadata__": metadata, **claim}, bytes(4))
        assert "its metadata are not text" in refusal(path, read_metadata)
