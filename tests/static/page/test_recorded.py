"""Answers are found by what JavaScript's JSON.stringify writes of the controls' values."""

import pytest

from static.page.recorded import key_of


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (["tiny-clip", 2.0, 0.5], '["tiny-clip",2,0.5]'),
        ([None, True, ["a", "b"]], '[null,true,["a","b"]]'),
        (["γ „x“", 1e-3], '["γ „x“",0.001]'),
        ([], "[]"),
    ],
)
def test_keys_are_written_as_in_javascript(values: list[object], key: str) -> None:
    assert key_of(values) == key
