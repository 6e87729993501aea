"""A virtual environment of links to some installed projects and all that these require, and nothing else.

Whatever else this machine has installed, for tests or otherwise, cannot be imported there. The same installed
from the index is `make space`: minutes and gigabytes.
"""

import importlib.metadata
import re
import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
Extras = frozenset[str]


def requirement(line: str) -> tuple[str, Extras, Extras]:
    """The project that a requirement names, the extras it asks for, and the extras that it belongs to.

    Other markers (Python's version, the platform) are ignored: what is not for this machine is not installed
    on it either.

    >>> requirement('uvicorn[standard]>=0.14; sys_platform != "emscripten" and extra == "web"')
    ('uvicorn', frozenset({'standard'}), frozenset({'web'}))
    """
    match = re.match(r"([\w.-]+)\s*(?:\[([^]]*)\])?[^;]*;?(.*)", line)
    assert match, f"{line!r} is not a requirement"
    extras = frozenset(re.findall(r"[\w.-]+", match[2] or ""))
    return canonical(match[1]), extras, frozenset(re.findall(r"""extra\s*==\s*['"]([^'"]+)""", match[3]))


def canonical(project: str) -> str:
    """The normalised name of a project."""
    return re.sub(r"[-_.]+", "-", project).lower()


def requirement_lines(name: str) -> list[str]:
    """The requirements in a file of the repository, without comments."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    return [line for line in lines if line]


def required(requirements: Iterable[str]) -> Iterator[importlib.metadata.Distribution]:
    """The installed distributions among some requirements and all that these require in turn."""
    installed = {canonical(found.metadata["Name"]): found for found in importlib.metadata.distributions()}
    waiting = [requirement(line)[:2] for line in requirements]
    seen: set[tuple[str, Extras]] = set()
    while waiting:
        project, extras = waiting.pop()
        if (project, extras) in seen or project not in installed:
            continue
        if not any(project == other for other, _ in seen):
            yield installed[project]
        seen.add((project, extras))
        for line in installed[project].requires or []:
            needed, asked, belongs_to = requirement(line)
            if not belongs_to or belongs_to & extras:
                waiting.append((needed, asked))


def linked_environment(folder: Path, requirements: Iterable[str]) -> Path:
    """Make the environment. Returns: its Python. Cost: a tenth of a second and no space."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    installed = Path(sysconfig.get_path("purelib"))
    for distribution in required(requirements):
        for name in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            source = Path(str(distribution.locate_file(name)))
            assert source.is_relative_to(installed), f"{source} is not in {installed}"
            if source.exists() and not (packages / name).exists():
                (packages / name).symlink_to(source)
    return python
