"""A virtual environment that holds what requirements.txt brings along and nothing else, made of links.

Whatever this machine has installed beside it, for tests or otherwise, cannot be imported there. The real
thing, installed from the index, is `make space`: minutes and gigabytes.
"""

import importlib.metadata
import re
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
Extras = frozenset[str]


def requirement(line: str) -> tuple[str, Extras, Extras]:
    """The project that a requirement names, the extras it asks for, and those it is made for.

    Other conditions (Python's version, the platform) are not looked at: what is not for this machine is not
    installed on it either.

    >>> requirement('uvicorn[standard]>=0.14; sys_platform != "emscripten" and extra == "web"')
    ('uvicorn', frozenset({'standard'}), frozenset({'web'}))
    """
    match = re.match(r"([\w.-]+)\s*(?:\[([^]]*)\])?[^;]*;?(.*)", line)
    assert match, f"{line!r} is not a requirement"
    extras = frozenset(re.findall(r"[\w.-]+", match[2] or ""))
    return canonical(match[1]), extras, frozenset(re.findall(r"""extra\s*==\s*['"]([^'"]+)""", match[3]))


def canonical(project: str) -> str:
    """The name of a project as indexes write it."""
    return re.sub(r"[-_.]+", "-", project).lower()


def required() -> Iterator[importlib.metadata.Distribution]:
    """What requirements.txt names, and whatever that requires in turn, as far as it is installed here."""
    installed = {canonical(one.metadata["Name"]): one for one in importlib.metadata.distributions()}
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    waiting = [requirement(line)[:2] for line in lines if line]
    seen: set[tuple[str, Extras]] = set()
    while waiting:
        project, extras = waiting.pop()
        if (project, extras) in seen or project not in installed:
            continue
        if not any(project == other for other, _ in seen):
            yield installed[project]
        seen.add((project, extras))
        for line in installed[project].requires or []:
            needed, asked, made_for = requirement(line)
            if not made_for or made_for & extras:
                waiting.append((needed, asked))


def linked_environment(folder: Path) -> Path:
    """Make the environment. Returns: its Python. Cost: a tenth of a second and no space."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    here = Path(sysconfig.get_path("purelib"))
    for distribution in required():
        for name in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            source = Path(str(distribution.locate_file(name)))
            assert source.is_relative_to(here), f"{source} is not in {here}"
            if source.exists() and not (packages / name).exists():
                (packages / name).symlink_to(source)
    return python
