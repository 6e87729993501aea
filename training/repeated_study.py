"""Target, control and merging of the repeated fine-tunings: chosen on validation, counted on test."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.merge_search import MergeConfig, MergeSearch
from evaluators.experiments.sweeps import ALL_IMAGES, run_sweep
from evaluators.specs.image_hits import TaskHits, plain_hits, read_hits
from lines_core.atomic_write import atomic_write
from lines_core.merging import METHODS
from training.hits import task_hits

STEPS_FILE, SEEDS_FILE = "steps.json", "seeds.json"
LARGE, SMALL = "large steps", "small steps"
"""The sets of ``STEPS_FILE``."""
MERGED_BY = ("sum", "ties", "consensus", "tsv-m")
"""Methods of the paper, and the strongest of the lab."""


@dataclass(frozen=True)
class ModelHits:
    """One fine-tuned model on all tasks; gamma by C.1."""

    gamma: float
    finetuned: TaskHits
    lines: TaskHits


@dataclass(frozen=True)
class MergeHits:
    """One method on the merged tasks; both coefficients were chosen on validation.

    Args:
        alpha: Eq. 2's.
        scale: lambda of the plain merge.
        beta: of LiNeS.
        plain, lines: without LiNeS and with it.
    """

    alpha: float
    scale: float
    beta: float
    plain: TaskHits
    lines: TaskHits


@dataclass(frozen=True)
class SetHits:
    """What is known of a set of fine-tunings.

    Args:
        pretrained: on all tasks.
        models: by the key of the checkpoint.
        merges: by method, of the usual fine-tunings.
    """

    pretrained: TaskHits
    models: Mapping[str, ModelHits]
    merges: Mapping[str, MergeHits]


def measured(studio: Studio, specs: Sequence[EditSpec], *, fresh: bool = False) -> list[Evaluation]:
    """The complete evaluations, in order; ``fresh`` ones hold predictions even where counts ship."""
    found = dict(run_sweep(studio, dict.fromkeys(specs), fresh=fresh))
    return [found[spec] for spec in specs]


def model_hits(studio: Studio, key: str) -> ModelHits:
    """The choice of gamma and its outcome."""
    gamma = GammaSearch(key, images=ALL_IMAGES).measure(studio)
    specs = [EditSpec.finetuned(key, images=ALL_IMAGES), EditSpec.lines(key, gamma, images=ALL_IMAGES)]
    finetuned, lines = (task_hits(studio, found) for found in measured(studio, specs))
    return ModelHits(gamma, finetuned, lines)


def merge_hits(studio: Studio, config: MergeConfig) -> MergeHits:
    """The paper's search of lambda and of beta on validation, and the two chosen merges."""
    alpha = round(studio.merging_alpha(config.model, config.merges[0]).alpha, 9)
    search = MergeSearch(config, alpha, "linear", ALL_IMAGES)
    chosen, hits = [], []
    for grid in (search.plain, search.lines):
        best = grid.result(dict(run_sweep(studio, grid.specs))).best
        assert best is not None
        chosen.append(best)
        (tested,) = measured(studio, grid.test_specs(best))
        every = task_hits(studio, tested)
        hits.append({task: every[task] for task in config.checkpoints})  # the others are controls
    (scale, _), (_, beta) = chosen
    plain, lines = hits
    return MergeHits(alpha, scale, beta, plain, lines)


def measure_set(lab: Path, cache: Path) -> Iterator[str | SetHits]:
    """A line for each part, the hits at the end."""
    studio = Studio(lab, cache)
    usual, careful = (
        [checkpoint.key for checkpoint in some if checkpoint.suite == "tasks"]
        for some in (studio.checkpoints(), studio.compared())
    )
    merges: dict[str, MergeHits] = {}
    for method in MERGED_BY:
        if method in METHODS:
            merges[method] = merge_hits(studio, MergeConfig(tuple(usual), method))
            yield f"{method}: lambda {merges[method].scale:g}, beta {merges[method].beta:g}"
    models: dict[str, ModelHits] = {}
    for key in (*usual, *careful):
        models[key] = model_hits(studio, key)
        yield f"{key}: gamma {models[key].gamma:g}"
    (pretrained,) = measured(studio, [EditSpec.pretrained(usual[0], images=ALL_IMAGES)])
    hits = SetHits(task_hits(studio, pretrained), models, merges)
    studio.close()
    yield hits


def measure_sets(path: Path, labs: Mapping[str, Path], cache: Path) -> Iterator[str]:
    """Write the hits of some labs to ``path``; what ``cache`` knows is not measured again."""
    sets = {}
    for name, lab in labs.items():
        for said in measure_set(lab, cache):
            if isinstance(said, SetHits):
                sets[name] = said
            else:
                yield f"{name}: {said}"
    save_sets(path, sets)


def save_sets(path: Path, sets: Mapping[str, SetHits]) -> None:
    """Write some sets, by key."""
    plain = {
        key: {
            "pretrained": plain_hits(found.pretrained),
            "models": {
                name: {
                    "gamma": model.gamma,
                    "finetuned": plain_hits(model.finetuned),
                    "lines": plain_hits(model.lines),
                }
                for name, model in found.models.items()
            },
            "merges": {
                method: {
                    "alpha": merge.alpha,
                    "scale": merge.scale,
                    "beta": merge.beta,
                    "plain": plain_hits(merge.plain),
                    "lines": plain_hits(merge.lines),
                }
                for method, merge in found.merges.items()
            },
        }
        for key, found in sets.items()
    }
    text = json.dumps(plain, separators=(",", ":")) + "\n"
    atomic_write(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_sets(path: Path) -> dict[str, SetHits]:
    """Inverse of ``save_sets``; empty if there is no such file."""

    def model(plain: Mapping[str, Any]) -> ModelHits:
        return ModelHits(plain["gamma"], read_hits(plain["finetuned"]), read_hits(plain["lines"]))

    def merge(plain: Mapping[str, Any]) -> MergeHits:
        sides = read_hits(plain["plain"]), read_hits(plain["lines"])
        return MergeHits(plain["alpha"], plain["scale"], plain["beta"], *sides)

    if not path.exists():
        return {}
    return {
        key: SetHits(
            read_hits(plain["pretrained"]),
            {name: model(entry) for name, entry in plain["models"].items()},
            {name: merge(entry) for name, entry in plain["merges"].items()},
        )
        for key, plain in json.loads(path.read_text(encoding="utf-8")).items()
    }
