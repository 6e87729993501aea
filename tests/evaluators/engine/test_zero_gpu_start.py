"""What the app imports and opens on a ZeroGPU Space, and elsewhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.waiting import WATCHDOG

SPACES = "import sys\nassert 'torch' not in sys.modules\ndef GPU(*, duration): return lambda task: task\n"
"""A stand-in for the package that fails if torch was imported before it."""
DETECT = """
import json, sys
import app
lender = app.zero_gpu()
print(json.dumps([lender is not None, "spaces" in sys.modules, "torch" in sys.modules]))
"""
OPENING = """
import json
import app
studio, page = app.opened(None)
print(json.dumps([type(studio._engine).__name__ == "ZeroGpu", studio.lab.device.type, page._queue.max_size]))
"""


def run_python(script: str, folder: Path, environment: dict[str, str]) -> Any:
    """What a script prints as JSON, with a folder on its path."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": str(folder), "PATH": "", "HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=WATCHDOG,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("environment", "installed"),
    [
        ({}, True),
        ({"SPACES_ZERO_GPU": "false"}, True),
        ({"SPACES_ZERO_GPU": "true"}, False),
    ],
)
def test_elsewhere_neither_spaces_nor_torch_is_imported(
    tmp_path: Path, environment: dict[str, str], installed: bool
) -> None:
    if installed:
        (tmp_path / "spaces.py").write_text(SPACES)
    assert run_python(DETECT, tmp_path, environment) == [False, False, False]


def test_on_zero_gpu_the_page_opens_on_the_cpu(tmp_path: Path) -> None:
    """`spaces` comes before torch, this process uses no GPU, and more than one event may wait."""
    (tmp_path / "spaces.py").write_text(SPACES)
    assert run_python(OPENING, tmp_path, {"SPACES_ZERO_GPU": "true"}) == [True, "cpu", 64]
