"""States of an image, and where forgotten images go."""

import pytest

from evaluators.specs.picture_states import STATES, confusion, state_of


@pytest.mark.parametrize(
    ("predictions", "state"),
    [
        ((1, 1, 1), "right"),
        ((1, 2, 1), "back"),
        ((1, 1, 2), "forgotten"),
        ((1, 2, 2), "forgotten"),
        ((2, 1, 1), "learned"),
        ((2, 2, 1), "learned"),
        ((2, 1, 2), "unlearned"),
        ((2, 3, 4), "never"),
    ],
)
def test_state_says_who_names_an_image_correctly(predictions: tuple[int, int, int], state: str) -> None:
    assert state_of(1, *predictions) == state
    assert state in STATES


def test_confusion_counts_only_chosen_images_and_most_first() -> None:
    truth, edit = [0, 0, 0, 1, 1, 2], [1, 2, 2, 0, 1, 0]
    chosen = [True, True, True, True, False, False]
    assert list(confusion(truth, edit, chosen).items()) == [((0, 2), 2), ((0, 1), 1), ((1, 0), 1)]
