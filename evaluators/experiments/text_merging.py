"""Merging of a text model's checkpoints (Table 3): three methods with LiNeS on the decoder or not."""

from collections.abc import Mapping
from typing import NamedTuple

from evaluators.experiments.merge_search import CandidateGrid, MergeConfig, Score, score
from evaluators.experiments.sweeps import ALL_IMAGES, Found
from evaluators.experiments.table2 import Table2Row, row_of
from evaluators.labs.text_lab import TEXT_METHODS, TextLab
from evaluators.specs.edit_spec import EditSpec
from lines_core.merging import METHODS

VALIDATION = 30
"""Questions of each task that coefficients are chosen by."""

PAPER_PLAIN = {"sum": 0.719, "ties": 0.716, "consensus": 0.735}
"""Table 3, T5-large on 7 NLP tasks: accuracy without LiNeS."""
PAPER_GAINS = {"sum": 0.045, "consensus": 0.019}
"""What LiNeS adds there, as far as the paper's text says."""
PAPER_ZERO_SHOT, PAPER_FINETUNED = 0.449, 0.859
"""Table 3: its bounds."""


class TextGrids(NamedTuple):
    """One method under the coefficients of its paper's grid: lambda, and beta with alpha by Eq. 2."""

    plain: CandidateGrid
    lines: CandidateGrid


def text_grids(lab: TextLab) -> Mapping[str, TextGrids]:
    """The grids of each method; None of a lab that knows no alpha."""
    found = {}
    for method, alpha in lab.alphas().items():
        if method in TEXT_METHODS:
            keys = tuple(checkpoint.key for checkpoint in lab.checkpoints())
            config, grid = MergeConfig(keys, method, model=lab.info.key, part="decoder"), METHODS[method].grid
            found[method] = TextGrids(
                *(
                    CandidateGrid(config, coefficients, "linear", VALIDATION, ALL_IMAGES)
                    for coefficients in (
                        tuple((scale, 0.0) for scale in grid),
                        tuple((alpha, beta) for beta in grid),
                    )
                )
            )
    return found


def text_merge_specs(lab: TextLab) -> list[EditSpec]:
    """The references on test and every candidate on validation."""
    candidates = [spec for grids in text_grids(lab).values() for grid in grids for spec in grid.specs]
    return [*dict.fromkeys((*text_merge_references(lab), *candidates))]


def text_merge_references(lab: TextLab) -> tuple[EditSpec, ...]:
    """The pre-trained model with all tasks as targets, and each fine-tuned one, on test."""
    configs = [grids.plain.config for grids in text_grids(lab).values()][:1]
    return tuple(
        spec
        for config in configs
        for spec in (*config.zero_shot(images=ALL_IMAGES), *config.finetuned(images=ALL_IMAGES))
    )


def text_merge_tests(lab: TextLab, found: Found) -> list[EditSpec]:
    """The chosen models on test, as far as validation has chosen."""
    all_grids = [grid for grids in text_grids(lab).values() for grid in grids]
    return [spec for grid in all_grids for spec in grid.test_specs(grid.result(found).best)]


def text_merges(lab: TextLab, found: Found) -> dict[str, Table2Row | None]:
    """By method the row of the table; None where it is not measured."""
    return {method: row_of(*grids, found) for method, grids in text_grids(lab).items()}


def text_bounds(lab: TextLab, found: Found) -> tuple[Score | None, Score | None]:
    """Scores of the pre-trained model, and of each task's fine-tuned one; None where not measured."""
    references = text_merge_references(lab)
    known = [
        score(found[one] for one in specs) if specs and all(one in found for one in specs) else None
        for specs in (references[:1], references[1:])
    ]
    return known[0], known[1]
