"""Requirements files: every line is pinned or constrained, and every import of the sources is among them."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


CONSTRAINTS = ("constraints.txt", "constraints-zerogpu.txt")


def specifiers(name: str) -> Iterator[tuple[str, str]]:
    """Project and version specifier of each line of a requirements file."""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        requirement = line.partition("#")[0].partition(";")[0].strip()
        if requirement and not requirement.startswith("-r "):
            project, specifier = re.findall(r"^([\w.-]+)(.*)$", requirement)[0]
            yield re.sub(r"[-_.]+", "-", project).lower(), specifier


def pins(name: str) -> Iterator[tuple[str, str]]:
    """Project and version of each line of a requirements file; of a range, the version for `make`."""
    constrained = dict(specifiers("constraints.txt"))
    for project, specifier in specifiers(name):
        exact = specifier if specifier.startswith("==") else constrained.get(project, "")
        assert exact.startswith("=="), (
            f"{name}: {project}{specifier} is neither pinned with == nor constrained"
        )
        yield project, exact.removeprefix("==")


def ranges(name: str) -> dict[str, tuple[str, str]]:
    """Lowest version, and the first one above, of each project that a requirements file gives a range."""
    found = {}
    for project, specifier in specifiers(name):
        if not specifier.startswith("=="):
            found[project] = re.findall(r"^>=([\d.]+),<([\d.]+)$", specifier)[0]
    return found


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


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
            [
                "requirements.txt",
                "requirements-static.txt",
                "requirements-ray.txt",
                "requirements-dev.txt",
            ],
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


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_pin_each_range_within_it(name: str) -> None:
    allowed = ranges("requirements.txt")
    pinned = dict(pins(name))
    assert set(pinned) == set(allowed) == {"torch", "torchvision"}
    for project, (lowest, above) in allowed.items():
        assert numbers(lowest) <= numbers(pinned[project]) < numbers(above), (project, name)


def test_the_lowest_version_of_each_range_is_a_constraint() -> None:
    """Nothing older is claimed to work than what continuous integration installs."""
    oldest = dict(pins("constraints-zerogpu.txt"))
    for project, (lowest, _) in ranges("requirements.txt").items():
        assert oldest[project].startswith(f"{lowest}."), project


def test_docker_installs_the_constrained_torch_from_its_own_index() -> None:
    """Without a pin, pip would be called without packages, and the next call takes torch from PyPI."""
    pattern, name = re.findall(r"\$\(grep -E '([^']+)' (\S+)\)", (ROOT / "Dockerfile").read_text("utf-8"))[0]
    lines = (ROOT / name).read_text("utf-8").splitlines()
    found = [line for line in lines if re.search(pattern, line)]
    assert found == [f"{project}=={version}" for project, version in pins("constraints.txt")]
