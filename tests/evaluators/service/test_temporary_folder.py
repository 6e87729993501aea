"""A service without a cache folder leaves nothing behind, however its process ends."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators import Studio
from evaluators.service.temporary_folder import temporary_folder
from tests.paths import ASSETS


class _Owner:
    pass


def test_it_goes_with_its_owner() -> None:
    owner = _Owner()
    folder = temporary_folder("test", owner)
    (folder / "file").write_text("content")
    del owner
    gc.collect()
    assert not folder.exists()


def test_it_goes_with_the_process() -> None:
    program = (
        "from evaluators.service.temporary_folder import temporary_folder; print(temporary_folder('test'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ASSETS.parent
    )
    assert done.stdout.strip()
    assert not Path(done.stdout.strip()).exists()


def test_a_service_in_memory_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    studio = Studio(ASSETS, None)
    assert list(tmp_path.iterdir())
    studio.close()
    del studio
    gc.collect()
    assert not list(tmp_path.iterdir())
