"""Fixtures of the studio's tests."""

import shutil
from pathlib import Path

import pytest
import torch

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.conftest import CHUNK
from tests.evaluators.service.measured_specs import SPECS, Counts, counts


@pytest.fixture
def encoded(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Images of each forward pass of ``studio``, as they happen."""
    passes: list[int] = []
    encode = studio.lab.encoder.encode

    def counted(images: torch.Tensor) -> torch.Tensor:
        passes.append(len(images))
        return encode(images)

    monkeypatch.setattr(studio.lab.encoder, "encode", counted)
    return passes


@pytest.fixture
def own_lab(lab: Path, tmp_path: Path) -> Path:
    """A copy of the lab that a test may damage."""
    return Path(shutil.copytree(lab, tmp_path / "lab"))


@pytest.fixture(scope="module")
def truth(lab: Path) -> dict[EditSpec, Counts]:
    """Counts of each spec, each from a studio of its own that has done nothing else."""
    return {spec: counts(Studio(lab, None, chunk=CHUNK).evaluate(spec)) for spec in SPECS}
