"""What a file is that is no checkpoint: told from its first bytes, with what to do about it."""

import os
import re
from typing import BinaryIO

from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

_START = 1024
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "a GGUF file of llama.cpp, whose weights are usually quantised. Fetch the safetensors files"),
    (b"\x89HDF", "an HDF5 file, as of Keras. Save its weights as safetensors"),
    (b"\x93NUMPY", "one NumPy array. Save tensors by name, as safetensors"),
    (b"\x1f\x8b", "a gzip file. Unpack it first"),
    (b"BZh", "a bzip2 file. Unpack it first"),
    (b"\xfd7zXZ", "an xz file. Unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive. Unpack it first"),
    (b"Rar!", "a RAR archive. Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file. Unpack it first"),
    (b"%PDF", "a PDF document. Give the checkpoint itself"),
)
"""First bytes, and how a message goes on."""
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first object that ``torch.save`` wrote before PyTorch 1.6."""
_SUFFIXES = {
    ".onnx": "an ONNX graph. Give the PyTorch checkpoint it was exported from",
    ".msgpack": "weights of Flax. Fetch the safetensors file",
    ".pb": "a graph of TensorFlow. Fetch the safetensors file",
    ".tflite": "a graph of TensorFlow Lite. Fetch the safetensors file",
}
_SAVE_AGAIN = "Open it where you trust it and save it again: torch.save(model.state_dict(), path)"


def refuse_other_kinds(stream: BinaryIO, label: str) -> None:
    """Check that a file that is no zip file may be a safetensors file.

    Raises: CheckpointError that names what it is instead, or says that it is unknown.
    """
    stream.seek(0)
    start = stream.read(_START)
    size = os.fstat(stream.fileno()).st_size
    kind = _kind(start, size, label)
    if kind is None and start[8:9] != b"{" and not label.lower().endswith(".safetensors"):
        kind = (
            "neither a safetensors file nor one of torch.save, by its content. Give one of these: it may be "
            "damaged, or of another program"
        )
    if kind is not None:
        raise CheckpointError(f"{label} is {kind}.")


def _kind(start: bytes, size: int, label: str) -> str | None:
    if start.startswith(b"version https://git-lfs"):
        meant = re.search(rb"^size ([0-9]{1,15})$", start, re.MULTILINE)
        of = f" of {int(meant[1]):,} bytes" if meant else ""
        return (
            f"a git-lfs pointer, not the file{of} that it stands for. Run git lfs pull, or download the file"
        )
    if start.startswith(_OLD_TORCH):
        return f"in the format of torch.save before PyTorch 1.6. {_SAVE_AGAIN}"
    if start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return f"a pickle, but not of torch.save. {_SAVE_AGAIN}"
    if start[257:262] == b"ustar":
        return "a tar archive. Unpack it first; if torch.save wrote it, save it again with a newer PyTorch"
    for magic, kind in _KINDS:
        if start.startswith(magic):
            return kind
    if start[8:9] == b"{":
        return None  # a safetensors file, as far as one can tell
    for suffix, kind in _SUFFIXES.items():
        if label.lower().endswith(suffix):
            return kind
    return _text_kind(start, size)


def _text_kind(start: bytes, size: int) -> str | None:
    """What a text is; None if this is no text."""
    try:
        text = start[: _START - 4].decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
    if re.match(r"<(!doctype html|html|head|\?xml)\b", text, re.IGNORECASE):
        return (
            "a web page, not a checkpoint: the address was that of a page, or asked for a login. "
            "Download the file itself"
        )
    if text.startswith("{") and '"weight_map"' in text:
        return "an index of several weight files. Give the folder that they are in"
    if text.startswith(("{", "[")):
        return "a JSON text, not a checkpoint. Give the file of weights"
    if text and text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() and size > 8:
        return f"a text, not a checkpoint; it begins {quoted(text, 60)}. Download the file itself"
    return None
