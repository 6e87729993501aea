"""Canonical form, JSON and checks of a ``MergeSpec``."""

import json
import re
from typing import Any

import pytest

from evaluators.errors import SpecError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec

THREE = ("faces", "digits", "scenes")


def test_equal_merges_are_equal_values() -> None:
    one = MergeSpec(("faces", "digits"), "ties", (("density", 0.2),))
    other = MergeSpec(("digits", "faces"), "ties", ())
    assert one == other
    assert hash(one) == hash(other)
    assert one.checkpoints == ("digits", "faces")
    assert dict(one.settings)["density"] == 0.2


def test_weights_go_with_their_checkpoints() -> None:
    """Equal ones are no weights, so that links and stored results of before hold."""
    one = MergeSpec(("faces", "digits"), weights=(0.5, 2.0))
    assert one.weights == (2.0, 0.5)
    assert one == MergeSpec(("digits", "faces"), weights=(2.0, 0.5))
    assert MergeSpec(THREE, weights=(1, 1.0, 1)) == MergeSpec(THREE)
    assert MergeSpec(THREE).factors == (1.0, 1.0, 1.0)
    assert "weights" not in MergeSpec(THREE).as_dict()
    assert MergeSpec.from_dict(json.loads(json.dumps(one.as_dict()))) == one
    assert EditSpec.merged(one).key() != EditSpec.merged(MergeSpec(("faces", "digits"))).key()


def test_target_tasks_of_a_merge() -> None:
    assert MergeSpec(THREE).tasks == ("digits", "faces", "scenes")
    assert MergeSpec(("soup-01.objects", "soup-02.objects"), "average").tasks == ("objects",)
    assert MergeSpec(THREE, "tall-masks", task="faces").tasks == ("faces",)


def test_the_edit_of_a_merge() -> None:
    merge = MergeSpec(THREE)
    spec = EditSpec.merged(merge, 0.25, 0.5, shape="sqrt")
    assert (spec.checkpoint, spec.alpha, spec.beta) == ("digits", 0.25, 0.5)
    assert spec.targets == ("digits", "faces", "scenes")
    assert spec.sources == merge.checkpoints
    assert spec == EditSpec(checkpoint="elsewhere", alpha=0.25, beta=0.5, shape="sqrt", merge=merge)
    masks = EditSpec.merged(MergeSpec(THREE, "tall-masks", task="scenes"))
    assert (masks.checkpoint, masks.targets) == ("scenes", ("scenes",))
    plain = EditSpec("tiny-clip", "digits")
    assert (plain.targets, plain.sources) == (("digits",), ("digits",))


def test_dictionary_round_trip_through_json() -> None:
    spec = EditSpec.merged(MergeSpec(THREE, "ties", (("density", 0.35), ("agg", 1.0))), 0.2, 1.4)
    assert EditSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec
    assert spec.key() != EditSpec.merged(MergeSpec(THREE, "ties"), 0.2, 1.4).key()
    assert "merge" not in EditSpec().as_dict()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"checkpoints": ()}, "takes 1 to 100 checkpoints"),
        ({"checkpoints": "digits"}, "must be a list of names"),
        ({"checkpoints": ("digits", 3)}, "must be a list of names"),
        ({"checkpoints": ("digits", "../x")}, "each a short name"),
        ({"checkpoints": ("digits", "digits")}, "only once"),
        ({"checkpoints": THREE, "weights": (1.0,)}, "a list of 3 numbers"),
        ({"checkpoints": THREE, "weights": (1.0, 2.0, float("nan"))}, "a number from -10 to 10, got nan"),
        ({"checkpoints": THREE, "weights": (1.0, 2.0, True)}, "a number from -10 to 10, got True"),
        ({"checkpoints": THREE, "method": "magic"}, "method must be one of sum"),
        ({"checkpoints": THREE, "method": "ties", "settings": (("density", 3.0),)}, "TIES: density must be"),
        ({"checkpoints": THREE, "method": "ties", "settings": (("colour", 3.0),)}, "TIES: "),
        ({"checkpoints": THREE, "settings": (("density", 0.2),)}, "Task arithmetic: "),
        ({"checkpoints": THREE, "method": "slerp"}, "Slerp takes exactly 2 models, got 3"),
        ({"checkpoints": ("digits",), "method": "slerp"}, "takes exactly 2 models, got 1: choose 2"),
        ({"checkpoints": THREE, "method": "ties", "settings": ((1, 2, 3),)}, "TIES: "),
        ({"checkpoints": THREE, "task": "digits"}, "one model for all tasks"),
        ({"checkpoints": THREE, "method": "tall-masks"}, "name the checkpoint of the task"),
        ({"checkpoints": THREE, "method": "tall-masks", "task": "cars"}, "got 'cars'"),
    ],
)
def test_invalid_merges_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        MergeSpec(**values)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"method": "sum"}, "A merge has checkpoints, method, settings, task and weights"),
        ({"checkpoints": list(THREE), "extra": 1}, "got 'checkpoints', 'extra'"),
        ({"checkpoints": list(THREE), "settings": [1]}, "mapping from name to value"),
    ],
)
def test_invalid_json_is_refused(plain: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        EditSpec.from_dict({"merge": plain})


def test_another_type_is_no_merge() -> None:
    with pytest.raises(SpecError, match="merge must be a MergeSpec"):
        EditSpec(merge="digits")  # type: ignore[arg-type]
