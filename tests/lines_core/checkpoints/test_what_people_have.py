"""Checkpoint files of the kinds in public bug reports: the tensors that come out, or the message."""

import argparse
import json
import pickle
import re
import tarfile
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from lines_core.checkpoints import open_checkpoint, read_checkpoint
from lines_core.errors import CheckpointError, ChoiceError
from tests.lines_core.checkpoints.equality import equal

W = {"visual.proj": torch.arange(6.0).view(2, 3), "logit_scale": torch.tensor(4.6)}
AVERAGE = {name: tensor + 1 for name, tensor in W.items()}
ADAM = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}


def under(prefix: str, tensors: Mapping[str, Tensor] = W) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


class Options(dict[str, Any]):
    """A dictionary of a class of its own, as of EasyDict; reading must not need the class."""


READ: dict[str, tuple[Any, tuple[str, ...]]] = {
    # strays beside the tensors and around them
    "numpy scalar": ({"state_dict": W, "best": np.float32(0.5)}, ("'state_dict'", r"'best' \(numpy")),
    "numpy generator": ({"model": W, "rng": np.random.default_rng(0).bit_generator.state}, ("'rng'",)),
    "options": ({"model": W, "args": argparse.Namespace(lr=0.1)}, (r"'args' \(argparse.Namespace\)",)),
    "simple options": ({"model": W, "cfg": SimpleNamespace(a=1)}, (r"SimpleNamespace\)",)),
    "path": ({"state_dict": W, "output": Path("/tmp")}, (r"'output' \(pathlib.*Path\)",)),
    "none inside": ({**W, "visual.bias": None}, (r"'visual.bias' \(None\)",)),
    "int inside": ({**W, "epoch": 3}, (r"'epoch' \(int\)",)),
    "options inside": ({**W, "args": argparse.Namespace()}, (r"'args' \(argparse.Namespace\)",)),
    "empty tensor": ({**W, "visual.mask": torch.empty(0, 3)}, (r"'visual.mask' \(empty Tensor\)",)),
    "function": ({"model": W, "activation": torch.nn.functional.gelu}, ("'activation'",)),
    "dtype and device": ({"model": W, "dtype": torch.float16, "device": torch.device("cpu")}, ("'dtype'",)),
    "optimiser": ({"model": W, "optimizer": ADAM, "epoch": 3}, (r"'optimizer' \(dict\), 'epoch' \(int\)",)),
    "mean beside": ({"state_dict": W, "mean": torch.ones(3)}, (r"'mean' \(Tensor\)",)),
    "attributes on a parameter": ({n: nn.Parameter(t) for n, t in W.items()}, ()),
    # containers
    **{
        name: ({name: W}, (f"read from '{name}'",))
        for name in ("state_dict", "model", "model_state_dict", "net", "module", "params", "ema", "weights")
    },
    "two deep": ({"checkpoint": {"model": W}, "iter": 1}, ("read from 'checkpoint.model'",)),
    "ordered": (OrderedDict(state_dict=OrderedDict(W)), ()),
    "defaultdict": ({"model": defaultdict(int, W)}, ("read from 'model'",)),
    "own dictionary": (Options(state_dict=Options(W)), ("read from 'state_dict'",)),
    "same one twice": (
        {"model": W, "state_dict": W, "epoch": 3},
        (r"read from 'model'; not read: 'state_dict' \(the same tensors\), 'epoch' \(int\)",),
    ),
    # prefixes of wrappers
    "distributed": (under("module."), ("without 'module.'",)),
    "compiled": (under("_orig_mod."), ("without '_orig_mod.'",)),
    "both": ({"state_dict": under("module._orig_mod.")}, ("'module.' and '_orig_mod.'",)),
    "both, otherwise": (under("_orig_mod.module."), ()),
    "compiled inside": ({"visual._orig_mod.proj": W["visual.proj"], "logit_scale": W["logit_scale"]}, ()),
    "fsdp": (under("_fsdp_wrapped_module._checkpoint_wrapped_module."), ("_fsdp_wrapped_module",)),
    # how tensors are stored
    "transposed": ({**W, "visual.proj": W["visual.proj"].t().contiguous().t()}, ()),
    "part of a larger one": ({**W, "visual.proj": torch.arange(9.0)[:6].view(2, 3)}, ()),
    "shared": ({**W, "visual.proj": torch.stack([W["visual.proj"]] * 2)[1]}, ()),
}
"""Kind -> what is saved, and parts of the notes; what is read is always `W`."""


@pytest.mark.parametrize("kind", READ)
def test_is_read_and_what_was_set_aside_is_said(tmp_path: Path, kind: str) -> None:
    content, said = READ[kind]
    torch.save(content, tmp_path / "a.pt")
    contents = open_checkpoint(tmp_path / "a.pt")
    assert equal(contents.tensors(), W)
    assert equal(read_checkpoint(tmp_path / "a.pt"), W)
    for words in said:
        assert re.search(words, "; ".join(contents.notes()))


def test_nothing_is_said_where_nothing_was_set_aside(tmp_path: Path) -> None:
    torch.save(W, tmp_path / "a.pt")
    assert open_checkpoint(tmp_path / "a.pt").notes() == ()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_that_torch_can_be_told_to_write(tmp_path: Path, protocol: int) -> None:
    content = {"model": W, "kinds": {1, 2}, "fixed": frozenset("ab"), "args": argparse.Namespace(lr=0.1)}
    torch.save(content, tmp_path / "a.pt", pickle_protocol=protocol)
    assert equal(read_checkpoint(tmp_path / "a.pt"), W)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool])
def test_dtypes_of_the_file_are_kept(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in W.items()}
    torch.save(tensors, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt"), tensors)


SEVERAL: dict[str, tuple[Any, tuple[str, str]]] = {
    "timm": ({"state_dict": W, "state_dict_ema": AVERAGE, "epoch": 3}, ("state_dict", "state_dict_ema")),
    "model and ema": ({"model": W, "ema": under("module.", AVERAGE)}, ("model", "ema")),
    "basicsr": ({"params": W, "params_ema": AVERAGE}, ("params", "params_ema")),
    "dino": (
        {"student": under("module."), "teacher": AVERAGE, "dino_loss": {"center": torch.ones(2)}},
        ("student", "teacher"),
    ),
    "names of one table": ({**under("student."), **under("teacher.", AVERAGE)}, ("student", "teacher")),
    "lightning": (
        {"state_dict": {**under("model."), **under("ema_model.", AVERAGE)}},
        ("state_dict.model", "state_dict.ema_model"),
    ),
    "two networks": ({"encoder": W, "decoder": AVERAGE}, ("encoder", "decoder")),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_of_several_models_the_visitor_chooses(tmp_path: Path, kind: str) -> None:
    content, (one, other) = SEVERAL[kind]
    path = tmp_path / "a.pt"
    torch.save(content, path)
    assert open_checkpoint(path).candidates == (one, other)
    with pytest.raises(ChoiceError, match=rf"holds 2 models, '{one}', '{other}': choose one") as raised:
        read_checkpoint(path)
    assert raised.value.candidates == (one, other)
    assert equal(read_checkpoint(path, choose=one), W)
    assert equal(read_checkpoint(path, choose=other), AVERAGE)
    with pytest.raises(ChoiceError, match="it has no 'elsewhere'"):
        read_checkpoint(path, choose="elsewhere")
    torch.save({"state_dict": W, "ema": W}, path)
    with pytest.raises(ChoiceError, match="holds 1 model, 'state_dict': it has no 'ema'"):
        read_checkpoint(path, choose="ema")


def test_safetensors_hold_an_average_too(tmp_path: Path) -> None:
    tensors = {**under("model."), **under("model_ema.", AVERAGE), "num_updates": torch.tensor(3)}
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors")
    contents = open_checkpoint(tmp_path / "a.safetensors")
    assert contents.candidates == ("model", "model_ema")
    assert equal(contents.tensors("model_ema"), AVERAGE)
    assert "not read: 'num_updates'" in "; ".join(contents.notes("model"))


def test_encoder_and_decoder_of_one_model_are_not_taken_for_two(tmp_path: Path) -> None:
    tensors = {**under("encoder."), **under("decoder.", AVERAGE)}
    torch.save(tensors, tmp_path / "a.pt")
    assert equal(read_checkpoint(tmp_path / "a.pt"), tensors)


def test_an_unreadable_weight_refuses_its_model_and_no_other(tmp_path: Path) -> None:
    sparse = {**W, "visual.mask": torch.eye(2).to_sparse()}
    torch.save({"model": sparse, "ema": AVERAGE}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"'visual\.mask' is not a plain tensor but sparse_tensor"):
        read_checkpoint(tmp_path / "a.pt", choose="model")
    assert equal(read_checkpoint(tmp_path / "a.pt", choose="ema"), AVERAGE)


def zip_of(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"x" * 100)

    return write


def tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "sys_info")


def before_1_6(path: Path) -> None:
    torch.save(W, path, _use_new_zipfile_serialization=False)


OTHER: dict[str, tuple[str, bytes | Callable[[Path], None], str]] = {
    "lfs": (
        "a.pt",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 605247071\n",
        r"a git-lfs pointer, not the file of 605,247,071 bytes that it stands for\. Run git lfs pull",
    ),
    "lfs, safetensors": ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "git-lfs pointer"),
    "web page": (
        "a.pt",
        b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
        "a web page, not a checkpoint",
    ),
    "web page, safetensors": ("a.safetensors", b"<html><head></head></html>", "a web page"),
    "answer of a server": (
        "a.pt",
        b"Invalid username or password.",
        "it begins 'Invalid username or password.'",
    ),
    "json": ("a.bin", b'{"error": "Repository not found"}', "a JSON text, not a checkpoint"),
    "index": ("a.json", json.dumps({"weight_map": {"a": "b"}}).encode(), "an index of several weight files"),
    "gguf": ("a.gguf", b"GGUF\3\0\0\0" + bytes(40), "a GGUF file of llama.cpp"),
    "keras": ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(40), "an HDF5 file"),
    "onnx": ("a.onnx", b"\x08\x07\x12\x07pytorch" + bytes(40), "an ONNX graph"),
    "flax": ("flax_model.msgpack", b"\x85\xa6params" + bytes(40), "weights of Flax"),
    "npz": ("a.npz", lambda path: np.savez(path, a=np.ones(3)), "an .npz file of NumPy arrays"),
    "npy": ("a.bin", b"\x93NUMPY\1\0" + bytes(40), "one NumPy array"),
    "tar": ("a.tar", tar, "a tar archive"),
    "gzip": ("a.pt", b"\x1f\x8b\x08\0" + bytes(40), "a gzip file. Unpack it"),
    "old torch": ("a.pth", before_1_6, r"torch\.save before PyTorch 1\.6.*save it again"),
    "pickle": ("a.pkl", pickle.dumps({"a": [1.0]}), r"a pickle, but not of torch\.save"),
    "zip of checkpoints": (
        "a.zip",
        zip_of("x/model.safetensors"),
        r"a zip file with 'x/model\.safetensors' in it",
    ),
    "other zip": ("a.pt", zip_of("x/y"), r"a zip file, but not one that torch\.save writes"),
}
"""Kind -> name, content, and what the message says."""


@pytest.mark.parametrize("kind", OTHER)
def test_what_is_no_checkpoint_is_called_by_its_name(tmp_path: Path, kind: str) -> None:
    name, content, words = OTHER[kind]
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    with pytest.raises(CheckpointError, match=words) as raised:
        read_checkpoint(path)
    assert "damaged" not in str(raised.value)


def sharded(folder: Path) -> Path:
    """Two files and their index, as transformers writes them."""
    shards = {name: f"model-0000{i}-of-00002.safetensors" for i, name in enumerate(W, 1)}
    for name, shard in shards.items():
        safetensors.torch.save_file({name: W[name]}, folder / shard)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 28}, "weight_map": shards}))
    return index


def test_shards_are_read_by_their_folder_and_by_their_index(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    assert equal(read_checkpoint(tmp_path), W)
    assert equal(read_checkpoint(index), W)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"1 of them is missing: 'model-00002-of-00002\.safetensors'"):
        read_checkpoint(tmp_path)


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    safetensors.torch.save_file(
        {**under("student."), **under("teacher.", AVERAGE)}, tmp_path / "x.safetensors"
    )
    assert open_checkpoint(tmp_path).candidates == ("student", "teacher")
    assert equal(read_checkpoint(tmp_path, choose="teacher"), AVERAGE)
