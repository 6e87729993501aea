"""The page "Soup" without a browser: its sweep from nothing to the tuned soups, on the small lab."""

from pathlib import Path

from evaluators.experiments.soup_search import SoupSearch, soup_members
from evaluators.service.studio import Studio
from tests.conftest import CHUNK
from ui.soup import soup_page
from ui.sweep.sweep_panel import Sweep


def test_the_sweep_ends_with_tuned_soups(lab: Path) -> None:
    studio = Studio(lab, None, chunk=CHUNK)
    sweep = Sweep("soup", soup_page.specs, soup_page.draw, soup_page.next_specs, settings=1)
    before, *_ = sweep.shown(studio, "visitor", "tiny-clip", "greedy", 0.4)
    assert "Not measured yet" in before["slots"]["finding"]
    *_, (value, run, _) = sweep.run(studio, "visitor", "tiny-clip", "greedy", 0.4)
    assert run["interactive"]
    found = sweep.cached(studio, ("tiny-clip",))
    search = SoupSearch(soup_members(studio))
    soup, beta = search.greedy(found), search.tuned_beta(search.members, found)
    assert soup is not None
    assert beta is not None
    assert f"keeps {len(soup.members)} of 3 members" in value["slots"]["finding"]
    assert f"Uniform soup, LiNeS, β = {beta.value:g}" in value["slots"]["numbers"]
    edited = found[search.spec(soup.members, 0.4)]
    assert value["charts"]["soup"]["figure"]["data"][-1]["x"] == [round(100 * edited.target, 2)]
    assert len(value["charts"]["greedy"]["figure"]["data"][1]["x"]) == len(soup.steps) == 3
    between, *_ = sweep.shown(studio, "visitor", "tiny-clip", "greedy", 0.35)
    assert "in steps of 0.1" in between["slots"]["tiles"], "it was said to be missing"
