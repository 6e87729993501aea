"""open_clip is imported without packages that take seconds, and they can be imported afterwards."""

import json
import subprocess
import sys

import pytest

from tests.paths import ROOT

LATER = ("timm", "transformers", "torch._dynamo", "torchvision.transforms")
PROGRAM = """
import json, os, sys
from evaluators.encoder.open_clip_import import import_open_clip
open_clip = import_open_clip()
assert import_open_clip() is open_clip is sys.modules["open_clip"]
print(json.dumps([*sys.modules]), flush=True)
for package in sys.argv[1:]:
    child = os.fork()  # each is the first to be imported afterwards
    if not child:
        __import__(package)
        print(json.dumps(sys.modules[package].__name__), flush=True)
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0, package
"""


@pytest.fixture(scope="module")
def said() -> list[object]:
    """What a fresh Python prints: its modules after the import, and each package imported later."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *LATER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_nothing_slow_is_imported(said: list[object]) -> None:
    """If this fails after an update: find out by ``-X importtime`` who imports the package now, and why."""
    modules = said[0]
    assert isinstance(modules, list)
    assert "open_clip" in modules
    assert {"timm", "transformers", "torch._dynamo", "sympy"}.isdisjoint(modules)


def test_the_packages_can_be_imported_later(said: list[object]) -> None:
    assert said[1:] == [*LATER]
