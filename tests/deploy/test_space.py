"""The page as a Gradio Space starts it: requirements.txt alone, no home folder, a read-only checkout."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.deploy.clean_environment import (
    ROOT,
    canonical,
    linked_environment,
    required,
    requirement_lines,
)
from tests.deploy.starting import free_port, started, visiting

PARTS = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
"""What goes into the container image; the tests run on a copy of nothing else."""
USER = 61234
"""A user without an entry in the password file, whose home cannot be looked up."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="lines-space-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def python(place: Path) -> Path:
    """Python of the clean environment: that of `make space`, or one made here."""
    given = os.environ.get("CLEAN_PYTHON")
    if given is not None:
        return Path(given)
    return linked_environment(place / "clean", requirement_lines("requirements.txt"))


@pytest.fixture(scope="module")
def checkout(place: Path) -> Path:
    """A read-only copy of what the page runs on."""
    folder = place / "checkout"
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


@pytest.fixture(scope="module")
def scratch(place: Path) -> Path:
    """A folder for temporary files that every user may write to."""
    folder = place / "scratch"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def unprivileged(python: Path) -> list[str]:
    """The prefix that makes a command run without root's rights; empty if the tests do not run as root.

    The right to read everything is kept if Python itself lies in a folder that only root may enter.
    """
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("the tests run as root, and there is no setpriv to drop its rights")
    command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    for kept in (
        ["--inh-caps=-all"],
        ["--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"],
    ):
        probe = [*command, *kept, str(python), "-c", "import json; print(json.__file__)"]
        imported = subprocess.run(probe, capture_output=True, text=True, check=False).stdout.strip()
        if imported == json.__file__:  # a Python that cannot read its own folder would take the system's
            return [*command, *kept]
    pytest.skip("the tests run as root, and no other user can run this Python")


def listing(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of everything below a folder."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("home", "alpha"),
    [(None, 0.3141), ("/nonexistent", 0.5)],
    ids=["no home, evaluated", "a home that cannot be made, cache hit"],
)
def test_page_of_a_space(
    home: str | None, alpha: float, python: Path, checkout: Path, scratch: Path, tmp_path: Path
) -> None:
    port = free_port()
    environment = {
        "PATH": os.defpath,
        "TMPDIR": str(scratch),
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/lines-explorer",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
    }
    if home is not None:
        environment["HOME"] = home
    before = listing(checkout)
    command = [*unprivileged(python), str(python), "app.py"]
    with started(command, port, checkout, environment, tmp_path / "output") as page:
        with urllib.request.urlopen(f"{page.address}/config") as reply:
            assert b"somebody/lines-explorer" in reply.read()
        with closing(visiting(page.address)) as visitor:
            answer = visitor.predict(alpha=alpha, beta=1 - alpha, api_name="/evaluate")
        assert answer["coefficients"][0] == pytest.approx(alpha)
        assert answer["target"] > answer["control"] > 0.3
        assert page.process.poll() is None
        # Gradio looks for `spaces`, which a Gradio Space installs by itself; nothing else may go wrong
        assert page.log().count("Traceback") == page.log().count("hot-reloading in Spaces")
    assert listing(checkout) == before


def test_the_environment_holds_the_closure_of_the_requirements(python: Path) -> None:
    """What only the tests need cannot be imported, and what the page needs can."""
    names = {canonical(found.metadata["Name"]) for found in required(requirement_lines("requirements.txt"))}
    assert {"torch", "gradio", "open-clip-torch", "starlette", "sympy"} <= names
    assert names.isdisjoint({"pytest", "hypothesis", "playwright", "ruff", "mypy"})

    def imports(module: str) -> str:
        command = [str(python), "-c", f"import {module}"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    assert imports("torch, starlette") == ""
    assert "No module named 'pytest'" in imports("pytest")
