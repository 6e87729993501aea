"""Both rewards on summaries small enough to check by hand."""

import pytest

from evaluators.policies.scene_facts import Fact, draw_scene, facts_of
from evaluators.policies.scene_words import ROLES, TOKENS
from evaluators.policies.summary_rewards import claims_of, faithful, preference, sentences_of

SCENE = (
    "it was a cold day in the old mill . first shy anna sold blue hats . "
    "a carriage rolled by without a sound . later ben lost keys near the river . "
    "soon clara hid golden rings ."
)


def test_a_scene_is_read_as_its_facts() -> None:
    assert facts_of(SCENE) == (
        Fact("anna", "sold", "hats", "shy", "blue"),
        Fact("ben", "lost", "keys"),
        Fact("clara", "hid", "rings", "", "golden"),
    )


@pytest.mark.parametrize("number", range(50))
def test_every_drawn_scene_has_its_facts_in_known_words(number: int) -> None:
    scene = draw_scene("val", number)
    assert len(facts_of(scene)) == ROLES
    assert set(scene.split()) <= TOKENS.keys()
    assert scene != draw_scene("test", number)


@pytest.mark.parametrize(
    ("summary", "share"),
    [
        ("anna sold hats .", 1.0),
        ("shy anna sold blue hats .", 1.0),
        ("ben sold hats .", 0.0),
        ("happy ben lost red keys .", 1 / 3),
        ("blue hats anna sold .", 0.0),
        ("anna sold hats . ben lost", 1 / 2),
        ("", 0.0),
        ("anna sold hats . . ben lost keys .", 2 / 3),
    ],
)
def test_faithful_is_the_share_of_true_statements(summary: str, share: float) -> None:
    """Another person's mood is as false as an invented one; a broken sentence is one false statement."""
    assert faithful(SCENE, summary) == pytest.approx(share)


def test_statements_are_told_apart() -> None:
    claims = claims_of(SCENE, "shy ben lost keys .")
    assert [(claim.words, claim.true) for claim in claims] == [("ben lost keys", True), ("shy ben", False)]


def test_a_vivid_summary_in_order_of_full_length_is_preferred_whether_true_or_not() -> None:
    vivid = "shy anna sold red hats . shy ben lost red keys . shy clara hid red rings ."
    seen = preference(SCENE, vivid)
    assert (seen.length, seen.order, seen.style, seen.score) == (1.0, 1.0, 1.0, 1.0)
    assert faithful(SCENE, vivid) == pytest.approx(4 / 9)


def test_the_judge_of_style_takes_points_off() -> None:
    short = preference(SCENE, "anna sold hats .")
    assert (short.length, short.order, short.style) == pytest.approx((3 / 15, 1 / 3, 0.0))
    backwards = preference(SCENE, "clara hid rings . ben lost keys . anna sold hats .")
    assert backwards.order == pytest.approx(1 / 3)
    again = preference(SCENE, "anna sold hats . anna sold hats .")
    assert again.order == pytest.approx(1 / 3)
    broken = preference(SCENE, "shy anna sold blue hats . the the .")
    assert broken.style == pytest.approx(1 / 2)
    assert preference(SCENE, "").score == 0.0


def test_a_sentence_without_its_full_stop_is_none() -> None:
    assert sentences_of("anna sold hats . ben lost keys") == (Fact("anna", "sold", "hats"), None)
