import pytest

from evaluators.errors import SpecError
from evaluators.specs.edit_spec import EditSpec
from ui.explore.explore_controls import Controls
from ui.explore.free_form import factors_of, fits
from ui.explore.share_link import from_query

KNOWN = {"shape": ["linear", "sqrt", "free"], "outside": ["alpha", "depth"]}
WRONG = ["0.5", "0,0,0,0,0", "0.5,,0.5,1", "0.5,a,0.5,1", "0,nan,0,1", "0,0,0,1.51", "0,0,0,-0.01"]


def test_the_controls_describe_a_spec_whose_outside_follows_its_rule() -> None:
    controls = Controls(shape="free", free_form="0.1,0.2,1.5,0.4", gamma=0.7, mix=0.5)
    spec = controls.spec()
    assert spec.free_form == (0.1, 0.2, 1.5, 0.4)
    assert spec.scales(4).blocks == (0.05, 0.1, 0.75, 0.2)
    assert (spec.scales(4).before, spec.scales(4).after) == (0.05, 0.05)
    depth = Controls(shape="free", free_form="0.1,0.2,1.5,0.4", outside="depth").spec().scales(4)
    assert (depth.before, depth.after) == (0.1, 0.4)
    moved = Controls(shape="free", free_form="0.1,0.2,1.5,0.4", gamma=0.2, mix=0.5)
    assert moved.spec() == spec  # gamma is no part of it


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_list_in_a_link_is_named_and_changes_nothing(said: str) -> None:
    assert not fits(said, 4)
    controls, complaints = from_query({"shape": "free", "free": said}, KNOWN, Controls(), 4)
    assert controls == Controls()
    assert len(complaints) == 1
    assert "The link's free should be 4 numbers from 0 to 1.5, one a block" in complaints[0]


def test_a_link_says_the_shape_by_its_factors() -> None:
    controls, complaints = from_query({"free": "0,0.25,1,1.5"}, KNOWN, Controls(), 4)
    assert not complaints
    assert controls.spec() == EditSpec(shape="free", alpha=0.0, free_form=(0.0, 0.25, 1.0, 1.5))
    controls, complaints = from_query({"shape": "free"}, KNOWN, Controls(), 4)
    assert controls == Controls()
    assert complaints == ["The link's shape is free, but it has no factors free=…."]


@pytest.mark.parametrize("text", ["1e999", "x" * 9000, 5, "0.5;0.5"])
def test_what_is_no_list_of_factors_is_refused(text: object) -> None:
    with pytest.raises(
        SpecError,
        match=r"lists one factor a block from 0 to 1\.5, separated by commas, decimals with a point",
    ):
        factors_of(text)
