"""Checkpoint files that exhaust memory or time: each is refused with little of both.

All are read by one process of their own, so that a regression is a failed test and not the end of the run.
"""

import json
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from lines_core.checkpoints.limits import MAX_HEADER, MAX_TENSORS
from lines_core.checkpoints.pickle_interpreter import MAX_PICKLE, MAX_STEPS
from lines_core.checkpoints.zip_records import MAX_RECORDS
from tests.hostile.checkpoint_bytes import MOST_SECONDS, one_float, safetensors_file, torch_file, write_hole
from tests.hostile.odd_values import check_message
from tests.paths import ROOT

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


def write_models(path: Path) -> None:
    """Thousands of dictionaries with a tensor each."""
    held = b"".join(b"X\5\0\0\0%05d}" % number + one_float(name=b"w.w") + b"s" for number in range(5000))
    write_pickle(path, b"}" + held)


def write_bomb(path: Path) -> None:
    """A compressed record that unpacks to a gigabyte of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}" + one_float(numel=b"J\0\0\0\x10") + b".")
        with archive.open("a/data/0", "w", force_zip64=True) as stream:
            for _ in range(64):
                stream.write(bytes(16 << 20))


def write_repeated(path: Path) -> None:
    """One stored number that claims to be three gigabytes of them."""
    shape = b"K\x01\x85K\x01\x85\x89"
    write_pickle(path, b"}" + one_float().replace(shape, b"J\0\0\0\x30\x85K\0\x85\x89"))


def write_shared(path: Path, module: bool) -> None:
    """Each of a few dictionaries or modules holds the one before a hundred times."""
    begin, end = (b"c__torch__.a\nB\n)\x81}(", b"ub") if module else (b"}(", b"u")
    names = [b"X\x03\x00\x00\x00%03d" % number for number in range(100)]
    first = (
        b"c__torch__.a\nB\n)\x81}" + one_float(name=b"w") + b"b" if module else b"}" + one_float(name=b"w.w")
    )
    levels = [first + b"q\0"]
    for level in range(1, 20):
        held = b"".join(name + b"h" + bytes([level - 1]) for name in names)
        levels.append(begin + held + end + b"q" + bytes([level]))
    write_pickle(path, b"(" + b"".join(levels) + b"th\x13")


HEAVY: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "lists.safetensors": (partial(write_brackets, piece=b"[],"), "cannot be parsed"),
    "deep-lists.safetensors": (partial(write_brackets, piece=b"["), "cannot be parsed"),
    "tables.safetensors": (partial(write_brackets, piece=b"{},"), "cannot be parsed"),
    "deep-tables.safetensors": (partial(write_brackets, piece=b'{"":'), "cannot be parsed"),
    "numbers.safetensors": (partial(write_brackets, piece=b"0,"), "cannot be parsed"),
    "texts.safetensors": (partial(write_brackets, piece=b'"",'), "cannot be parsed"),
    "names.safetensors": (partial(write_names, count=300_000), f"more than the {MAX_TENSORS:,} allowed"),
    "million.safetensors": (write_million_tensors, "its header claims"),
    "hole.safetensors": (partial(write_hole, num_bytes=3 << 30), "does not fit into free memory"),
    "records.pt": (partial(write_million_records, count=10**6), "52,000,000 bytes, more than the"),
    "many-records.pt": (
        partial(write_records, count=MAX_RECORDS + 1),
        f"more than the {MAX_RECORDS:,} allowed",
    ),
    "few-records.pt": (partial(write_million_records, count=5), "52,000,000 bytes, more than the"),
    "tensors.pt": (partial(write_tensors, count=MAX_TENSORS + 1), f"claims {MAX_TENSORS + 1:,} tensors"),
    "more-tensors.pt": (partial(write_tensors, count=MAX_PICKLE // 150), f"more than {MAX_STEPS:,} pickle"),
    "million.pt": (write_million_tensors_of_one, f"more than the {MAX_PICKLE:,} allowed"),
    "deep-key.pt": (
        partial(write_pickle, instructions=b"})" + b"\x85" * 500_000 + b"K\1s"),
        "holds no tensors",
    ),
    "deeper-key.pt": (
        partial(write_pickle, instructions=b"})" + b"\x85" * 3_000_000 + b"K\1s"),
        "instructions",
    ),
    "bytearrays.pt": (
        partial(write_pickle, instructions=b"(" + b"cbuiltins\nbytearray\nJ\xff\xff\xff\x3f\x85R" * 6 + b"t"),
        "holds a tuple",
    ),
    "dictionaries.pt": (partial(write_pickle, instructions=b"(" + b"}" * 3_000_000 + b"t"), "instructions"),
    "objects.pt": (
        partial(write_pickle, instructions=b"(" + b"cx\ny\n)\x81" * 260_000 + b"t"),
        "holds a tuple",
    ),
    "own-part.pt": (
        partial(write_pickle, instructions=b"c__torch__.a\nB\n)\x81q\0}X\1\0\0\0ah\0sb"),
        "too many parts, or holds itself",
    ),
    "own-item.pt": (partial(write_pickle, instructions=b"}q\0X\1\0\0\0ah\0s"), "holds no tensors"),
    "shared-items.pt": (partial(write_shared, module=False), "more than 20,000 dictionaries"),
    "shared-parts.pt": (partial(write_shared, module=True), "too many parts, or holds itself"),
    "models.pt": (write_models, "more than the 64 that may be models"),
    "bomb.pt": (write_bomb, "more than weights would"),
    "repeated.pt": (write_repeated, "repeat stored numbers to more than"),
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
