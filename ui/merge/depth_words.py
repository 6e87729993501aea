"""Whether LiNeS helps a merge by depth or by strength, in words that follow the intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.experiments.level_control import (
    TUNED,
    TUNED_REACH,
    LevelControl,
    LevelFactor,
    Verdict,
    verdict,
)
from evaluators.specs.paired_counts import Change
from lines_core.merging import METHODS
from ui.shell.difference_words import change_words
from ui.shell.text import percent_range

SENTENCES: Mapping[Verdict, str] = {
    "depth": "LiNeS helps, and the same factor on all layers does measurably worse: {}.",
    "strength": "It helps, but the same factor on all layers is not measurably worse: {}.",
    "none": "No measurable difference: {}.",
    "harms": "LiNeS measurably harms {}.",
}


def depth_verdicts(controls: Mapping[str, LevelControl]) -> str:
    """By what LiNeS helps each method, or that it does not."""
    said = []
    for kind, sentence in SENTENCES.items():
        titles = [METHODS[key].title for key, control in controls.items() if verdict(control) == kind]
        if titles:
            said.append(sentence.format(", ".join(titles)))
    return " ".join(said)


def over_seeds(untold: Sequence[str]) -> str:
    """Methods whose gain over plain lies within what seeds of fine-tuning change; empty if there is none.

    Args:
        untold: their titles.
    """
    if not untold:
        return ""
    return (
        " All this holds for these fine-tuned models: over several random seeds of fine-tuning, LiNeS makes "
        f"no measurable difference to {', '.join(untold)}."
    )


def depth_cell(level: LevelFactor) -> str:
    """'+2.3 points (1.4 to 3.1)', or 'no measurable difference (−0.3 to 0.9 points)'."""
    return _words(level.depth)


def _words(change: Change) -> str:
    _, low, high = change
    if low <= 0 <= high:
        return f"no measurable difference ({percent_range(low, high)} points)"
    return change_words(change)


def mean_alone(controls: Mapping[str, LevelControl]) -> str:
    """How far LiNeS's mean factor alone goes where it is LiNeS's only candidate; empty if nowhere."""
    said = [
        f"{METHODS[method].title} (factor {control.twin.scale:.3g}): {_words(control.twin.strength)} against "
        f"plain, then LiNeS against that {_words(control.twin.depth)}"
        for method, control in controls.items()
        if control.tuned is not None
    ]
    if not said:
        return ""
    return (
        "Where a method has no λ to choose, LiNeS has one candidate, and the one factor for all layers is "
        f"chosen from {TUNED}, up to {TUNED_REACH:g} times LiNeS's mean or as far as an edit goes. With "
        f"LiNeS's own mean factor on all layers: {'; '.join(said)}."
    )
