"""open_clip is imported without packages that take seconds, and they can be imported afterwards."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

IMPORT = """
import sys
from evaluators.encoder.open_clip_import import import_open_clip
open_clip = import_open_clip()
assert import_open_clip() is open_clip is sys.modules["open_clip"]
"""


def run(program: str) -> list[str]:
    """Words that a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT + program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_nothing_slow_is_imported() -> None:
    """If this fails after an update: find out by ``-X importtime`` who imports the package now, and why."""
    slow = {"timm", "transformers", "torch._dynamo", "sympy"}
    assert slow.isdisjoint(run("print(*sys.modules)"))


@pytest.mark.parametrize("package", ["timm", "transformers", "torch._dynamo", "torchvision.transforms"])
def test_the_packages_can_be_imported_later(package: str) -> None:
    assert run(f"import {package}\nprint({package}.__name__)") == [package]
