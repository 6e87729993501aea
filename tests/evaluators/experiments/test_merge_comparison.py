"""Specs of a merge beside its baselines, and the alpha that Eq. 2 gives."""

import pytest

from evaluators.errors import SpecError
from evaluators.experiments.merge_comparison import lines_alpha, merge_comparison
from evaluators.experiments.merge_search import MergeConfig
from evaluators.service.studio import Studio

PAIR = ("digits", "faces")


def test_alpha_is_eq_2s_unless_it_is_given(studio: Studio) -> None:
    alpha, eq_2 = lines_alpha(studio, MergeConfig(PAIR), "auto")
    assert alpha == pytest.approx(0.5), "the mean norm over the merged norm, halved, for a sum"
    assert eq_2 is not None
    assert eq_2.alpha == alpha
    assert lines_alpha(studio, MergeConfig(PAIR), 0.1) == (0.1, None)
    assert lines_alpha(studio, MergeConfig(PAIR, "tall-masks"), "auto") == (0.75, None)


@pytest.mark.parametrize(("method", "merges"), [("sum", 1), ("tall-masks", 2)])
def test_a_comparison_has_every_baseline(studio: Studio, method: str, merges: int) -> None:
    found = merge_comparison(studio, MergeConfig(PAIR, method), beta=0.3, plain=0.4, images=10)
    assert [len(group) for group in (found.lines, found.plain, found.finetuned, found.zero_shot)] == [
        merges,
        merges,
        2,
        merges,
    ]
    assert {(spec.alpha, spec.beta) for spec in found.lines} == {(found.alpha, 0.3)}
    assert {(spec.alpha, spec.beta) for spec in found.plain} == {(0.4, 0.0)}
    assert {spec.alpha for spec in found.zero_shot} == {0.0}
    assert {spec.images for spec in found.all} == {10}


def test_a_checkpoint_that_is_not_loaded_is_refused(studio: Studio) -> None:
    with pytest.raises(SpecError, match="no checkpoint 'cars'"):
        merge_comparison(studio, MergeConfig(("digits", "cars")), beta=0.3, plain=0.4)
