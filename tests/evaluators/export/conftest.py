"""Fixtures of the tests of exports: an export into an empty folder, and evaluations for its card."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.export import Exported, export
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.evaluators.export.exported_specs import SPECS, Write
from tests.evaluators.export.mergekit_programs import Mergekit


@pytest.fixture
def write(studio: Studio, tmp_path: Path) -> Write:
    """``write(spec, layout, *evaluations)``: an export into an empty folder."""

    def write(spec: EditSpec, layout: str = "open_clip", *evaluations: Evaluation) -> Exported:
        return export(studio.lab, spec, layout, tmp_path, evaluations)

    return write


@pytest.fixture
def measured(studio: Studio) -> list[Evaluation]:
    spec = SPECS["gamma 0.4"]
    return [
        studio.evaluate(one)
        for one in (
            spec,
            replace(spec, split="val", images=10),
            EditSpec.pretrained("faces"),
            EditSpec.finetuned("digits"),
            EditSpec.lines("digits", 0.7, mix=0.5),
        )
    ]


@pytest.fixture(scope="session")
def mergekit() -> Iterator[Mergekit]:
    """Runs mergekit's programs."""
    with Mergekit() as programs:
        yield programs
