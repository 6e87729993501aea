"""Table 4 and Figs. 3 and 12 of the paper in small: soups of the objects task, selected on validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.soup_search import greedy_selection, members_of, soup_spec
from evaluators.experiments.sweeps import robust_sweep, save_precomputed, wise_ft_sweep
from evaluators.specs.pareto import hypervolume
from lines_core.soups import SOUP_ALPHA, SOUP_BETAS, SOUP_SCALES, GreedySoup
from training.default_sweeps import ALL_IMAGES
from training.study import Study

FILE = "soups.json"


@dataclass(frozen=True)
class SoupFinding:
    """One soup and its two variants on test, each tuned on validation.

    Args:
        members: averaged.
        plain, scaled, lines: evaluations on test.
        scale, beta: chosen on validation.
    """

    members: tuple[str, ...]
    plain: Evaluation
    scaled: Evaluation
    scale: float
    lines: Evaluation
    beta: float


@dataclass(frozen=True)
class Fronts:
    """One member's two fronts (Fig. 12): areas beyond the lower left corner of both, in square points."""

    member: str
    wise_ft: float
    lines: float


def held_out(study: Study, members: Sequence[str]) -> GreedySoup:
    """The greedy selection on all validation images; measures each soup that it tries."""
    found: dict[tuple[str, ...], Evaluation] = {}
    while True:
        try:
            return greedy_selection(found, members)
        except KeyError as missing:
            (soup,) = missing.args
            (found[soup],) = study([soup_spec(soup, split="val", images=ALL_IMAGES)])


def soup_finding(study: Study, members: Sequence[str]) -> SoupFinding:
    """Tune the task arithmetic and the LiNeS variant of a soup on validation, report on test."""

    def best(specs: Sequence[EditSpec]) -> int:
        accuracies = [found.target for found in study(specs)]
        return accuracies.index(max(accuracies))  # ties go to the first, the one closest to the plain soup

    def on_val(beta: float = 0.0, scale: float = SOUP_ALPHA) -> EditSpec:
        return soup_spec(members, beta, scale, "val", ALL_IMAGES)

    scale = SOUP_SCALES[best([on_val(scale=one) for one in SOUP_SCALES])]
    beta = SOUP_BETAS[best([on_val(one) for one in SOUP_BETAS])]
    plain, scaled, lines = study(
        [
            soup_spec(members, images=ALL_IMAGES),
            soup_spec(members, scale=scale, images=ALL_IMAGES),
            soup_spec(members, beta, images=ALL_IMAGES),
        ]
    )
    return SoupFinding(tuple(members), plain, scaled, scale, lines, beta)


def fronts(study: Study, member: str) -> Fronts:
    """WiSE-FT's front and that of LiNeS + WiSE-FT, for the mean of the shifts."""
    curves = [study(sweep(member, "test", ALL_IMAGES)) for sweep in (wise_ft_sweep, robust_sweep)]
    points = [[(100 * one.target, 100 * one.control) for one in curve] for curve in curves]
    corner = (
        min(x for curve in points for x, _ in curve),
        min(y for curve in points for _, y in curve),
    )
    wise_ft, lines = (hypervolume(curve, corner) for curve in points)
    return Fronts(member, wise_ft, lines)


def variants(members: Sequence[str]) -> list[EditSpec]:
    """One soup under every beta and every factor on test, where the page's slider may stand."""
    return [
        *(soup_spec(members, beta, images=ALL_IMAGES) for beta in SOUP_BETAS),
        *(soup_spec(members, scale=scale, images=ALL_IMAGES) for scale in SOUP_SCALES),
    ]


def measured_members(study: Study) -> tuple[str, ...]:
    """The members a study holds."""
    return max((spec.sources for spec in study.held if spec.merge is not None), key=len)


def alone(study: Study, members: Sequence[str]) -> tuple[Evaluation, ...]:
    """Every member by itself, on test."""
    return study([soup_spec([member], images=ALL_IMAGES) for member in members])


def measure_soups(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/soups.json``, and what the tab "Soup" opens with."""
    studio = Studio(assets, cache)
    members = members_of(studio.compared(), studio.variants())
    study = Study(assets / "report" / FILE, studio)
    greedy = held_out(study, members)
    yield f"greedy keeps {len(greedy.members)} of {len(members)} members: {', '.join(greedy.members)}"
    alone(study, members)
    for name, chosen in (("uniform", members), ("greedy", greedy.members)):
        found = soup_finding(study, chosen)
        yield (
            f"{name}: plain {found.plain.target:.4f}, scaled by {found.scale:g} {found.scaled.target:.4f}, "
            f"LiNeS with beta {found.beta:g} {found.lines.target:.4f}"
        )
    page = {found.spec: found for found in study.found.values()}
    tested = [spec for chosen in (members, greedy.members) for spec in variants(chosen)]
    page |= run_grid(studio, tested)
    for member in members:
        area = fronts(study, member)
        yield f"{member}: WiSE-FT {area.wise_ft:.0f}, LiNeS + WiSE-FT {area.lines:.0f}"
    study.save()
    save_precomputed(studio, assets / "sweeps" / "soup.json", list(page.values()))
