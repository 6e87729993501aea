"""The paper's tables that need what no public model has: soup members, and other ways of fine-tuning."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from evaluators.errors import SpecError
from evaluators.experiments.finetuning_variants import (
    VariantSpecs,
    variant_result,
    variant_specs,
    zero_shot_specs,
)
from evaluators.experiments.soup_search import SoupSearch, soup_members
from evaluators.experiments.sweeps import Found
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import mean_control, mean_target
from evaluators.specs.edit_spec import EditSpec


@dataclass
class SoupTable:
    """Table 4: uniform and greedy soup, their task arithmetic and LiNeS variants, by validation images.

    Args:
        model: key of the encoder.
        images: of each task, 0 for all.
    """

    model: str
    images: int
    _search: SoupSearch | None = None

    def first(self, studio: Studio) -> Sequence[EditSpec]:
        """As ``PlanPart.first``."""
        _check_model("table4", self.model, "soup members")
        self._search = SoupSearch(soup_members(studio), self.images)
        return self._search.specs()

    def then(self, found: Found) -> Sequence[EditSpec]:
        """As ``PlanPart.then``: the soups that the greedy selection tries, then the variants of its soup."""
        return () if self._search is None else self._search.next_specs(found)

    def lines(self, found: Found) -> Sequence[str]:
        """As ``PlanPart.lines``: accuracy on the test images of the task, in percent."""
        search = self._search
        if search is None or (greedy := search.greedy(found)) is None:
            return []
        alone = [found[spec].target for spec in search.alone() if spec in found]
        shown = [("mean of members", sum(alone) / len(alone), ""), ("best member", max(alone), "")]
        for name, members in (("uniform soup", search.members), ("greedy soup", greedy.members)):
            rows = [(name, search.spec(members), f"{len(members)} members")]
            if scaled := search.tuned_scale(members, found):
                rows.append((f"{name}, task arithmetic", scaled.spec, f"λ {scaled.value:g}"))
            if lines := search.tuned_beta(members, found):
                rows.append((f"{name} + LiNeS", lines.spec, f"β {lines.value:g}"))
            shown += [(title, found[spec].target, what) for title, spec, what in rows if spec in found]
        return [f"{title:>32}  {100 * accuracy:6.1f}  {what}".rstrip() for title, accuracy, what in shown]


@dataclass
class FinetuningTable:
    """Table 10: rates that depend on depth and low-rank updates, each with LiNeS too, whose gamma ships.

    Args:
        model, images: as for ``SoupTable``.
    """

    model: str
    images: int
    _variants: list[VariantSpecs] = field(default_factory=list)
    _zero_shot: tuple[EditSpec, ...] = ()

    def first(self, studio: Studio) -> Sequence[EditSpec]:
        """As ``PlanPart.first``."""
        _check_model("table10", self.model, "other ways of fine-tuning")
        variants = variant_specs(studio)
        self._variants = [
            replace(one, plain=self._on(one.plain), lines=self._on(one.lines)) for one in variants
        ]
        self._zero_shot = self._on(zero_shot_specs(variants))
        return [*self._zero_shot, *(spec for group in self._variants for spec in group.all)]

    def then(self, found: Found) -> Sequence[EditSpec]:
        """As ``PlanPart.then``: nothing."""
        return ()

    def lines(self, found: Found) -> Sequence[str]:
        """As ``PlanPart.lines``: mean target / control accuracy in percent."""
        rows = [f"{'target / control, %':>32}  {'as trained':>13}   {'LiNeS':>13}"]
        before = [found[spec] for spec in self._zero_shot if spec in found]
        if before and len(before) == len(self._zero_shot):
            rows.append(f"{'pre-trained':>32}  {_pair(mean_target(before).mean, mean_control(before).mean)}")
        for group in self._variants:
            if (one := variant_result(group, found)) is not None:
                pairs = ((one.target, one.control), (one.lines_target, one.lines_control))
                shown = "   ".join(_pair(target.mean, control.mean) for target, control in pairs)
                rows.append(f"{one.variant.title:>32}  {shown}")
        return rows if len(rows) > 1 else []

    def _on(self, specs: Sequence[EditSpec]) -> tuple[EditSpec, ...]:
        return tuple(replace(spec, images=self.images) for spec in specs)


def _check_model(table: str, model: str, what: str) -> None:
    if model != TINY_CLIP:
        raise SpecError(f"{table} needs {what}, which {TINY_CLIP} alone has, got {model}: leave --model out.")


def _pair(target: float, control: float) -> str:
    return f"{100 * target:5.1f} / {100 * control:5.1f}"
