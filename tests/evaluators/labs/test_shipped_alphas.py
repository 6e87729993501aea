"""Alphas that ship: taken as they are while the lab is the one that they were computed with."""

from pathlib import Path

import pytest
import torch

from evaluators.errors import LabError
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.shipped_alphas import FILE, read_alphas, save_alphas
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha
from tests.conftest import make_lab


@pytest.fixture
def own_lab(tmp_path: Path) -> Path:
    """A lab that may be changed."""
    return make_lab(tmp_path)


MERGE = MergeSpec(("digits", "faces"))
WRONG = MergingAlpha(7.0, 14.0, 1.0, 2)
"""Nothing that could be computed."""


def opened(lab: Path) -> EmbeddedLab:
    return EmbeddedLab(lab, None, torch.device("cpu"), torch.float32, 50)


def alpha(lab: EmbeddedLab, merge: MergeSpec = MERGE) -> float:
    return lab.merging_alpha(merge, lambda: None, None).alpha


def test_an_alpha_that_ships_needs_no_encoder(own_lab: Path) -> None:
    path = own_lab / "sweeps" / FILE
    path.parent.mkdir(exist_ok=True)
    assert alpha(opened(own_lab)) == 0.5
    save_alphas(path, opened(own_lab).fingerprint(), {MERGE: WRONG})
    lab = opened(own_lab)
    assert alpha(lab) == 7.0
    assert lab._encoder is None
    assert alpha(lab, MergeSpec(("digits", "faces"), "average")) == 1.0
    save_alphas(path, "of another lab", {MERGE: WRONG})
    assert alpha(opened(own_lab)) == 0.5


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert read_alphas(tmp_path / FILE, lambda: "") == {}
    for text in ("{", "[]", '{"fingerprint": "", "alphas": [{}]}'):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(LabError, match="holds no alphas of merges"):
            read_alphas(tmp_path / FILE, lambda: "")
