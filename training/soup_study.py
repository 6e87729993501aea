"""Table 4 and Figs. 3 and 12 of the paper in small: soups of the objects task, selected on validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators import Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.robust_fronts import Areas, areas
from evaluators.experiments.soup_search import SoupSearch, soup_members
from evaluators.experiments.sweeps import ALL_IMAGES, robust_sweep, save_precomputed, wise_ft_sweep
from lines_core.soups import GreedySoup
from training.study import Study

FILE = "soups.json.gz"


@dataclass(frozen=True)
class SoupFinding:
    """One soup and its two variants on test; scale and beta were chosen on validation."""

    members: tuple[str, ...]
    plain: Evaluation
    scale: float
    scaled: Evaluation
    beta: float
    lines: Evaluation


def measured_greedy(study: Study, search: SoupSearch) -> GreedySoup:
    """The greedy selection on all validation images; measures each soup that it tries."""
    study.measure(search.alone("val"))
    while (soup := search.greedy(study)) is None:
        study.measure(search.next_specs(study))
    return soup


def soup_finding(study: Study, search: SoupSearch, members: Sequence[str]) -> SoupFinding:
    """Tune the task arithmetic and the LiNeS variant of a soup on validation, report on test."""
    study.measure([*search.scaled(members, "val").values(), *search.lines(members, "val").values()])
    scaled, lines = search.tuned_scale(members, study), search.tuned_beta(members, study)
    assert scaled is not None
    assert lines is not None
    plain, best_scaled, best_lines = study.measure([search.spec(members), scaled.spec, lines.spec])
    return SoupFinding(tuple(members), plain, scaled.value, best_scaled, lines.value, best_lines)


def front_areas(study: Study, member: str) -> Areas:
    """Areas of a member's two fronts for the mean of the shifts (Fig. 12)."""
    wise_ft, lines = (
        study.measure(sweep(member, "test", ALL_IMAGES)) for sweep in (wise_ft_sweep, robust_sweep)
    )
    found = areas(wise_ft, lines)
    assert found is not None
    return found


def measured_members(study: Study) -> tuple[str, ...]:
    """The members that a study holds."""
    return max((spec.sources for spec in study if spec.merge is not None), key=len)


def measure_soups(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``report/soups.json.gz``, and the sweeps that the page "Soup" opens with."""
    studio = Studio(assets, cache)
    search = SoupSearch(soup_members(studio))
    study = Study(assets / "report" / FILE, studio)
    greedy = measured_greedy(study, search)
    yield f"greedy keeps {len(greedy.members)} of {len(search.members)} members: {', '.join(greedy.members)}"
    study.measure([*search.alone(), search.stock()])
    for name, members in (("uniform", search.members), ("greedy", greedy.members)):
        found = soup_finding(study, search, members)
        yield (
            f"{name}: plain {found.plain.target:.4f}, scaled by {found.scale:g} {found.scaled.target:.4f}, "
            f"LiNeS with beta {found.beta:g} {found.lines.target:.4f}"
        )
    shown = study.used
    for members in (search.members, greedy.members):
        variants = (*search.lines(members, "test").values(), *search.scaled(members, "test").values())
        shown |= run_grid(studio, variants)
    for member in search.members:
        area = front_areas(study, member)
        yield f"{member}: WiSE-FT {area.wise_ft:.0f}, LiNeS + WiSE-FT {area.lines:.0f}"
    study.save()
    save_precomputed(studio, assets / "sweeps" / "soup.json", list(shown.values()))
