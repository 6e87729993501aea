"""The clock jumps: nothing here waits, expires or is found stale by the time of day."""

import ast
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.paths import ROOT

from .children import CHUNK, counts

YEAR = 365 * 86_400.0


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_jump_of_a_year_changes_nothing(
    lab: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    jump: float,
) -> None:
    now = time.time
    studio = Studio(lab, tmp_path, chunk=CHUNK)
    studio.evaluate(specs[0])
    stream = studio.stream(specs[1], studio.ticket("me"))
    next(stream)
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    assert counts(list(stream)[-1]) == truth[1]
    assert studio.cached(specs[0]) is not None
    studio._results.close()
    again = Studio(lab, tmp_path, chunk=CHUNK)
    assert [counts(found) for spec in specs if (found := again.cached(spec)) is not None] == truth[:2]
    again._results.close()


def uses_of_the_time_of_day(source: str) -> list[int]:
    """Lines that ask for the time of day."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name in ("time.time", "time.time_ns") or name.endswith(("datetime.now", "datetime.utcnow")):
                lines.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            lines += [node.lineno for one in node.names if one.name in ("time", "time_ns")]
    return lines


def test_nobody_asks_for_the_time_of_day() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("evaluators", "lines_core", "static", "ui")
        for path in (ROOT / package).rglob("*.py")
        for line in uses_of_the_time_of_day(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_that_test_can_fail() -> None:
    source = "import time\nfrom time import time\nx = time.time()\ny = datetime.datetime.now()\n"
    assert sorted(uses_of_the_time_of_day(source)) == [2, 3, 4]
