import pytest

from ui.explore.explore_controls import Controls
from ui.explore.share_link import from_query

KNOWN = {
    "model": ["tiny-clip"],
    "checkpoint": ["digits", "faces"],
    "shape": ["linear", "sqrt"],
    "outside": ["alpha", "depth"],
}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"gamma": "lots"}, "gamma should be a number from 0 to 1, not “lots”"),
        ({"gamma": "1.01"}, "from 0 to 1"),
        ({"mix": "nan"}, "mix should be a number"),
        ({"beta": "-inf"}, "from -1 to 1.5"),
        ({"task": "banana"}, "task “banana” is not one of digits, faces"),
    ],
)
def test_a_wrong_entry_is_named_and_changes_nothing(query: dict[str, str], said: str) -> None:
    controls, complaints = from_query(query, KNOWN)
    assert len(complaints) == 1
    assert said in complaints[0]
    assert controls.spec() == Controls().spec()


def test_foreign_entries_are_left_alone() -> None:
    assert from_query({"utm_source": "x", "__theme": "dark"}, KNOWN) == (Controls(), [])


def test_a_silent_link_keeps_the_start() -> None:
    start = Controls(gamma=0.3)
    assert from_query({"task": "faces"}, KNOWN, start)[0] == Controls(checkpoint="faces", gamma=0.3)
