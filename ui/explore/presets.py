"""Presets: what each preset button sets the controls to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evaluators.errors import SpecError
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from ui.explore.explore_controls import Controls, images_of

PAPER_GAMMA = 0.5
"""alpha = beta = 0.5, the paper's value where there is no validation set to choose by (section 5.1)."""

PLACES: dict[str, dict[str, Any]] = {
    "pretrained": {"shape": "flat", "gamma": 0.0},
    "finetuned": {"shape": "linear", "gamma": 1.0},
    "wise_ft": {"shape": "flat", "gamma": 1.0, "mix": 0.5},
}
"""Presets that need nothing measured; what is not named here is tied, unmixed and outside like block 1."""

TUNED_PLACES: dict[str, dict[str, Any]] = {
    "lines": {"shape": "linear"},
    "reverse": {"shape": "reverse", "outside": "depth"},
}
"""Presets at the tuned gamma; reversed, what lies before the blocks goes with the first one, as in Fig. 1's
sweep."""


def preset(studio: Studio, name: str, here: Controls, ticket: Ticket | None = None) -> Controls:
    """The controls of a preset for the model and checkpoint the visitor is at.

    "lines" takes the gamma that C.1 chooses on validation, "reverse" the same gamma with the deep blocks
    shrunk.
    Without a known validation sweep it is measured first, which takes some seconds.

    Raises: LinesError if it has to be measured and cannot be.
    """
    home = replace(Controls(), model=here.model, checkpoint=here.checkpoint)
    if name in PLACES:
        return replace(home, **PLACES[name])
    try:
        gamma = GammaSearch(here.checkpoint, here.model, images_of(here.model)).measure(studio, ticket)
    except SpecError:  # no validation images for every control task: nothing to choose by
        gamma = PAPER_GAMMA
    return replace(home, **TUNED_PLACES[name], gamma=gamma)


def preset_places() -> dict[str, dict[str, Any]]:
    """Name -> settings by which the browser knows a preset; without alpha and beta at the tuned gamma."""
    found = {}
    for name, place in {**PLACES, **TUNED_PLACES}.items():
        spec = replace(Controls(), **place).spec()
        line = {} if name in TUNED_PLACES else {"alpha": spec.alpha, "beta": spec.beta}
        found[name] = {"shape": spec.shape, "outside": spec.outside, "mix": spec.mix, **line}
    return found


def tuned_gamma(studio: Studio, here: Controls) -> float | None:
    """The gamma that C.1 chooses, the paper's without validation images; None while it is not measured.

    Cost: some 50 cache lookups.
    """
    try:
        return GammaSearch(here.checkpoint, here.model, images_of(here.model)).known(studio)
    except SpecError:  # no validation images
        return PAPER_GAMMA


def start_controls(studio: Studio, here: Controls) -> Controls:
    """Where a visitor without a link begins: at the tuned gamma if it is known, else at the paper's 0.5."""
    gamma = tuned_gamma(studio, here)
    return replace(here, gamma=PAPER_GAMMA if gamma is None else gamma)
