"""Requirements files: every line is pinned, and every import of the sources is among them."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pins(name: str) -> Iterator[tuple[str, str]]:
    """Project and version of each line of a requirements file."""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        requirement = line.partition("#")[0].partition(";")[0].strip()
        if requirement and not requirement.startswith("-r "):
            project, separator, version = requirement.partition("==")
            assert separator, f"{name}: {requirement!r} is not pinned with =="
            yield re.sub(r"[-_.]+", "-", project).lower(), version


def imports_of(*folders: str) -> set[str]:
    """Top-level names that the sources of some folders or files import, the repository's own left out."""
    files = [file for folder in folders for file in [ROOT / folder, *(ROOT / folder).rglob("*.py")]]
    names: set[str] = set()
    for file in files:
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    own = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}
    return names - own - sys.stdlib_module_names


def projects_by_import() -> dict[str, set[str]]:
    """Top-level name -> projects that install it (3.10's `packages_distributions` misses most of them)."""
    found: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions():
        project = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        for file in distribution.files or []:
            found.setdefault(file.parts[0].removesuffix(".py"), set()).add(project)
    return found


@pytest.mark.parametrize(
    ("folders", "files"),
    [
        (("app.py", "lines_cli", "serving", "ui", "evaluators", "lines_core"), ["requirements.txt"]),
        (("static",), ["requirements.txt", "requirements-static.txt"]),
        (
            ("setup.py", "tests", "benchmarks", "training"),
            ["requirements.txt", "requirements-static.txt", "requirements-dev.txt"],
        ),
    ],
    ids=["app", "static", "dev"],
)
def test_every_import_is_pinned(folders: tuple[str, ...], files: list[str]) -> None:
    pinned = {project for file in files for project, _ in pins(file)}
    project_of = projects_by_import()
    for name in sorted(imports_of(*folders)):
        projects = project_of.get(name, set())
        assert projects & pinned, f"{name} (of {sorted(projects)}) is imported, but {files} do not pin it"
