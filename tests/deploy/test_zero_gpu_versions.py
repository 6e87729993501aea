"""What a ZeroGPU Space takes: the Python of the header, and the torch of its requirements file."""

import subprocess
from pathlib import Path

from huggingface_hub import SpaceHardware

from tests.deploy.clean_environment import ROOT, requirement_lines
from tests.test_repository import front_matter
from tests.test_requirements import pins

PYTHON = ("3.10.13", "3.12.12")
TORCH = ("2.8.0", "2.9.1", "2.10.0", "2.11.0")
"""Both as docs/hub/spaces-zerogpu.md of huggingface/hub-docs listed them on 2026-08-22."""


def test_the_header_names_a_python_and_the_hardware_of_zero_gpu() -> None:
    header = front_matter()
    assert header["python_version"] in PYTHON
    assert header["suggested_hardware"] == SpaceHardware.ZERO_A10G


def test_the_torch_is_the_newest_one_listed() -> None:
    assert dict(pins("constraints-zerogpu.txt"))["torch"] == TORCH[-1]


def test_make_zerogpu_writes_exact_versions_of_all_requirements(tmp_path: Path) -> None:
    """From the range pip took torch 2.13 though 2.11 was installed: the newest torchvision requires it."""
    subprocess.run(["make", "--silent", "zerogpu", f"DIST={tmp_path}"], cwd=ROOT, check=True)
    written = (tmp_path / "requirements.txt").read_text("utf-8").splitlines()
    others = [line for line in requirement_lines("requirements.txt") if not line.startswith("torch")]
    assert written == [*requirement_lines("constraints-zerogpu.txt"), *others]
    assert all("==" in line for line in written)
