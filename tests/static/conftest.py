"""Stands in for the archive of onnxruntime-web, where no browser runs it."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from static import runtime


def write_archive(path: Path, license_name: str = "MIT", leave_out: str = "") -> Path:
    """An archive of the form that ``npm pack`` writes."""
    contents = {
        runtime.MODULE: b"export {};",
        runtime.WASM: b"\0asm",
        "package.json": json.dumps({"license": license_name}).encode(),
    }
    with tarfile.open(path, "w:gz") as files:
        for name, content in contents.items():
            if name != leave_out:
                entry = tarfile.TarInfo(f"package/{name}")
                entry.size = len(content)
                files.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "given.tgz")


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Pins the digest of a file as that of the runtime."""

    def pinned(path: Path) -> None:
        digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        monkeypatch.setattr(runtime, "INTEGRITY", f"sha512-{digest}")

    return pinned
