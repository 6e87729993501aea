"""A sweep counts what is not known, once, and its tables are the searches of the page."""

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from evaluators.errors import SpecError
from evaluators.experiments.finetuning_variants import variant_specs
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.merge_search import MergeConfig, MergeSearch, score
from evaluators.experiments.soup_search import SoupSearch, soup_members
from evaluators.experiments.sweep_plans.lab_tables import FinetuningTable, SoupTable
from evaluators.experiments.sweep_plans.measured_leg import measure_parts
from evaluators.experiments.sweep_plans.outlook import Outlook, images_of_spec, measured_pace, outlook
from evaluators.experiments.sweep_plans.paper_tables import GammaTable, MergeTable
from evaluators.experiments.sweep_plans.plan_file import plan_legs
from evaluators.experiments.sweep_plans.result_rows import COLUMNS, write_results
from evaluators.experiments.sweeps import run_sweep
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import mean_target
from evaluators.specs.edit_spec import EditSpec
from tests.conftest import CHUNK

FEW = 12


def test_a_sweep_goes_on_where_it_was(lab: Path, tmp_path: Path) -> None:
    (leg,) = plan_legs({"images": FEW, "sweeps": [{"gamma": "0:1:0.25"}, {"gamma": "0,1", "shape": "flat"}]})
    seen: list[Outlook] = []
    progress: list[tuple[int, int]] = []
    studio = Studio(lab, tmp_path, chunk=CHUNK)
    found = measure_parts(studio, leg.parts, lambda *now: progress.append(now), seen=seen.append)
    wanted = [spec for part in leg.parts for spec in part.first(studio)]
    assert set(found) == set(wanted)
    one_by_one = dict(run_sweep(Studio(lab, None, chunk=CHUNK), wanted))
    assert {spec: one.tasks for spec, one in found.items()} == {
        spec: one.tasks for spec, one in one_by_one.items()
    }
    # flat 0 is the pre-trained model whatever the checkpoint, and flat 1 is gamma = 1 of each
    assert [len(ahead.missing) for ahead in seen] == [11]
    assert progress[-1] == (seen[0].total, seen[0].total)
    assert seen[0].total == 11 * 3 * FEW
    studio.close()

    again: list[Outlook] = []
    later = Studio(lab, tmp_path, chunk=CHUNK)
    found_again = measure_parts(later, leg.parts, seen=again.append)
    assert [len(ahead.missing) for ahead in again] == [0]
    assert {spec: one.tasks for spec, one in found_again.items()} == {
        spec: one.tasks for spec, one in found.items()
    }
    later.close()


def test_table_1_is_the_gamma_search(studio: Studio) -> None:
    table = GammaTable("tiny-clip", FEW)
    found = measure_parts(studio, [table])
    for key in ("digits", "faces"):
        gamma = GammaSearch(key, images=FEW).measure(studio)
        lines = found[EditSpec.lines(key, gamma, images=FEW)]
        (row,) = [line for line in table.lines(found) if line.split()[0] == key]
        assert row.endswith(f"{100 * lines.target:5.1f} / {100 * lines.control:5.1f}   γ {gamma:g}")


def test_table_2_is_the_merge_search(studio: Studio) -> None:
    table = MergeTable("tiny-clip", FEW, ("ties",))
    found = measure_parts(studio, [table])
    config = MergeConfig(("digits", "faces"), "ties")
    alpha = studio.merging_alpha("tiny-clip", config.merges[0]).alpha
    search = MergeSearch(config, alpha, images=FEW)
    finetuned = score(found[spec] for spec in config.finetuned("test", FEW))
    rows = {line[:32].strip(): line[32:].split() for line in table.lines(found)[1:]}
    assert list(rows) == ["zero-shot", "fine-tuned", "TIES", "TIES + LiNeS"]
    for name, grid in (("TIES", search.plain), ("TIES + LiNeS", search.lines)):
        test = grid.result(found).test
        assert test is not None
        assert rows[name][:2] == [f"{100 * test.mean:.1f}", f"{100 * test.normalised(finetuned):.1f}"]


def test_table_4_goes_on_until_the_greedy_soup_is_known(studio: Studio) -> None:
    table, seen = SoupTable("tiny-clip", FEW), list[Outlook]()
    found = measure_parts(studio, [table], seen=seen.append)
    search = SoupSearch(soup_members(studio), FEW)
    greedy = search.greedy(found)
    assert greedy is not None
    lines = search.tuned_beta(greedy.members, found)
    assert lines is not None
    rows = {line[:32].strip(): line[32:].split() for line in table.lines(found)}
    assert rows["greedy soup"] == [
        f"{100 * found[search.spec(greedy.members)].target:.1f}",
        f"{len(greedy.members)}",
        "members",
    ]
    assert rows["greedy soup + LiNeS"] == [f"{100 * found[lines.spec].target:.1f}", "β", f"{lines.value:g}"]
    assert len(rows) == 2 + 2 * 3
    assert set(table.then(found)) <= set(found)
    assert len(seen) >= 3, "members, then one soup after the other"


def test_table_10_is_the_comparison_of_the_page(studio: Studio) -> None:
    table = FinetuningTable("tiny-clip", FEW)
    found = measure_parts(studio, [table])
    assert {spec.images for spec in found} == {FEW}
    heading, *rows = table.lines(found)
    assert heading.split()[-3:] == ["as", "trained", "LiNeS"]
    titles = [group.variant.title for group in variant_specs(studio)]
    assert [row[:32].strip() for row in rows] == ["pre-trained", *titles]
    usual = [
        found[EditSpec.finetuned(key, images=FEW)] for key in studio.lab.tuned_gammas() if "." not in key
    ]
    assert rows[1].split()[-6] == f"{100 * mean_target(usual).mean:.1f}"


def test_a_public_model_has_no_soup_members(studio: Studio) -> None:
    for part in (SoupTable("ViT-B-32", FEW), FinetuningTable("ViT-B-32", FEW)):
        with pytest.raises(SpecError, match="which tiny-clip alone has, got ViT-B-32: leave --model out"):
            part.first(studio)


def test_the_map_of_figure_9(studio: Studio) -> None:
    table = MergeTable("tiny-clip", FEW, ("sum",), heat=True)
    assert len(table.first(studio)) == 2 + 121


def test_the_pace_is_measured_on_what_is_missing(
    studio: Studio, torch_threads: Callable[[int], None]
) -> None:
    """Of 35 positions counted together once only the first counted: 14 images a second in place of 500."""
    specs = [EditSpec.lines("digits", gamma / 10, images=FEW) for gamma in range(11)]
    ahead = outlook(studio, [*specs, *specs])
    assert len(ahead.missing) == 11
    assert ahead.total == sum(images_of_spec(studio, spec) for spec in specs) == 11 * 3 * FEW
    torch_threads(2)
    began = time.perf_counter()
    pace = measured_pace(studio, ahead, seconds=0)
    took = time.perf_counter() - began
    left = outlook(studio, specs)
    assert pace * took >= 2 * 3 * FEW, "all that was counted counts: one of them once did"
    assert len(left.missing) == 9, "what a sample has counted is kept, and not counted again"


def test_results_as_parquet(studio: Studio, tmp_path: Path) -> None:
    (leg,) = plan_legs({"images": FEW, "sweeps": [{"gamma": 0.5}, {"merge": "all", "method": "ties"}]})
    found = measure_parts(studio, leg.parts)
    path = tmp_path / "new" / "sweep.parquet"
    assert write_results(path, found.values(), {"lines-explorer": "1"}) == 9
    table = pyarrow.parquet.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    assert table.schema.metadata[b"lines-explorer"] == b"1"
    rows = table.to_pylist()
    first = found[EditSpec.lines("digits", 0.5, images=FEW)]
    for row, task in zip(rows[:3], first.tasks, strict=True):
        assert (row["task"], row["role"], row["correct"], row["n"]) == (
            task.key,
            task.role,
            task.correct,
            task.n,
        )
        assert (row["low"], row["high"]) == pytest.approx((task.low, task.high))
    assert rows[-1]["merged"] == "digits faces"
    assert (rows[-1]["method"], rows[-1]["checkpoint"]) == ("ties", "")
