"""Invalid input in place of an edit, a merge or a link: refused with a short message that names the field."""

import json
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from evaluators.errors import SpecError
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import MAX_BLOCKS, EditSpec
from evaluators.specs.merge_spec import NAME, MergeSpec
from lines_core.errors import LinesError
from lines_core.untrusted_text import excerpt, quoted
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.hostile.odd_values import ODD_TEXTS, check_message, short_id
from tests.hostile.spec_strategies import check_edit, check_link, check_merge
from ui.api import evaluate
from ui.explore.share_link import RANGES

MAX_SECONDS = 10.0
"""Of the thread's own time; most take less than 0.01."""
MEGABYTE = "x" * (1 << 20)
DIGITS = 10**5000
"""Python refuses to write it out, and cannot make it a float."""


def deep(levels: int = 900) -> list[Any]:
    """A list in a list in a list: writing it out recurses too far."""
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


WRONG: dict[str, Any] = {
    "a megabyte": MEGABYTE,
    "5000 digits": DIGITS,
    "minus 5000 digits": -DIGITS,
    "400 digits": 10**400,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "1e308": 1e308,
    "true": True,
    "nothing": None,
    "a list": ["digits"],
    "an empty list": [],
    "a table": {"a": 1},
    "a deep list": deep(),
    "a million numbers": [0.0] * 1_000_000,
    "a million texts": ["digits"] * 1_000_000,
    "bytes": b"digits",
    "half a character": "\ud800",
    "from right to left": "\u202edigits",
}
"""Nothing of it is a name, a shape, a number from -10 to 10 or a count."""
FIELDS = (
    "model",
    "checkpoint",
    "shape",
    "alpha",
    "beta",
    "outside",
    "mix",
    "split",
    "images",
    "free_form",
    "merge",
)
HARMLESS = {("free_form", "nothing"), ("merge", "nothing")}


def refused(parse: Callable[[], object], what: str) -> str:
    """The message it is refused with: short, and without much work of the thread that parses."""
    start = time.thread_time()
    with pytest.raises(SpecError, match=what) as raised:
        parse()
    assert time.thread_time() - start < MAX_SECONDS
    check_message(str(raised.value))
    return str(raised.value)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("field", FIELDS)
def test_every_field_refuses_what_it_cannot_be(field: str, wrong: str) -> None:
    plain = {field: WRONG[wrong]} | ({"shape": "free"} if field == "free_form" else {})
    if (field, wrong) in HARMLESS:
        assert check_edit({field: WRONG[wrong]})
    else:
        refused(lambda: EditSpec.from_dict(plain), "merge|checkpoints" if field == "merge" else field)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    "field", ["checkpoints", "method", "settings", "task", "density", "colour", "in checkpoints"]
)
def test_every_field_of_a_merge_refuses_what_it_cannot_be(field: str, wrong: str) -> None:
    plain: dict[str, Any] = {"checkpoints": ["digits", "faces"], "method": "ties"}
    match field:
        case "density" | "colour":
            plain["settings"] = {field: WRONG[wrong]}
        case "in checkpoints":
            plain["checkpoints"] = ["digits", WRONG[wrong]]
        case _:
            plain[field] = WRONG[wrong]
    if (field, wrong) == ("checkpoints", "a list"):
        assert check_merge(plain)  # one alone is that checkpoint's residual
    else:
        refused(lambda: MergeSpec.from_dict(plain), ".")
        refused(lambda: EditSpec.from_dict({"merge": plain}), ".")


@pytest.mark.parametrize("name", [MEGABYTE, "\u202e", "", "\ud800"], ids=short_id)
def test_unknown_settings_are_refused(name: str) -> None:
    message = refused(lambda: EditSpec.from_dict({name: 1, f"{name} ": 2, "third": 3}), "has no setting")
    assert "alpha" in message
    refused(lambda: MergeSpec.from_dict({"checkpoints": ["digits"], name: 1}), "A merge has checkpoints")
    refused(lambda: MergeSpec(("digits",), "ties", ((name, 1.0),)), "TIES: .*has no setting")


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong != "a table"])
def test_only_an_object_is_an_edit(wrong: str) -> None:
    plain = WRONG[wrong]
    refused(lambda: EditSpec.from_dict(plain), "An edit must be a mapping of settings")
    refused(lambda: MergeSpec.from_dict(plain), "A merge must be a mapping of settings")


def test_a_million_settings_and_checkpoints() -> None:
    strange = dict.fromkeys(map(str, range(1_000_000)), 0)
    refused(lambda: EditSpec.from_dict(strange), "has no setting '0', '1'")
    many = [f"t{number}" for number in range(1_000_000)]
    refused(lambda: MergeSpec.from_dict({"checkpoints": many}), "takes 1 to 100")
    foreign = {f"{'x' * 50}{number}": 1 for number in range(10**5)}
    refused(lambda: MergeSpec.from_dict({"checkpoints": ["digits"], **foreign}), "got 'checkpoints', 'xx")
    settings = {f"s{number}": 1.0 for number in range(10**5)}
    refused(lambda: MergeSpec.from_dict({"checkpoints": ["digits"], "settings": settings}), "has no setting")


def test_free_form_has_at_most_the_largest_number_of_blocks() -> None:
    assert check_edit({"shape": "free", "free_form": [0.5] * MAX_BLOCKS})
    refused(
        lambda: EditSpec.from_dict({"shape": "free", "free_form": [0.5] * (MAX_BLOCKS + 1)}),
        "free_form must list one scale a block",
    )


@pytest.mark.parametrize(
    "name", [text for text in ODD_TEXTS if text not in ("__class__", "nan", "1e400")], ids=short_id
)
def test_no_name_leaves_a_folder_or_imitates_another(name: str) -> None:
    """The Kelvin sign and a dotless i passed once: a pattern that ignores case takes them for k and i."""
    assert NAME.fullmatch(name) is None
    refused(lambda: EditSpec(model=name), "model must be a short name")
    refused(lambda: EditSpec(checkpoint=name), "checkpoint must be a short name")
    refused(lambda: MergeSpec(("digits", name)), "each a short name")


def test_numbers_of_json_that_are_no_cache_key() -> None:
    """Minus zero and zero are one edit; NaN, which JSON has no word for but Python reads, is none."""
    assert EditSpec.from_dict(json.loads('{"alpha": -0.0}')).key() == EditSpec(alpha=0.0).key()
    for literal in ("NaN", "Infinity", "-Infinity", "1e400", "1e308", "true"):
        refused(lambda literal=literal: EditSpec.from_dict(json.loads(f'{{"alpha": {literal}}}')), "alpha")  # type: ignore[misc]


@pytest.mark.parametrize(
    "value", [*ODD_TEXTS, MEGABYTE, "0x1", "1_0", "\u0661", "--1", "1e", "\u2212 1"], ids=short_id
)
@pytest.mark.parametrize("entry", ["model", "task", "shape", "gamma", "alpha", "beta", "mix", "outside"])
def test_a_link_with_any_value_still_opens(entry: str, value: str) -> None:
    assert check_link({entry: value}) == (entry in RANGES and value == "\u0661")  # a 1, in Arabic


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    "argument", ["model", "checkpoint", "alpha", "beta", "shape", "mix", "split", "outside"]
)
def test_the_public_api_refuses_invalid_arguments(argument: str, wrong: str) -> None:
    right: dict[str, Any] = {"model": "tiny-clip", "checkpoint": "digits", "alpha": 0.4, "beta": 0.6}
    right |= {"shape": "linear", "mix": 1.0, "split": "test", "outside": "alpha"}
    studio = cast(Studio, ZeroCostStudio())
    refused(lambda: evaluate(studio, **(right | {argument: WRONG[wrong]})), argument)


@pytest.mark.parametrize(("model", "checkpoint"), [("elsewhere", "digits"), ("tiny-clip", "else.where")])
def test_the_public_api_refuses_what_is_not_loaded(studio: Studio, model: str, checkpoint: str) -> None:
    with pytest.raises(LinesError, match=r"elsewhere|else\.where") as raised:
        evaluate(studio, model, checkpoint, 0.4, 0.6, "linear", 1.0, "test", "alpha")
    check_message(str(raised.value))


@pytest.mark.parametrize("wrong", WRONG)
def test_every_value_can_be_quoted(wrong: str) -> None:
    text = quoted(WRONG[wrong])
    assert len(text) <= 80
    assert text.isprintable()
    text.encode("utf-8")


def test_an_excerpt_is_one_printable_line() -> None:
    assert excerpt("one\r\n\ttwo\x00\u202e\ud800") == "one two\ufffd\ufffd\ufffd"
    assert excerpt("x" * 100, 10) == "x" * 9 + "…"
    assert excerpt("x" * 10, 10) == "x" * 10
