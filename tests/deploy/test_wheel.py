"""The wheel, built offline from the source distribution and installed beside torch and safetensors alone."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.deploy.clean_environment import ROOT, linked_environment, requirement_lines
from tests.test_requirements import pins, ranges

BUNDLE = "lines_cli/explorer"
LIBRARY = ("lines_core", "lines_cli")
APP = ("app.py", "assets", "evaluators", "serving", "static", "ui")
METADATA = (
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "requirements.txt",
    "requirements-ray.txt",
    "requirements-static.txt",
    "setup.py",
)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without the variables that would add the checkout to Python's path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_python(python: Path | str, code: str, folder: Path) -> str:
    """What a piece of code prints. Asserts that it succeeds."""
    result = run([str(python), "-c", code], folder)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources in which the files of ``assets`` are empty, since packing them takes seconds."""
    folder = tmp_path_factory.mktemp("source")
    for name in (*LIBRARY, *APP, *METADATA):
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)
            continue
        copy = (lambda _, target: Path(target).touch()) if name == "assets" else shutil.copy
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore, copy_function=copy)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as ``python -m build --no-isolation`` makes it: from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run_python(
        sys.executable, f"from setuptools import build_meta as b; b.build_sdist({str(folder)!r})", source
    )
    (archive,) = folder.glob("*.tar.gz")
    command = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    built = run([*command, "--wheel-dir", str(folder), str(archive)], folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("lines_explorer-*.whl")
    return wheel


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def library(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel, torch and safetensors, and what torch requires."""
    python = linked_environment(tmp_path_factory.mktemp("library"), ["torch", "safetensors"])
    command = [sys.executable, "-m", "pip", f"--python={python}", "install", "--no-index", "--no-deps"]
    installed = run([*command, str(wheel)], python.parent)
    assert installed.returncode == 0, installed.stderr
    return python


def test_the_wheel_holds_the_library_and_the_app_and_nothing_else(source: Path, wheel: Path) -> None:
    """``build`` and ``*.egg-info`` lie beside the sources by now, so only the folders are compared."""
    expected = {
        prefix + file.relative_to(source).as_posix()
        for names, prefix in ((LIBRARY, ""), (APP, f"{BUNDLE}/"))
        for name in names
        for file in ([source / name] if (source / name).is_file() else (source / name).rglob("*"))
        if file.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert {name for name in names if ".dist-info/" not in name} == expected


def requirements_of(metadata: Message, extra: str) -> list[str]:
    """The requirements of one extra, "" for those of the library, as requirements.txt writes them.

    setuptools sorts the two ends of a range.
    """
    lines = []
    for line in metadata.get_all("Requires-Dist", []):
        marker = re.search(r"""(?:;| and) extra == ["'](\w+)["']$""", line)
        if (marker[1] if marker else "") == extra:
            line = line[: marker.start()] if marker else line
            lines.append(re.sub(r"(<[\d.]+),(>=[\d.]+)", r"\2,\1", line))
    return lines


def test_extras_are_the_requirements_files(metadata: Message) -> None:
    assert {re.split("[><=]", line)[0] for line in requirements_of(metadata, "")} == {"torch", "safetensors"}
    assert requirements_of(metadata, "app") == requirement_lines("requirements.txt")
    assert requirements_of(metadata, "ray") == requirement_lines("requirements-ray.txt")
    assert requirements_of(metadata, "static") == requirement_lines("requirements-static.txt")


def test_no_older_torch_and_safetensors_are_allowed_than_the_suite_runs_with(metadata: Message) -> None:
    library = dict(line.split(">=") for line in requirements_of(metadata, ""))
    assert library["torch"] == ranges("requirements.txt")["torch"][0]
    assert dict(pins("requirements.txt"))["safetensors"].startswith(f"{library['safetensors']}.")


def test_the_library_works_with_torch_and_safetensors_alone(library: Path, tmp_path: Path) -> None:
    code = (
        "import torch, lines_core\n"
        "tau = {f'visual.transformer.resblocks.{i}.mlp.c_fc.weight': torch.ones(1) for i in range(3)}\n"
        "print([float(x) for x in lines_core.line_scaling(tau, alpha=0.5, beta=0.5).values()])\n"
        "print(lines_core.__file__)"
    )
    scales, file = run_python(library, code, tmp_path).splitlines()
    assert scales == "[0.5, 0.75, 1.0]"
    assert Path(file).is_relative_to(library.parents[1])
    for absent in ("gradio", "open_clip", "numpy", "ui"):
        assert f"No module named '{absent}'" in run([str(library), "-c", f"import {absent}"], tmp_path).stderr


def test_the_command_without_the_app_lists_its_subcommands_and_says_what_is_missing(
    library: Path, metadata: Message, tmp_path: Path
) -> None:
    command = str(library.with_name("lines"))
    assert "prefetch" in run([command, "--help"], tmp_path).stdout
    assert run([command, "--version"], tmp_path).stdout == f"lines-explorer {metadata['Version']}\n"
    refused = run([command, "app"], tmp_path)
    assert (refused.returncode, "pip install 'lines-explorer[app]'" in refused.stderr) == (1, True)
    assert "checkout" in run([command, "bench"], tmp_path).stderr


def test_the_app_of_the_wheel_finds_its_packages_and_keeps_its_cache_elsewhere(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site-packages")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site-packages')!r})\n"
        "import lines_cli; lines_cli.app_folder(); import app, serving, ui\n"
        "print(app.ROOT, lines_cli.default_cache(), (app.ROOT / 'assets/tiny_clip').is_dir(), sep='\\n')"
    )
    root, cache, assets = run_python(sys.executable, code, tmp_path).splitlines()
    assert root == str(tmp_path / "site-packages" / BUNDLE)
    assert cache == str(Path.home() / ".cache/lines-explorer")
    assert assets == "True"
