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


AT_ONCE = """
import importlib.abc, sys, threading
from evaluators.encoder.open_clip_import import import_open_clip, import_transformers

class Meanwhile(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == "open_clip" and not other.ident:
            other.start()
            other.join(1.0)  # time in which it would fail
        return None

found = []
other = threading.Thread(target=lambda: found.append(import_transformers().T5Config.__name__))
sys.meta_path.insert(0, Meanwhile())
import_open_clip()
other.join()
print(found)
"""


def test_transformers_can_be_imported_at_the_same_time() -> None:
    """A visitor of Text came while the image encoder was being read: "import of transformers halted"."""
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "['T5Config']\n", done.stderr
