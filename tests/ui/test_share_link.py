from typing import cast

import pytest

from evaluators.service.studio import Studio
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_controls import Controls
from ui.explore.share_link import chosen, from_query

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


def test_a_link_to_a_checkpoint_that_is_not_here_says_why(studio: ZeroCostStudio) -> None:
    """It said that the server no longer had it, to whom it had never belonged too."""
    link = {"task": "own-1234.faces"}
    *where, (other,) = chosen(cast(Studio, studio), link, deleted=False)
    assert where == ["tiny-clip", "digits"]
    assert "added in another browser or tab" in other
    *_, (deleted,) = chosen(cast(Studio, studio), link, deleted=True)
    assert "15 minutes after the page is closed" in deleted
