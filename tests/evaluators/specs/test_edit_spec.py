"""Scales, canonical form, keys and checks of an ``EditSpec``."""

import json
import math
import pickle
from typing import Any

import pytest

from evaluators.specs.edit_spec import EditSpec
from lines_core.errors import LinesError


def test_lines_ties_beta_to_gamma() -> None:
    scales = EditSpec.lines("digits", 0.25).scales(4)
    assert scales.blocks == (0.25, 0.5, 0.75, 1.0)
    assert (scales.before, scales.after) == (0.25, 0.25)  # ln_post and proj too, as the reference does


def test_pretrained_and_finetuned_are_all_or_nothing() -> None:
    assert EditSpec.pretrained("digits").scales(3) == ((0.0, 0.0, 0.0), 0.0, 0.0)
    assert EditSpec.finetuned("digits").scales(3) == ((1.0, 1.0, 1.0), 1.0, 1.0)
    assert EditSpec.lines("digits", 1.0).scales(3) == EditSpec.finetuned("digits").scales(3)


def test_mix_multiplies_blocks_and_outside() -> None:
    assert EditSpec.wise_ft("digits", 0.5).scales(2) == ((0.5, 0.5), 0.5, 0.5)
    robust = EditSpec(alpha=0.5, beta=0.5, mix=0.5, outside="finetuned").scales(3)
    assert robust == ((0.25, 0.375, 0.5), 0.5, 0.5)


@pytest.mark.parametrize(
    ("outside", "ends"),
    [("alpha", (0.2, 0.2)), ("depth", (1.0, 0.2)), ("pretrained", (0.0, 0.0)), ("finetuned", (1.0, 1.0))],
)
def test_reverse_shrinks_the_deep_blocks(outside: str, ends: tuple[float, float]) -> None:
    scales = EditSpec.lines("digits", 0.2, shape="reverse", outside=outside).scales(3)
    assert scales.blocks == pytest.approx((1.0, 0.6, 0.2))
    assert (scales.before, scales.after) == pytest.approx(ends)


def test_free_form_gives_each_block_its_own_scale() -> None:
    spec = EditSpec(shape="free", alpha=0.0, free_form=(1, -0.0, 0.5))
    assert spec.scales(3).blocks == (1.0, 0.0, 0.5)
    with pytest.raises(LinesError, match=r"free_form has 3 scales, the encoder 4 blocks"):
        spec.scales(4)


def test_numbers_have_one_form() -> None:
    """A slider's 0.30000000000000004, an integer 1 and a negative zero are no cache entries of their own."""
    assert EditSpec(alpha=0.1 + 0.2) == EditSpec(alpha=0.3)
    assert EditSpec(alpha=1, beta=0) == EditSpec(alpha=1.0, beta=0.0)
    spec = EditSpec(alpha=-0.0, mix=-0.0)
    assert math.copysign(1, spec.alpha) == math.copysign(1, spec.mix) == 1.0
    assert spec.key() == EditSpec(alpha=0.0, mix=0.0).key()
    assert EditSpec.lines("digits", 0.9).beta == 0.1
    assert all(math.copysign(1, x) == 1 for x in EditSpec(alpha=-1.0, mix=0.0).scales(2).blocks)


def test_key_is_stable_and_tells_every_field_apart() -> None:
    """The key names files and rows that outlive the program: it must not change by accident."""
    assert EditSpec().key() == "a7b072bace4573ea0b0389fa9b7bbb67e6b474846a66ba2ce33243eb28960c8a"
    changes: list[dict[str, Any]] = [
        {},
        {"model": "other"},
        {"checkpoint": "faces"},
        {"shape": "sqrt"},
        {"alpha": 0.5},
        {"beta": 0.5},
        {"outside": "depth"},
        {"mix": 0.5},
        {"split": "val"},
        {"images": 100},
        {"shape": "free", "free_form": (1.0,)},
        {"shape": "free", "free_form": (1.0, 1.0)},
    ]
    keys = [EditSpec(**change).key() for change in changes]
    assert len(set(keys)) == len(changes)


def test_dictionary_round_trip_through_json() -> None:
    for spec in (EditSpec(), EditSpec(shape="free", free_form=(0.0, 0.5), split="val", images=0)):
        plain = json.loads(json.dumps(spec.as_dict()))
        assert EditSpec.from_dict(plain) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec
    assert EditSpec.from_dict({"alpha": 0.5}) == EditSpec(alpha=0.5)
    with pytest.raises(LinesError, match=r"no setting 'gamma'"):
        EditSpec.from_dict({"gamma": 0.5})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alpha": math.nan}, r"alpha must be finite and between -10 and 10, got nan"),
        ({"beta": math.inf}, r"beta must be finite"),
        ({"mix": -10.5}, r"mix must be finite and between"),
        ({"alpha": "0.5"}, r"alpha must be a number, got '0.5'"),
        ({"alpha": True}, r"alpha must be a number, got True"),
        ({"alpha": None}, r"alpha must be a number"),
        ({"shape": "cubic"}, r"shape must be one of linear, .*, free, got 'cubic'"),
        ({"shape": ["linear"]}, r"shape must be one of"),
        ({"outside": "beta"}, r"outside must be one of alpha, depth, pretrained, finetuned, got 'beta'"),
        ({"split": "train"}, r"split must be one of val, test, got 'train'"),
        ({"images": -1}, r"images must be a whole number"),
        ({"images": 10.0}, r"images must be a whole number"),
        ({"images": True}, r"images must be a whole number"),
        ({"checkpoint": "../../etc/passwd"}, r"checkpoint must be a short name"),
        ({"checkpoint": ""}, r"checkpoint must be a short name"),
        ({"model": 3}, r"model must be a short name"),
        ({"shape": "free"}, r"free_form goes with shape 'free'"),
        ({"free_form": (1.0, 0.0)}, r"free_form goes with shape 'free'"),
        ({"shape": "free", "free_form": ()}, r"free_form must list one scale a block"),
        ({"shape": "free", "free_form": "11"}, r"free_form must list one scale a block"),
        ({"shape": "free", "free_form": (0.0, math.nan)}, r"free_form\[1\] must be finite"),
    ],
)
def test_invalid_specs_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(LinesError, match=message):
        EditSpec(**wrong)
    with pytest.raises(LinesError, match=message):
        EditSpec.from_dict(wrong)


def test_gamma_is_checked_before_it_is_used() -> None:
    with pytest.raises(LinesError, match=r"gamma must be a number, got '1'"):
        EditSpec.lines("digits", "1")  # type: ignore[arg-type]
