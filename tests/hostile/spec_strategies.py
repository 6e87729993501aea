"""Hypothesis strategies for JSON that is no valid edit, merge or link.

Shared by the tests, which draw a fixed number of examples, and ``benchmarks.fuzz``, which draws for minutes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from evaluators.errors import SpecError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.editing import OUTSIDE_RULES
from lines_core.merging import METHODS
from lines_core.schedules import SHAPES
from tests.hostile.odd_values import ODD_TEXTS, check_message, odd_numbers, odd_values
from ui.explore.explore_controls import Controls
from ui.explore.share_link import NAMES, from_query

_KNOWN: Mapping[str, tuple[object, ...]] = {
    "model": ("tiny-clip", "ViT-B-32"),
    "checkpoint": ("digits", "tall-masks.mnist"),
    "shape": tuple(SHAPES),
    "alpha": (0.0, 0.5, 1),
    "beta": (0.0, 0.5, -1),
    "outside": tuple(OUTSIDE_RULES),
    "mix": (0.0, 1.0),
    "split": ("val", "test"),
    "images": (0, 10),
    "free_form": (None,),
}

json_values = st.recursive(
    odd_values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["digits", "faces", "scenes"]) | st.sampled_from(ODD_TEXTS) | json_values


@st.composite
def merges(draw: st.DrawFn) -> Any:
    """What may stand where a merge is expected: a good one with up to two entries made odd."""
    method = METHODS[draw(st.sampled_from(sorted(METHODS)))]
    plain: dict[str, Any] = {
        "checkpoints": ["digits", "faces"],
        "method": method.key,
        "settings": {one.key: one.default for one in method.parameters},
        "task": "digits" if method.per_task else "",
    }
    for _ in range(draw(st.integers(0, 2))):
        match draw(
            st.sampled_from(["checkpoint", "setting", "setting", "task", "entry", "entry", "drop", "more"])
        ):
            case "checkpoint":
                plain["checkpoints"] = ["digits", draw(names)]
            case "setting":
                known = [one.key for one in method.parameters]
                key = draw(st.sampled_from([*known, *ODD_TEXTS]) if known else st.text(max_size=5))
                plain["settings"] = {key: draw(odd_numbers if draw(st.booleans()) else odd_values)}
            case "task":
                plain["task"] = draw(names)
            case "entry":
                plain[draw(st.sampled_from(["checkpoints", "method", "settings", "task", "weights"]))] = draw(
                    json_values
                )
            case "drop":
                plain.pop(draw(st.sampled_from(sorted(plain))), None)
            case "more":
                plain[draw(st.sampled_from(ODD_TEXTS))] = draw(json_values)
    return draw(json_values) if draw(st.integers(0, 15)) == 0 else plain


@st.composite
def edits(draw: st.DrawFn) -> Any:
    """What may stand where an edit is expected: good entries with up to two odd ones among them."""
    plain: dict[str, Any] = {field: draw(st.sampled_from(values)) for field, values in _KNOWN.items()}
    if draw(st.integers(0, 3)) == 0:
        plain |= {"shape": "free", "free_form": draw(st.lists(odd_numbers | st.floats(-1, 1), max_size=3))}
    if draw(st.integers(0, 3)) == 0:
        plain["merge"] = draw(merges())
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        field = draw(st.sampled_from([*_KNOWN, "other", "missing"]))
        match field:
            case "alpha" | "beta" | "mix" | "images":
                plain[field] = draw(odd_numbers)
            case "model" | "checkpoint" | "shape" | "outside" | "split" if draw(st.booleans()):
                plain[field] = draw(st.sampled_from(ODD_TEXTS))
            case "other":
                plain[draw(st.sampled_from(ODD_TEXTS))] = draw(json_values)
            case "missing":
                del plain[draw(st.sampled_from(sorted(plain)))]
            case _:
                plain[field] = draw(json_values)
    return draw(json_values) if draw(st.integers(0, 15)) == 0 else plain


links = st.dictionaries(
    st.sampled_from(sorted(NAMES)) | st.text(max_size=5),
    st.sampled_from(["digits", "linear", "0.5", "1"])
    | st.sampled_from(ODD_TEXTS)
    | st.text()
    | st.floats().map(str),
    max_size=8,
)
"""The query of a link; a browser sends text only."""

LINK_KEYS: Mapping[str, list[str]] = {
    "model": ["tiny-clip"],
    "checkpoint": [f"digits-{number}" for number in range(300)] + ["digits"],
    "shape": list(SHAPES),
    "outside": list(OUTSIDE_RULES),
}


def check_edit(plain: Any) -> bool:
    """Whether an edit was accepted: finite and the same after JSON, or else refused with a message.

    Raises: AssertionError, or whatever else the parser raises, if it was neither.
    """
    try:
        spec = EditSpec.from_dict(plain)
    except SpecError as error:
        check_message(str(error))
        return False
    assert EditSpec.from_dict(json.loads(json.dumps(spec.as_dict(), allow_nan=False))) == spec
    assert len(spec.key()) == 64
    assert hash(spec) == hash(EditSpec.from_dict(spec.as_dict()))
    if spec.free_form is None:
        scales = spec.scales(12)
        assert all(map(math.isfinite, (*scales.blocks, scales.before, scales.after)))
    for field in fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, str):
            assert value.isascii()
            assert "/" not in value
    return True


def check_merge(plain: Any) -> bool:
    """The same of a merge alone."""
    try:
        merge = MergeSpec.from_dict(plain)
    except SpecError as error:
        check_message(str(error))
        return False
    assert MergeSpec.from_dict(json.loads(json.dumps(merge.as_dict(), allow_nan=False))) == merge
    assert hash(merge) == hash(MergeSpec.from_dict(merge.as_dict()))
    return True


def check_link(query: Mapping[str, str]) -> bool:
    """Whether a link was followed without a complaint; with or without, what it opens is an edit."""
    controls, complaints = from_query(query, LINK_KEYS, Controls())
    spec = controls.spec()
    assert all(map(math.isfinite, (spec.alpha, spec.beta, spec.mix)))
    for complaint in complaints:
        check_message(complaint)
    return not complaints
