"""Table 2 on 8, 14 and 20 embedded tasks: does LiNeS's gain grow with the number of tasks?"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import Coefficients, MergeConfig, MergeSearch, Score, best_of
from evaluators.experiments.sweeps import ALL_IMAGES, save_precomputed
from evaluators.experiments.table2 import FILE as TABLE_FILE
from evaluators.experiments.table2 import Table2Row, merged_checkpoints, read_table2, references
from evaluators.experiments.task_counts import (
    FILE,
    SHRUNK,
    TaskCount,
    read_task_counts,
    save_task_counts,
)
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP, TINY_CLIP_14, TINY_CLIP_20
from evaluators.labs.shipped_alphas import FILE as ALPHAS
from evaluators.labs.shipped_alphas import save_alphas
from training.attribute_training import WHOLE
from training.merging_study import start_specs
from training.question_storing import FILE as STORING
from training.question_storing import measure_question_storing
from training.shared_images import SharedImages

MERGED = ("sum", "ties", "consensus", "tsv-m")
"""The paper's methods, and the strongest of the lab."""
OPENS_WITH = "tsv-m"
CHOSEN_ON = 100
"""Validation images of each data set that coefficients are chosen on."""
LONG_GRID = 15
"""Of a longer grid every second candidate is measured, then the neighbours of the best."""
PAGE_IMAGES = 100
"""Test images per task that the page asks for."""
DRAWS, DRAW_SEED, FEW = 3, 0, 8


@dataclass(frozen=True)
class Counter:
    """Counts the merges of a lab on validation and on test images."""

    val: SharedImages
    test: SharedImages

    @classmethod
    def of(cls, studio: Studio, model: str) -> "Counter":
        """Of an embedded model."""
        lab = studio.embedded(model)
        assert lab is not None
        return cls(SharedImages(lab, "val", CHOSEN_ON), SharedImages(lab, "test"))

    def finetuned(self, model: str, keys: Sequence[str], split: str = "test", gamma: float = 1.0) -> Score:
        """Each task's own model on it, with LiNeS unless ``gamma`` is 1."""
        images = self.val if split == "val" else self.test
        own = (images.score(EditSpec.lines(key, gamma, model=model, split=split), [key]) for key in keys)
        return Score(tuple(task for score in own for task in score.tasks), split)

    def best(self, config: MergeConfig, candidates: Sequence[Coefficients], finetuned: Score) -> Coefficients:
        """The coefficients with the best normalised accuracy on validation."""
        scores: dict[Coefficients, Score] = {}

        def measure(wanted: Sequence[Coefficients]) -> Coefficients:
            for alpha, beta in wanted:
                (spec,) = config.specs(alpha, beta, split="val", images=ALL_IMAGES)
                scores[alpha, beta] = self.val.score(spec, config.checkpoints)
            return best_of(scores, finetuned)

        if len(candidates) <= LONG_GRID:
            return measure(candidates)
        at = candidates.index(measure(candidates[1::2]))
        return measure(candidates[max(0, at - 1) : at + 2 : 2])


def counted_row(studio: Studio, counter: Counter, config: MergeConfig, finetuned: Score) -> Table2Row:
    """A method's row of Table 2; ``finetuned`` is of validation images."""
    alpha = round(studio.merging_alpha(config.model, config.merges[0]).alpha, 9)
    search = MergeSearch(config, alpha)
    chosen, tested = [], []
    for grid in (search.plain, search.lines):
        best = counter.best(config, grid.coefficients, finetuned)
        (spec,) = config.specs(*best, images=ALL_IMAGES)
        chosen.append(best)
        tested.append(counter.test.score(spec, config.checkpoints))
    (scale, _), (_, beta) = chosen
    return Table2Row(config.method, scale, tested[0], alpha, beta, tested[1])


def counted(
    studio: Studio, counter: Counter, model: str, methods: Sequence[str], keys: tuple[str, ...]
) -> TaskCount:
    """Some tasks, merged by some methods."""
    (zero_shot,) = MergeConfig(keys, model=model).zero_shot(images=ALL_IMAGES)
    validated = counter.finetuned(model, keys, "val")
    rows = [
        counted_row(studio, counter, MergeConfig(keys, method, model=model), validated) for method in methods
    ]
    return TaskCount(model, counter.test.score(zero_shot, keys), counter.finetuned(model, keys), tuple(rows))


def eight_tasks(studio: Studio, assets: Path) -> TaskCount:
    """The usual eight, from what ships: their coefficients were chosen on all validation images."""
    shipped = {row.method: row for row in read_table2(assets / "report" / TABLE_FILE)}
    return TaskCount(TINY_CLIP, *references(studio, TINY_CLIP), tuple(shipped[one] for one in MERGED))


def drawn_tasks(keys: Sequence[str]) -> list[tuple[str, ...]]:
    """Sets of eight of the tasks, at random."""
    rng = random.Random(DRAW_SEED)
    return [tuple(sorted(rng.sample(sorted(keys), FEW))) for _ in range(DRAWS)]


def measure_task_counts(assets: Path, work: Path) -> Iterator[str]:
    """Write ``report/task_counts.json`` set by set, and what the page opens with."""
    path = assets / "report" / FILE
    studio = Studio(assets, work / "measured")
    for model in (TINY_CLIP, TINY_CLIP_14, TINY_CLIP_20):
        known = read_task_counts(path)
        if model in {count.model for count in known.sets}:
            continue
        if model == TINY_CLIP:
            found = eight_tasks(studio, assets)
        else:
            keys = merged_checkpoints(studio, model)
            found = counted(studio, Counter.of(studio, model), model, MERGED, keys)
        save_task_counts(path, replace(known, sets=(*known.sets, found)))
        yield f"{found.tasks} tasks: {_gains(found)}"
    for model in (TINY_CLIP_14, TINY_CLIP_20):
        sweeps = assets / EMBEDDED[model].sweeps / f"merge-{OPENS_WITH}.json"
        if not sweeps.exists():
            opening = opening_evaluations(studio, model)
            save_precomputed(studio, sweeps, list(opening.values()))
            yield f"{sweeps}: {len(opening)} evaluations"
    storing = assets / "report" / STORING
    if not storing.exists():
        yield from measure_question_storing(assets, work / WHOLE, storing)
    yield from _measure_kinds(studio, path)


def _measure_kinds(studio: Studio, path: Path) -> Iterator[str]:
    """Is it their number, or that the further tasks are of another kind?"""
    counter, every = Counter.of(studio, TINY_CLIP_20), merged_checkpoints(studio, TINY_CLIP_20)
    known = read_task_counts(path)
    if known.shrunk is None:
        shrunk = counter.finetuned(TINY_CLIP_20, every, gamma=SHRUNK)
        save_task_counts(path, replace(known, shrunk=shrunk))
        yield f"each task's own model with gamma {SHRUNK:g}: {shrunk.mean:.4f}"
    for number, keys in enumerate(drawn_tasks(every), 1):
        known = read_task_counts(path)
        if number > len(known.drawn):
            found = counted(studio, counter, TINY_CLIP_20, MERGED[:1], keys)
            save_task_counts(path, replace(known, drawn=(*known.drawn, found)))
            yield f"{', '.join(keys)}: {_gains(found)}"


def opening_evaluations(studio: Studio, model: str) -> Mapping[EditSpec, Evaluation]:
    """What *Merge* opens with once a number of tasks is chosen; also ships Eq. 2's alpha."""
    lab = studio.embedded(model)
    assert lab is not None
    config = MergeConfig(merged_checkpoints(studio, model), OPENS_WITH, model=model)
    alpha, sweeps = lab.encoder.merging_alpha(config.merges[0]), lab.folder / lab.model.sweeps
    sweeps.mkdir(parents=True, exist_ok=True)
    save_alphas(sweeps / ALPHAS, lab.fingerprint(), {config.merges[0]: alpha})
    started = start_specs(MergeSearch(config, alpha.alpha, images=PAGE_IMAGES))
    references = (*config.zero_shot(images=PAGE_IMAGES), *config.finetuned(images=PAGE_IMAGES))
    return dict(run_grid(studio, (*started, *references)))


def _gains(found: TaskCount) -> str:
    return ", ".join(
        f"{row.method} {100 * row.plain.mean:.1f} -> {100 * row.lines.mean:.1f}" for row in found.rows
    )
