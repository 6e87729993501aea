"""The paper's tables as sweeps of any encoder: chosen on validation images, reported on test images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.merge_comparison import lines_alpha
from evaluators.experiments.merge_search import (
    HEAT_IMAGES,
    MERGE_SHAPES,
    CandidateGrid,
    MergeConfig,
    MergeSearch,
    score,
)
from evaluators.experiments.sweep_plans.edit_grid import checkpoints_in
from evaluators.experiments.sweep_plans.lab_tables import FinetuningTable, SoupTable
from evaluators.experiments.sweep_plans.plan_part import PlanPart
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.merging import METHODS

TABLE2_METHODS = ("sum", "ties", "consensus")


@dataclass
class GammaTable:
    """Table 1: each checkpoint before and after LiNeS, gamma by C.1.

    Args:
        model: key of the encoder.
        images: of each task, 0 for all.
    """

    model: str
    images: int
    _searches: list[GammaSearch] = field(default_factory=list)

    def first(self, studio: Studio) -> Sequence[EditSpec]:
        """As ``PlanPart.first``."""
        keys = checkpoints_in(studio, self.model)
        self._searches = [GammaSearch(key, self.model, self.images) for key in keys]
        return [spec for search in self._searches for spec in search.specs("val")]

    def then(self, found: Found) -> Sequence[EditSpec]:
        """As ``PlanPart.then``: of each checkpoint the pre-trained, fine-tuned and edited model on test."""
        return [spec for search in self._searches for spec in self._row(search, found)]

    def lines(self, found: Found) -> Sequence[str]:
        """As ``PlanPart.lines``: target / control accuracy in percent."""
        rows = []
        for search in self._searches:
            row = self._row(search, found)
            if not row or any(spec not in found for spec in row):
                continue
            shown = (f"{100 * found[one].target:5.1f} / {100 * found[one].control:5.1f}" for one in row)
            rows.append(f"{search.checkpoint:>24}  {'   '.join(shown)}   γ {row[-1].alpha:g}")
        heading = f"{'target / control, %':>24}  {'pre-trained':>13}   {'fine-tuned':>13}   {'LiNeS':>13}"
        return [heading, *rows] if rows else []

    def _row(self, search: GammaSearch, found: Found) -> tuple[EditSpec, ...]:
        choice = search.choice(found)
        if choice is None:
            return ()
        rest = {"model": self.model, "images": self.images}
        return (*search.references("test"), EditSpec.lines(search.checkpoint, choice.gamma, **rest))


@dataclass
class MergeTable:
    """Tables 2 and 6 and Fig. 9: merges of all checkpoints with and without LiNeS, coefficients by B.2.

    Args:
        model, images: as for ``GammaTable``.
        methods: keys of ``METHODS``.
        shapes: scaling functions of LiNeS.
        plain: measure the merges without LiNeS too.
        heat: measure the alpha-beta map of the first shape in place of the curves.
    """

    model: str
    images: int
    methods: tuple[str, ...] = TABLE2_METHODS
    shapes: tuple[str, ...] = MERGE_SHAPES[:1]
    plain: bool = True
    heat: bool = False
    _grids: dict[str, CandidateGrid] = field(default_factory=dict)
    _base: MergeConfig | None = None

    def first(self, studio: Studio) -> Sequence[EditSpec]:
        """As ``PlanPart.first``; Eq. 2 needs the merges."""
        keys = checkpoints_in(studio, self.model)
        self._base, self._grids = MergeConfig(keys, model=self.model), {}
        for method in self.methods:
            config = MergeConfig(keys, method, model=self.model)
            alpha, _ = lines_alpha(studio, config, "auto")
            few = min(self.images, HEAT_IMAGES) if self.images else HEAT_IMAGES
            for shape in self.shapes:
                search, name = MergeSearch(config, alpha, shape, self.images, few), METHODS[method].title
                if self.heat:
                    self._grids[f"{name}, α × β"] = search.heat
                    continue
                if self.plain:
                    self._grids[name] = search.plain
                self._grids[f"{name} + LiNeS{'' if shape == 'linear' else f' ({shape})'}"] = search.lines
        return [spec for grid in self._grids.values() for spec in grid.specs]

    def then(self, found: Found) -> Sequence[EditSpec]:
        """As ``PlanPart.then``: the references and what was chosen."""
        chosen = [spec for grid in self._grids.values() for spec in grid.test_specs(grid.result(found).best)]
        return [*self._references("zero-shot"), *self._references("fine-tuned"), *chosen]

    def lines(self, found: Found) -> Sequence[str]:
        """As ``PlanPart.lines``: mean and normalised accuracy over the merged tasks, in percent."""
        reference = self._references("fine-tuned")
        if not reference or any(spec not in found for spec in reference):
            return []
        finetuned = score(found[spec] for spec in reference)
        rows = [f"{'merged tasks, %':>32}  {'accuracy':>9} {'normalised':>11}"]
        for name in ("zero-shot", "fine-tuned"):
            specs = self._references(name)
            if all(spec in found for spec in specs):
                measured = score(found[spec] for spec in specs)
                normalised = measured.normalised(finetuned)
                rows.append(f"{name:>32}  {100 * measured.mean:9.1f} {100 * normalised:11.1f}")
        for name, grid in self._grids.items():
            result = grid.result(found)
            if result.test is not None and result.best is not None:
                normalised = result.test.normalised(finetuned)
                alpha, beta = result.best
                chosen = f"α {alpha:.3g}, β {beta:g}" if beta else f"λ {alpha:g}"
                rows.append(f"{name:>32}  {100 * result.test.mean:9.1f} {100 * normalised:11.1f}  {chosen}")
        return rows

    def _references(self, which: str) -> tuple[EditSpec, ...]:
        if self._base is None:
            return ()
        chosen = self._base.zero_shot if which == "zero-shot" else self._base.finetuned
        return chosen("test", self.images)


PAPER_TABLES: Mapping[str, Callable[[str, int], PlanPart]] = MappingProxyType(
    {
        "table1": GammaTable,
        "table2": MergeTable,
        "table4": SoupTable,
        "table6": lambda model, images: MergeTable(model, images, shapes=MERGE_SHAPES),
        "table10": FinetuningTable,
        "fig9": lambda model, images: MergeTable(model, images, ("sum",), heat=True),
    }
)
"""Key -> part of a sweep, of a model and a number of images. Tables 7 and 9 are table2 of other models."""
ON_ALL_IMAGES = ("table4", "table10")
"""Tables that the page too shows on all images of the embedded lab."""
