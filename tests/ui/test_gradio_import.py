"""Gradio is imported without a look at the stubs of its components."""

import json
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

PROGRAM = """
import inspect, json, sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from ui.gradio_import import import_gradio
import_gradio()
import gradio
print(json.dumps([path for path in opened if path.endswith(".pyi")] + [inspect.getfile(gradio.Slider)]))
"""


def test_no_stub_is_read_or_written() -> None:
    """And afterwards the file of a component is known again."""
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [Path(path).name for path in json.loads(done.stdout)] == ["slider.py"]
