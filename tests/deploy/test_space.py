"""The page as a Gradio Space starts it: requirements.txt and no more, no home, nothing to write to."""

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
from gradio_client import Client

from tests.browser.driving import free_port
from tests.deploy.clean_environment import (
    ROOT,
    canonical,
    linked_environment,
    required,
    requirement_lines,
)
from tests.deploy.starting import started

PARTS = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
"""Files and folders that go into the image, so that this shows that they are enough."""
USER = 61234
"""A user without an entry in the password file, so that nobody can look up a home."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may enter, which those of pytest are not."""
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
    """A copy of what the page runs on, nothing of which may be written to."""
    folder = place / "checkout"
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    for one in (*folder.rglob("*"), folder):
        one.chmod(0o555 if one.is_dir() else 0o444)
    return folder


@pytest.fixture(scope="module")
def scratch(place: Path) -> Path:
    """A folder for temporary files that every user may write to."""
    folder = place / "scratch"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def as_somebody_else(python: Path) -> list[str]:
    """What to put before a command so that it runs without root's rights; nothing if these are not held.

    Where Python itself lies in a folder that only root may enter, the right to read everything is kept.
    """
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and without setpriv no other user can be taken on")
    command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    for kept in (
        ["--inh-caps=-all"],
        ["--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"],
    ):
        asked = [*command, *kept, str(python), "-c", "import json; print(json.__file__)"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if found == json.__file__:  # a Python that cannot read its own folder would take the system's
            return [*command, *kept]
    pytest.skip("root may write anywhere, and no other user can run this Python")


def listing(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of everything below a folder."""
    return {one: (one.stat().st_size, one.stat().st_mtime_ns) for one in folder.rglob("*")}


@pytest.mark.parametrize(
    ("home", "alpha"),
    [(None, 0.3141), ("/nonexistent", 0.5)],
    ids=["no home, measured anew", "a home that cannot be made, known"],
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
    command = [*as_somebody_else(python), str(python), "app.py"]
    with started(command, port, checkout, environment, tmp_path / "output") as page:
        with urllib.request.urlopen(f"{page.address}/config") as reply:
            assert b"somebody/lines-explorer" in reply.read()
        with closing(Client(page.address, verbose=False, analytics_enabled=False)) as visitor:
            answer = visitor.predict(alpha=alpha, beta=1 - alpha, api_name="/evaluate")
        assert answer["coefficients"][0] == pytest.approx(alpha)
        assert answer["target"] > answer["control"] > 0.3
        assert page.process.poll() is None
        # Gradio looks for `spaces`, which a Gradio Space installs by itself; nothing else may go wrong
        assert page.said().count("Traceback") == page.said().count("hot-reloading in Spaces")
    assert listing(checkout) == before


def test_the_environment_holds_the_closure_of_the_requirements(python: Path) -> None:
    """What only the tests need is out of reach, and what the page needs is there."""
    names = {canonical(one.metadata["Name"]) for one in required(requirement_lines("requirements.txt"))}
    assert {"torch", "gradio", "open-clip-torch", "starlette", "sympy"} <= names
    assert names.isdisjoint({"pytest", "hypothesis", "playwright", "ruff", "mypy"})

    def imports(module: str) -> str:
        found = subprocess.run(
            [python, "-c", f"import {module}"], capture_output=True, text=True, check=False
        )
        return found.stderr

    assert imports("torch, starlette") == ""
    assert "No module named 'pytest'" in imports("pytest")
