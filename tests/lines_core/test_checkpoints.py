"""Reading files nobody vouches for, naming what does not fit, and writing without leaving halves behind."""

import json
import math
import os
import pickle
import struct
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lines_core.checkpoints import (
    compare,
    limits,
    read_checkpoint,
    read_metadata,
    read_shapes,
    save_checkpoint,
)
from lines_core.errors import CheckpointError
from lines_core.flat import adopt

Tower = dict[str, Tensor]
Header = dict[str, object]


def equal(found: Tower, expected: Tower) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)
        for name, tensor in expected.items()
    )


def write_safetensors(path: Path, header: object, data: bytes = b"", claimed: int | None = None) -> Path:
    """A safetensors file with whatever header, claimed to be of whatever length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if claimed is None else claimed) + text + data)
    return path


def entry(shape: list[object], begin: object, end: object, dtype: object = "F32") -> Header:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


# --- reading what is good ---


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth", "a.bin", "a.SAFETENSORS"])
def test_what_was_written_is_read(tmp_path: Path, pretrained: Tower, name: str) -> None:
    path = tmp_path / name
    if path.suffix.lower() == ".safetensors":
        safetensors.torch.save_file(pretrained, path)
    else:
        torch.save(pretrained, path)
    assert equal(read_checkpoint(path), pretrained)
    assert equal(read_checkpoint(str(path)), pretrained)


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    ],
)
def test_every_dtype_is_read_as_the_library_reads_it(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {"a": torch.tensor([[0, 1, 1], [3, 1, 0]]).to(dtype), "b": torch.tensor(1).to(dtype)}
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors")
    assert equal(read_checkpoint(tmp_path / "a.safetensors"), tensors)


def test_data_that_are_not_aligned_are_read(tmp_path: Path) -> None:
    """The format does not promise that a float begins at a multiple of four."""
    header = {"a": entry([3], 0, 3, "U8"), "b": entry([2], 3, 11, "F32")}
    path = write_safetensors(
        tmp_path / "a.safetensors", header, bytes([1, 2, 3]) + struct.pack("<2f", 0.5, -2.0)
    )
    tensors = read_checkpoint(path)
    assert tensors["a"].tolist() == [1, 2, 3]
    assert tensors["b"].tolist() == [0.5, -2.0]
    assert tensors["b"].data_ptr() % 4 == 0, "kernels may count on it"


def test_a_wrapped_state_dict_and_parameters_are_read(tmp_path: Path, pretrained: Tower) -> None:
    """What open_clip's training script writes, and what saving `module.__dict__["_parameters"]` writes."""
    torch.save({"epoch": 3, "state_dict": OrderedDict(pretrained)}, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt"), pretrained)
    torch.save({name: nn.Parameter(tensor) for name, tensor in pretrained.items()}, tmp_path / "b.pt")
    tensors = read_checkpoint(tmp_path / "b.pt")
    assert equal(tensors, pretrained)
    assert not any(isinstance(tensor, nn.Parameter) or tensor.requires_grad for tensor in tensors.values())


def test_a_link_to_a_file_is_followed(tmp_path: Path, pretrained: Tower) -> None:
    save_checkpoint(tmp_path / "blob.safetensors", pretrained)
    (tmp_path / "a.safetensors").symlink_to("blob.safetensors")
    assert equal(read_checkpoint(tmp_path / "a.safetensors"), pretrained)


def test_reading_writes_nothing(tmp_path: Path, pretrained: Tower) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained)
    content = path.read_bytes()
    read_checkpoint(path)["visual.proj"].zero_()
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


# --- absent, not a file, too large ---


def test_an_absent_file_is_called_absent(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no file .*a\.pt"):
        read_checkpoint(tmp_path / "a.pt")
    (tmp_path / "b.pt").symlink_to("nowhere.pt")
    with pytest.raises(CheckpointError, match=r"There is no file .*b\.pt"):
        read_checkpoint(tmp_path / "b.pt")


def test_what_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "link.pt").symlink_to("folder.pt")
    for name in ("folder.pt", "link.pt"):
        with pytest.raises(CheckpointError, match=f"{name} is not a regular file"):
            read_checkpoint(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    messages: list[str] = []

    def read() -> None:
        try:
            read_checkpoint(tmp_path / "pipe.safetensors")
        except CheckpointError as error:
            messages.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(timeout=5)
    assert messages == ["pipe.safetensors is not a regular file: give the checkpoint itself."]


def test_a_circle_of_links_and_a_name_with_nul_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.pt").symlink_to("b.pt")
    (tmp_path / "b.pt").symlink_to("a.pt")
    for name in ("a.pt", "a\0.pt"):
        with pytest.raises(CheckpointError, match="cannot be opened"):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_size_limits(tmp_path: Path, pretrained: Tower, name: str) -> None:
    path = tmp_path / name
    torch.save(pretrained, path) if name == "a.pt" else save_checkpoint(path, pretrained)
    size = path.stat().st_size
    assert read_checkpoint(path, max_bytes=size)
    with pytest.raises(CheckpointError, match=f"has {size:,} bytes, more than the {size - 1:,} allowed"):
        read_checkpoint(path, max_bytes=size - 1)


@pytest.mark.parametrize("name", ["a.npz", "a", "a.ckpt", ".pt"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"expected \.safetensors, \.pt, \.pth, \.bin"):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match=f"{name} is empty"):
        read_checkpoint(tmp_path / name)


# --- damaged safetensors ---


@pytest.mark.parametrize(
    ("header", "num_bytes", "match"),
    [
        (b"{", 0, "header cannot be parsed"),
        (b"\xff\xfe", 0, "header cannot be parsed"),
        (b"[" * 100_000, 0, "header cannot be parsed"),
        (b'{"a": 1, "a": 2}', 0, r"cannot be parsed \(a name occurs twice\)"),
        ([1, 2], 0, "header is not a table"),
        ({}, 0, "holds no tensors"),
        ({"__metadata__": {"a": "b"}}, 0, "holds no tensors"),
        ({"__metadata__": {"a": 1}, "a": entry([1], 0, 4)}, 4, "metadata are not text"),
        ({"__metadata__": "text", "a": entry([1], 0, 4)}, 4, "metadata are not text"),
        (b'{"\\ud800": 1}', 0, r"names are printable ASCII text, .*found '\\ud800'"),
        ({"": entry([1], 0, 4)}, 4, "names are printable ASCII text, .*found ''"),
        ({"a" * 513: entry([1], 0, 4)}, 4, "names are printable ASCII text, .*found 'aaa"),
        ({"a": 1}, 4, "entry of 'a' is malformed"),
        ({"a": {"dtype": "F32", "shape": [1]}}, 4, "entry of 'a' is malformed"),
        ({"a": entry([1], 0, 4) | {"more": 1}}, 4, "entry of 'a' is malformed"),
        ({"a": entry([1], 0, 4, dtype=5)}, 4, "entry of 'a' is malformed"),
        ({"a": entry([1], 0, 1, "F8_E4M3")}, 1, "'a' is of dtype 'F8_E4M3'; read are F64, F32"),
        ({"a": entry([1.0], 0, 4)}, 4, "not made of whole numbers"),
        ({"a": entry([True], 0, 4)}, 4, "not made of whole numbers"),
        ({"a": entry([-1], 0, -4)}, 4, "not made of whole numbers"),
        ({"a": entry([1], "0", 4)}, 4, "not made of whole numbers"),
        ({"a": entry([0], 0, 0)}, 0, "has no elements"),
        ({"a": entry([1] * 9, 0, 4)}, 4, "more than 8 dimensions"),
        ({"a": entry([2], 0, 4)}, 4, "does not fill its 4 bytes"),
        ({"a": entry([1 << 62, 4], 0, 4)}, 4, "does not fill its 4 bytes"),
        ({"a": entry([1], 4, 0)}, 4, "does not fill its -4 bytes"),
        ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, 12, "data of 'a' and 'b' overlap"),
        ({"a": entry([2], 0, 8), "b": entry([2], 0, 8)}, 8, "overlap"),
        ({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, 12, "data of 'a' and 'b' leave a gap"),
        ({"a": entry([1], 4, 8)}, 8, "claim bytes 4 to 8, the file has 8"),
        ({"a": entry([250_000_000], 0, 1_000_000_000)}, 4, "claim bytes 0 to 1,000,000,000, the file has 4"),
        ({"a": entry([1], 0, 4)}, 8, "claim bytes 0 to 4, the file has 8"),
    ],
)
def test_headers_that_claim_what_is_not_so(
    tmp_path: Path, header: object, num_bytes: int, match: str
) -> None:
    path = write_safetensors(tmp_path / "a.safetensors", header, bytes(num_bytes))
    with pytest.raises(CheckpointError, match=match):
        read_checkpoint(path)


@pytest.mark.parametrize("claimed", [3, 1 << 20, 17 << 20, (1 << 64) - 1])
def test_the_length_of_the_header_is_checked_before_it_is_read(tmp_path: Path, claimed: int) -> None:
    path = write_safetensors(tmp_path / "a.safetensors", {"a": entry([1], 0, 4)}, bytes(4), claimed)
    with pytest.raises(
        CheckpointError, match=r"a\.safetensors is damaged: its header (claims|cannot be parsed)"
    ):
        read_checkpoint(path)


def test_a_header_alone_may_be_too_long_even_if_the_file_has_it(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "a.safetensors", b" " * ((16 << 20) + 1))
    with pytest.raises(CheckpointError, match="header claims 16,777,217 bytes"):
        read_checkpoint(path)


def test_too_many_tensors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TENSORS", 10)
    header = {f"t{i}": entry([1], i, i + 1, "U8") for i in range(11)}
    with pytest.raises(CheckpointError, match="claims 11 tensors, more than the 10 allowed"):
        read_checkpoint(write_safetensors(tmp_path / "a.safetensors", header, bytes(11)))


def test_a_file_that_was_cut_short_is_damaged_wherever_the_cut(tmp_path: Path, pretrained: Tower) -> None:
    save_checkpoint(tmp_path / "whole.safetensors", pretrained)
    content = (tmp_path / "whole.safetensors").read_bytes()
    for length in (1, 7, 8, 20, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.safetensors").write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"cut\.safetensors is damaged"):
            read_checkpoint(tmp_path / "cut.safetensors")


def test_a_file_cut_short_while_it_is_read_is_damaged(
    tmp_path: Path, pretrained: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mapped file would end the process with SIGBUS here."""
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained)
    loads = json.loads

    def cut_then_parse(text: str, **options: object) -> object:
        os.truncate(path, path.stat().st_size - 4)
        return loads(text, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(json, "loads", cut_then_parse)
    with pytest.raises(CheckpointError, match="became shorter while it was read"):
        read_checkpoint(path)


def test_a_pytorch_file_under_the_wrong_name_is_recognised(tmp_path: Path, pretrained: Tower) -> None:
    torch.save(pretrained, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"is a PyTorch file by its content: name it \.pt"):
        read_checkpoint(tmp_path / "a.safetensors")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused_never_a_crash(
    tmp_path: Path, make_tower: Callable[..., Tower], position: int, byte: int
) -> None:
    path = tmp_path / "a.safetensors"
    if not path.exists():
        save_checkpoint(path, {"a": torch.ones(3), "b": torch.ones(2, 2)}, {"recipe": "x"})
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    (tmp_path / "b.safetensors").write_bytes(content)
    try:
        tensors = read_checkpoint(tmp_path / "b.safetensors")
    except CheckpointError:
        return
    assert sum(tensor.nbytes for tensor in tensors.values()) == 28


# --- PyTorch files ---


class Payload:
    """Unpickling this would call `os.mkdir`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickled_module_is_refused_with_the_reason_and_the_way_out(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(
        CheckpointError,
        match=r"a pickled torch\.nn\.modules\.linear\.Linear, which could run code .*: torch\.save\(model",
    ):
        read_checkpoint(tmp_path / "a.pt")


def test_a_file_that_would_run_code_does_not(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1), "b": Payload(tmp_path / "ran")}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    with pytest.raises(
        CheckpointError, match=r"holds a pickled \w+\.mkdir, which could run code when opened"
    ):
        read_checkpoint(tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"older than PyTorch 1\.6 and only a pickle"):
        read_checkpoint(tmp_path / "b.pt")
    assert not (tmp_path / "ran").exists()


def test_the_old_format_without_a_zip_is_refused(tmp_path: Path, pretrained: Tower) -> None:
    torch.save(pretrained, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"not a PyTorch zip file.*save it again with torch\.save"):
        read_checkpoint(tmp_path / "a.pt")


def rewritten(
    source: Path, target: Path, change: Callable[[str, bytes], bytes], compress: bool = False
) -> Path:
    """A copy of a PyTorch file with the records changed."""
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", kind) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def test_a_compressed_file_is_refused(tmp_path: Path) -> None:
    """A kilobyte may unpack to terabytes; torch.save never compresses."""
    torch.save({"a": torch.zeros(1000)}, tmp_path / "a.pt")
    path = rewritten(tmp_path / "a.pt", tmp_path / "b.pt", lambda _, data: data, compress=True)
    with pytest.raises(CheckpointError, match=r"it is compressed, which torch\.save never does"):
        read_checkpoint(path)


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    """The OpenAI downloads are of this kind. Made by hand: `torch.jit` is deprecated and warns."""
    torch.save({"a": torch.zeros(10)}, tmp_path / "a.pt")
    rewritten(tmp_path / "a.pt", tmp_path / "b.pt", lambda _, data: data)
    with zipfile.ZipFile(tmp_path / "b.pt", "a") as archive:
        archive.writestr("a/constants.pkl", b"")
    with pytest.raises(CheckpointError, match="is a TorchScript program, not a checkpoint"):
        read_checkpoint(tmp_path / "b.pt")


def test_a_storage_larger_than_its_record_is_damaged(tmp_path: Path) -> None:
    """Else memory beyond the record would be read."""
    torch.save({"a": torch.zeros(4)}, tmp_path / "a.pt")
    many = b"J" + struct.pack("<i", 50_000_000)

    def lie(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        changed = data.replace(b"cpuq\x06K\x04", b"cpuq\x06" + many).replace(
            b"K\x00K\x04\x85", b"K\x00" + many + b"\x85"
        )
        assert len(changed) == len(data) + 6
        return changed

    with pytest.raises(CheckpointError, match="is damaged: record size"):
        read_checkpoint(rewritten(tmp_path / "a.pt", tmp_path / "b.pt", lie))


def test_strides_of_zero_do_not_make_terabytes(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1).expand(1 << 20, 1 << 20)}, tmp_path / "a.pt")
    assert (tmp_path / "a.pt").stat().st_size < 4096
    with pytest.raises(CheckpointError, match="'a' claims more numbers than are stored"):
        read_checkpoint(tmp_path / "a.pt")


def test_many_tensors_of_one_storage_count_towards_the_limit(tmp_path: Path) -> None:
    """Tied weights are fine, ten thousand of them are not."""
    stored = torch.ones(1000)
    torch.save({"a": stored, "b": stored}, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt", max_bytes=10_000), {"a": stored, "b": stored})
    torch.save({f"t{i}": stored for i in range(20)}, tmp_path / "b.pt")
    with pytest.raises(CheckpointError, match="claims more than the 20,000 bytes allowed"):
        read_checkpoint(tmp_path / "b.pt", max_bytes=20_000)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([torch.ones(1)], "holds a list, not tensors by name"),
        (torch.ones(1), "holds a Tensor, not tensors by name"),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "holds no tensors"),
        ({"a": torch.ones(1), "epoch": 3}, "'epoch' is not a plain tensor but int"),
        ({"a": {"b": torch.ones(1)}}, "'a' is not a plain tensor but dict"),
        ({"a": torch.ones(2).to_sparse()}, "'a' is not a plain tensor but sparse_tensor"),
        ({"a\nb": torch.ones(1)}, r"names are printable ASCII text, .*found 'a\\nb'"),
        ({1: torch.ones(1)}, "names are printable ASCII text, .*found 1"),
        ({"a": torch.ones(2, device="meta")}, "'a' is not a plain tensor but meta_tensor_no_storage"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Sparse:UserWarning")
def test_pytorch_files_of_other_things_are_refused(tmp_path: Path, content: object, match: str) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=match):
        read_checkpoint(tmp_path / "a.pt")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore::UserWarning")  # what torch says about odd pickles
@given(position=st.integers(0, 10_000), change=st.binary(min_size=1, max_size=3))
def test_a_damaged_pytorch_file_is_read_or_refused_never_a_crash(
    tmp_path: Path, position: int, change: bytes
) -> None:
    if not (tmp_path / "a.pt").exists():
        torch.save({"a": torch.ones(3), "b": torch.ones(2, 2)}, tmp_path / "a.pt")

    def damage(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        at = position % len(data)
        return data[:at] + change + data[at + len(change) :]

    path = rewritten(tmp_path / "a.pt", tmp_path / "b.pt", damage)
    tensors, refusal = {}, ""
    try:
        tensors = read_checkpoint(path, max_bytes=1 << 20)
    except CheckpointError as error:
        refusal = str(error)
    assert "weights_only" not in refusal, "torch's advice to try without must not reach a visitor"
    assert sum(tensor.numel() * tensor.itemsize for tensor in tensors.values()) <= 1 << 20
    assert all(tensor.clone().shape == tensor.shape for tensor in tensors.values()), "readable to the end"


@pytest.mark.parametrize("length", [4, 30, 200, 600])
def test_a_pytorch_file_cut_short_is_damaged(tmp_path: Path, pretrained: Tower, length: int) -> None:
    torch.save(pretrained, tmp_path / "a.pt")
    content = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(content[:length])
    with pytest.raises(CheckpointError, match=r"a\.pt is damaged: "):
        read_checkpoint(tmp_path / "a.pt")


# --- comparing ---


def test_the_same_model_in_another_precision_and_order_fits(pretrained: Tower, finetuned: Tower) -> None:
    compare(pretrained, finetuned)
    compare(pretrained, {name: finetuned[name].half() for name in reversed(finetuned)})
    compare(pretrained, {name: tensor.bfloat16() for name, tensor in finetuned.items()})


def test_every_mismatch_is_named(pretrained: Tower, finetuned: Tower) -> None:
    block = "visual.transformer.resblocks"
    del finetuned["visual.ln_post.bias"]
    finetuned["visual.extra"] = torch.ones(1)
    finetuned["visual.proj"] = torch.ones(8, 5)
    finetuned[f"{block}.0.ln_1.weight"] = torch.ones(8, dtype=torch.int32)
    finetuned[f"{block}.1.ln_1.weight"] = torch.full((8,), math.nan)
    finetuned[f"{block}.2.ln_1.weight"] = torch.full((8,), -math.inf)
    with pytest.raises(CheckpointError, match="does not fit the chosen Tiny CLIP: ") as raised:
        compare(pretrained, finetuned, "Tiny CLIP")
    assert raised.value.mismatches == (
        "missing: visual.ln_post.bias",
        "unexpected: visual.extra",
        "wrong shape: visual.proj is (8, 5), expected (8, 6)",
        f"wrong dtype: {block}.0.ln_1.weight is int32, expected a floating-point type",
        f"not finite: {block}.1.ln_1.weight holds NaN or infinity",
        f"not finite: {block}.2.ln_1.weight holds NaN or infinity",
    )
    for kind in (
        "missing: visual.ln_post.bias;",
        "unexpected: visual.extra;",
        "wrong shape: visual.proj is (8, 5)",
    ):
        assert kind in str(raised.value)


def test_another_number_of_blocks_is_said_first(make_tower: Callable[..., Tower]) -> None:
    with pytest.raises(
        CheckpointError, match="chosen ViT-B-32: 24 blocks, the chosen ViT-B-32 has 12: pick"
    ) as raised:
        compare(make_tower(12), make_tower(24), "ViT-B-32")
    assert len(raised.value.mismatches) == 1 + 12 * 5
    assert "and 55 more" in str(raised.value)


def test_complex_bool_and_float8_weights_are_refused(pretrained: Tower, finetuned: Tower) -> None:
    for dtype in (torch.complex64, torch.bool, torch.float8_e4m3fn):
        changed = finetuned | {"visual.proj": finetuned["visual.proj"].to(dtype)}
        with pytest.raises(
            CheckpointError, match=r"wrong dtype: visual\.proj is (complex64|bool|float8_e4m3fn)"
        ):
            compare(pretrained, changed)


@pytest.mark.parametrize(
    ("given_prefix", "wanted", "removed"),
    [("model.visual.", "''", "'model.'"), ("module.visual.", "''", "'module.'"), ("", "'visual.'", "''")],
)
def test_a_prefix_too_many_is_pointed_out(
    make_tower: Callable[..., Tower], given_prefix: str, wanted: str, removed: str
) -> None:
    with pytest.raises(CheckpointError, match=f"would fit with {wanted} in place of the prefix {removed}"):
        compare(make_tower(), make_tower(prefix=given_prefix))


def test_nothing_fits_a_checkpoint_of_something_else(pretrained: Tower) -> None:
    with pytest.raises(CheckpointError, match=r"missing: .* and 23 more; unexpected: weight\.") as raised:
        compare(pretrained, {"weight": torch.ones(1)})
    assert len(raised.value.mismatches) == len(pretrained) + 1


# --- writing ---


def test_what_is_saved_is_read_by_us_and_by_the_library(tmp_path: Path, pretrained: Tower) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained, {"recipe": '{"alpha": 0.3}'})
    assert equal(read_checkpoint(path), pretrained)
    assert equal(safetensors.torch.load_file(path), pretrained)
    assert read_metadata(path) == {"recipe": '{"alpha": 0.3}'}
    save_checkpoint(path, {"a": torch.ones(1)})
    assert equal(read_checkpoint(path), {"a": torch.ones(1)})
    assert read_metadata(path) == {}


def test_shapes_are_read_from_the_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {"matrix": torch.zeros(2, 3), "scalar": torch.tensor(1.0)}
    save_checkpoint(path, tensors)
    assert read_shapes(path) == {"matrix": (2, 3), "scalar": ()}
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        read_shapes(path)


def test_views_tied_weights_and_parameters_are_written_out(tmp_path: Path) -> None:
    tower = nn.Module()
    tower.wte = nn.Embedding(3, 2)
    tower.h = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    adopt(tower)
    tensors = {**dict(tower.named_parameters()), "tied": tower.wte.weight, "strided": torch.ones(2, 3).t()}
    save_checkpoint(tmp_path / "a.safetensors", tensors)
    assert equal(
        read_checkpoint(tmp_path / "a.safetensors"),
        {name: tensor.detach() for name, tensor in tensors.items()},
    )


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, pretrained: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, pretrained)

    def disk_full(tensors: object, filename: Path, metadata: object) -> None:
        Path(filename).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", disk_full)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(path, {"a": torch.ones(1)})
    assert equal(read_checkpoint(path), pretrained)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    good = {"a": torch.ones(1)}
    with pytest.raises(CheckpointError, match=r"a\.pt must end in \.safetensors"):
        save_checkpoint(tmp_path / "a.pt", good)
    with pytest.raises(CheckpointError, match=r"No folder .*nowhere"):
        save_checkpoint(tmp_path / "nowhere" / "a.safetensors", good)
    with pytest.raises(CheckpointError, match="no tensors were given"):
        save_checkpoint(tmp_path / "a.safetensors", {})
    with pytest.raises(CheckpointError, match="Metadata must be text"):
        save_checkpoint(tmp_path / "a.safetensors", good, {"alpha": 0.3})  # type: ignore[dict-item]
    assert not list(tmp_path.iterdir())


def test_metadata_of_a_damaged_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"1234")
    with pytest.raises(CheckpointError, match="damaged: it ends before its header"):
        read_metadata(tmp_path / "a.safetensors")
