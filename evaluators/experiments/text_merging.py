"""Merging of the text model's seven checkpoints (Table 3): three methods with LiNeS on the decoder or not."""

from collections.abc import Mapping
from typing import NamedTuple

from evaluators.experiments.merge_search import CandidateGrid, MergeConfig, MergeSearch, Score, score
from evaluators.experiments.sweeps import Found
from evaluators.labs.text_lab import TINY_T5, TextLab
from evaluators.specs.edit_spec import EditSpec

TEXT_METHODS = ("sum", "ties", "consensus")
TEXT_IMAGES = 0


class TextMerge(NamedTuple):
    """What is known of one method: scores on test of the coefficients that validation chose."""

    plain: Score | None
    lines: Score | None
    scale: float | None
    beta: float | None


def text_searches(lab: TextLab) -> Mapping[str, MergeSearch]:
    """The search of each method over its paper's grid; alpha by Eq. 2, computed when the lab was made."""
    keys = tuple(checkpoint.key for checkpoint in lab.checkpoints())
    return {
        method: MergeSearch(
            MergeConfig(keys, method, model=TINY_T5, part="decoder"), alpha, images=TEXT_IMAGES
        )
        for method, alpha in lab.alphas().items()
        if method in TEXT_METHODS
    }


def text_merge_specs(lab: TextLab) -> list[EditSpec]:
    """The references on test and every candidate on validation."""
    grids = [grid for search in text_searches(lab).values() for grid in (search.plain, search.lines)]
    candidates = [spec for grid in grids for spec in grid.specs]
    return [*dict.fromkeys((*text_merge_references(lab), *candidates))]


def text_merge_references(lab: TextLab) -> tuple[EditSpec, ...]:
    """The pre-trained model with all tasks as targets, and each fine-tuned one, on test."""
    config = next(iter(text_searches(lab).values())).config
    return (*config.zero_shot(images=TEXT_IMAGES), *config.finetuned(images=TEXT_IMAGES))


def text_merge_tests(lab: TextLab, found: Found) -> list[EditSpec]:
    """The chosen models on test, as far as validation has chosen."""
    grids = [grid for search in text_searches(lab).values() for grid in (search.plain, search.lines)]
    return [spec for grid in grids for spec in grid.test_specs(grid.result(found).best)]


def text_merges(lab: TextLab, found: Found) -> dict[str, TextMerge]:
    """By method what is known."""
    return {
        method: _result(search.plain, search.lines, found) for method, search in text_searches(lab).items()
    }


def text_bounds(lab: TextLab, found: Found) -> tuple[Score | None, Score | None]:
    """Scores of the pre-trained model, and of each task's fine-tuned one; None where not measured."""
    zero_shot, *finetuned = text_merge_references(lab)
    scores = [
        score(found[one] for one in specs) if all(one in found for one in specs) else None
        for specs in ([zero_shot], finetuned)
    ]
    return scores[0], scores[1]


def _result(plain: CandidateGrid, lines: CandidateGrid, found: Found) -> TextMerge:
    without, with_lines = plain.result(found), lines.result(found)
    return TextMerge(
        without.test,
        with_lines.test,
        without.best and without.best[0],
        with_lines.best and with_lines.best[1],
    )
