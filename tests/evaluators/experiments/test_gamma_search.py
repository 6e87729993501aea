"""The choice of gamma through the real studio: what it needs, when it is known, what it measures."""

import pytest

from evaluators.errors import SpecError
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.service.studio import Studio
from evaluators.specs.gamma_choice import choose_gamma


def test_gamma_is_chosen_on_validation_once_everything_is_measured(studio: Studio) -> None:
    search = GammaSearch("digits", images=10)
    specs = search.specs("val")
    assert len(specs) == 13
    assert {spec.split for spec in specs} == {"val"}
    found = {spec: studio.evaluate(spec) for spec in specs[1:]}
    assert search.choice(found) is None
    assert search.known(studio) is None
    gamma = search.measure(studio)
    found[specs[0]] = studio.evaluate(specs[0])
    points = [(spec.alpha, found[spec]) for spec in specs[2:]]
    assert search.choice(found) == choose_gamma(points, found[specs[0]], found[specs[1]])
    assert search.known(studio) == gamma == choose_gamma(points, found[specs[0]], found[specs[1]]).gamma
    heavy = choose_gamma(points, found[specs[0]], found[specs[1]], 1e6)
    assert search.choice(found, weight=1e6) == heavy


def test_without_validation_images_gamma_cannot_be_chosen(studio: Studio) -> None:
    with pytest.raises(SpecError, match="on another split"):
        GammaSearch("objects").known(studio)
