"""Imports point down, from lines_cli to lines_core as `LAYERS` says; only app.py reads the environment.

The sources are parsed, not run, so an import inside a function or under ``TYPE_CHECKING`` counts
too. The second half plants bad sources and shows that each rule can fail.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    "lines_core",
    "evaluators",
    "ui",
    "static",
    "serving",
    "app",
    "lines_cli",
)  # lowest first: a layer imports itself and what is before it
SUBFOLDERS = {  # the same inside a layer: a folder imports itself and the folders before it
    "evaluators": (
        "specs",
        "zoo",
        "data",
        "encoder",
        "labs",
        "hub",
        "engine",
        "service",
        "policies",
        "experiments",
        "export",
    ),
    "ui": (
        "shell",
        "chart_files",
        "live",
        "address",
        "sweep",
        "export",
        "pictures",
        "explore",
        "forgetting",
        "robust",
        "tune",
        "merge",
        "learned",
        "soup",
        "rewarded",
        "compared",
        "models",
        "language",
        "about",
        "start",
        "api",
        "layout",
    ),
}
BESIDE = ("training", "benchmarks", "tests")  # may import any layer, no layer may import them
ARITHMETIC_ONLY = frozenset({"torch", "safetensors", "lines_core"}) | sys.stdlib_module_names
FORBIDDEN = {  # folder -> libraries that belong elsewhere
    "evaluators": frozenset({"gradio", "gradio_client", "plotly"}),
}
ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})
ENVIRONMENT_FREE = ("lines_core", "evaluators", "ui", "static", "serving", "training")


def imported_modules(tree: ast.AST, path: PurePosixPath) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every module that a source imports, relative imports resolved.

    ``from . import x`` in ``ui/explore/bars_figure.py`` gives ``ui.explore.x``. A call of
    ``import_module`` or ``__import__`` with a literal name counts as an import of that name.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            package = path.parts[: len(path.parts) - node.level] if node.level else ()
            base = [*package, node.module] if node.module else [*package]
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def violations(source: str, path: PurePosixPath) -> list[str]:
    """Every broken rule of one source, as "path:line: what"; ``path`` is relative to the repository."""
    tree = ast.parse(source)
    layer = path.parts[0].removesuffix(".py")
    above = {*LAYERS[LAYERS.index(layer) + 1 :], *BESIDE} if layer in LAYERS else set()
    subfolders = SUBFOLDERS.get(layer, ())
    subfolder = path.parts[1] if len(path.parts) > 2 else ""
    higher = subfolders[subfolders.index(subfolder) + 1 :] if subfolder in subfolders else ()
    forbidden = {name for folder, names in FORBIDDEN.items() if path.is_relative_to(folder) for name in names}
    found = []
    for line, module in imported_modules(tree, path):
        top = module.partition(".")[0]
        if top in above:
            found.append(f"{path}:{line}: {layer} imports {module}, imports point down only")
        elif top == layer and module.split(".")[1:2] and module.split(".")[1] in higher:
            found.append(f"{path}:{line}: {layer}/{subfolder} imports {module}, imports point down only")
        elif top in forbidden:
            found.append(f"{path}:{line}: {layer} imports {module}, which belongs elsewhere")
        elif path.stem.endswith(("_figure", "_figures")) and top in {"gradio", "gradio_client"}:
            found.append(f"{path}:{line}: {path.name} imports {module}, a figure is plain data")
        elif layer == "lines_core" and top not in ARITHMETIC_ONLY:
            found.append(f"{path}:{line}: lines_core imports {module}, it is torch, safetensors and stdlib")
    if layer in ENVIRONMENT_FREE:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                line, names = node.lineno, [node.attr]
            elif isinstance(node, ast.ImportFrom) and node.module == "os":
                line, names = node.lineno, [alias.name for alias in node.names]
            else:
                continue
            for name in ENVIRONMENT.intersection(names):
                found.append(f"{path}:{line}: reads the environment ({name}), only app.py may")
    return found


def sources() -> list[PurePosixPath]:
    folders = [*LAYERS, "training", "benchmarks"]
    files = [ROOT / "app.py", *(file for folder in folders for file in (ROOT / folder).rglob("*.py"))]
    return sorted(PurePosixPath(file.relative_to(ROOT).as_posix()) for file in files)


@pytest.mark.parametrize("path", sources(), ids=str)
def test_source_keeps_to_its_layer(path: PurePosixPath) -> None:
    assert violations((ROOT / path).read_text("utf-8"), path) == []


def test_every_layer_was_looked_at() -> None:
    assert {path.parts[0].removesuffix(".py") for path in sources()} >= set(LAYERS)


SHARED_NAMES = {"__init__.py", "__main__.py", "errors.py"}  # errors.py: the exceptions of a layer
MAX_LINES = 300
LONGER: dict[str, str] = {}  # product files of more lines that are one table, each with its reason


def test_product_files_have_unique_names_and_at_most_300_lines() -> None:
    folders = (*LAYERS, "training")
    files = sorted(
        file.relative_to(ROOT)
        for folder in folders
        for pattern in ("*.py", "*.js", "*.css")
        for file in (ROOT / folder).rglob(pattern)
    )
    names = Counter(file.name for file in files if file.name not in SHARED_NAMES)
    assert [name for name, count in names.items() if count > 1] == []
    long = {f"{file}" for file in files if len((ROOT / file).read_text("utf-8").splitlines()) > MAX_LINES}
    assert long <= set(LONGER)


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        (
            "lines_core/flat.py",
            "import evaluators.specs.edit_spec",
            "lines_core imports evaluators.specs.edit_spec",
        ),
        ("lines_core/flat.py", "import numpy as np", "lines_core imports numpy"),
        ("lines_core/flat.py", "from open_clip import create_model", "lines_core imports open_clip"),
        ("lines_core/merging/ties.py", "from ...ui import text", "lines_core imports ui.text"),
        (
            "evaluators/specs/edit_spec.py",
            "from ui.shell.text import title",
            "evaluators imports ui.shell.text.title",
        ),
        ("evaluators/specs/edit_spec.py", "import plotly.graph_objects as go", "evaluators imports plotly"),
        (
            "evaluators/specs/edit_spec.py",
            "def f():\n    import gradio",
            "evaluators/specs/edit_spec.py:2: evaluators imports gradio",
        ),
        ("evaluators/specs/edit_spec.py", "from ... import app", "evaluators imports app"),
        (
            "evaluators/data/image_subset.py",
            "from evaluators.service.studio import Studio",
            "evaluators/data imports evaluators.service.studio",
        ),
        (
            "evaluators/specs/edit_spec.py",
            "from ..hub import loader",
            "evaluators/specs imports evaluators.hub",
        ),
        ("ui/live/live_panel.py", "from serving.health import health", "ui imports serving.health"),
        ("ui/shell/text.py", "from ui.explore import presets", "ui/shell imports ui.explore"),
        ("ui/merge/merge_page.py", "from ui.layout import build", "ui/merge imports ui.layout"),
        (
            "evaluators/specs/edit_spec.py",
            "import importlib\nimportlib.import_module('ui')",
            "evaluators imports ui",
        ),
        ("evaluators/specs/edit_spec.py", "from training import world", "evaluators imports training"),
        ("ui/layout.py", "import app", "ui imports app"),
        ("ui/layout.py", "from static.runtime import fetch_runtime", "ui imports static.runtime"),
        ("app.py", "from lines_cli import default_cache", "app imports lines_cli.default_cache"),
        ("ui/layout.py", "from tests.conftest import tiny", "ui imports tests"),
        ("ui/explore/bars_figure.py", "import gradio as gr", "bars_figure.py imports gradio"),
        (
            "ui/explore/bars_figure.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gradio import HTML",
            "bars_figure.py imports gradio.HTML",
        ),
        (
            "ui/shell/theme.py",
            "import os\nroot = os.environ['HOME']",
            "ui/shell/theme.py:2: reads the environment",
        ),
        ("ui/shell/theme.py", "import os as system\nsystem.getenv('HOME')", "reads the environment (getenv)"),
        (
            "evaluators/service/result_store.py",
            "from os import environ as e",
            "reads the environment (environ)",
        ),
    ],
)
def test_planted_violation_is_found(path: str, source: str, message: str) -> None:
    (found,) = violations(source, PurePosixPath(path))
    assert message in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app.py", "import os\nimport ui.layout\nimport lines_core\nport = os.environ.get('PORT')"),
        ("ui/layout.py", "import gradio\nfrom evaluators import EditSpec\nfrom .shell import theme"),
        (
            "ui/explore/bars_figure.py",
            "import plotly.graph_objects\nfrom evaluators.specs.evaluation import Evaluation",
        ),
        (
            "evaluators/encoder/open_clip_folder.py",
            "import open_clip\nfrom lines_core import coefficients\nfrom ..specs.edit_spec import EditSpec",
        ),
        (
            "lines_core/merging/ties.py",
            "import math\nimport torch\nfrom ..flat import FlatLayout\nfrom .. import flat",
        ),
        ("benchmarks/page_latency.py", "import os\nimport app\nenvironment = dict(os.environ)"),
    ],
)
def test_allowed_source_passes(path: str, source: str) -> None:
    assert violations(source, PurePosixPath(path)) == []
