"""A sweep as a mapping, from a YAML file or a command line: what is loaded, and what is measured on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.errors import SpecError
from evaluators.experiments.merge_comparison import Alpha
from evaluators.experiments.sweep_plans.axis_values import MOST_VALUES, SEPARATED, axis_names, axis_numbers
from evaluators.experiments.sweep_plans.edit_grid import ALL, EditGrid, MergeAxes
from evaluators.experiments.sweep_plans.paper_tables import ON_ALL_IMAGES, PAPER_TABLES
from evaluators.experiments.sweep_plans.plain_yaml import read_plain_yaml
from evaluators.experiments.sweep_plans.plan_part import PlanPart
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.hub.load_request import IMAGES, LoadRequest
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP
from evaluators.specs.edit_spec import SPLITS
from evaluators.zoo import BENCHMARKS, ENCODERS
from lines_core.editing import OUTSIDE_RULES
from lines_core.merging import METHODS
from lines_core.schedules import SHAPES
from lines_core.untrusted_text import first_names, quoted

EMBEDDED_IMAGES = 200
"""Images per task that the page asks of the embedded lab; of a public encoder it asks for all loaded ones."""
MOST_BYTES = 1 << 20
_PLAN = ("model", "family", "tasks", "images", "sweeps")
_MERGE_KEYS = ("merge", "method", "settings")
_GRID = ("checkpoint", *_MERGE_KEYS, "shape", "gamma", "alpha", "beta", "outside", "mix", "split", "images")


@dataclass(frozen=True)
class PlanLeg:
    """What is measured on one encoder with one set of tasks.

    Args:
        model: key of the encoder.
        load: what to load for it; None for the embedded lab.
        parts: what is measured.
    """

    model: str
    load: LoadRequest | None
    parts: tuple[PlanPart, ...]

    @property
    def title(self) -> str:
        """Model and number of tasks, as a line of a report begins."""
        return self.model if self.load is None else f"{self.model}, {len(self.load.tasks)} tasks"


def read_plan(path: Path) -> tuple[PlanLeg, ...]:
    """The sweep in a YAML file.

    Raises: SpecError if it cannot be read, or as ``plan_legs``.
    """
    import yaml

    try:
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise SpecError(f"{path} is larger than a sweep: {MOST_BYTES >> 20} MB at most.")
        given = read_plain_yaml(text)
    except OSError as error:
        raise SpecError(f"The sweep {path} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return plan_legs(given)


def plan_legs(given: object) -> tuple[PlanLeg, ...]:
    """The sweep that a mapping describes; docs/scale.md lists its keys.

    Raises: SpecError that names the entry which means nothing.
    """
    plan = _mapping("A sweep", given, _PLAN)
    sweeps = plan.get("sweeps")
    if not isinstance(sweeps, list) or not sweeps:
        raise SpecError(f"A sweep has a list of sweeps, got {quoted(sweeps)}.")
    models = axis_names("model", plan.get("model", TINY_CLIP), (*EMBEDDED, *ENCODERS))
    own = [model for model in models if model in EMBEDDED]
    if own and (plan.keys() & {"family", "tasks"}):
        raise SpecError(f"tasks and family are for public models: {own[0]} has its own.")
    legs = []
    for model in models:
        parts = tuple(_part(entry, model, plan.get("images")) for entry in sweeps)
        if model in EMBEDDED:
            legs.append(PlanLeg(model, None, parts))
            continue
        loaded = plan.get("images", IMAGES)
        for tasks in _task_lists(plan.get("tasks", 8)):
            load = LoadRequest(model, f"{plan.get('family', 'tall-masks')}", tasks, loaded)
            legs.append(PlanLeg(model, load, parts))
    return tuple(legs)


def _mapping(what: str, given: object, keys: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise SpecError(f"{what} must be a mapping of {', '.join(keys)}, got {quoted(given)}.")
    if foreign := [key for key in given if key not in keys]:
        raise SpecError(f"{what} has {', '.join(keys)}, but no {first_names([str(key) for key in foreign])}.")
    return given


def _images(entry: Mapping[str, Any], model: str, of_plan: object, table: str = "") -> int:
    """Images per task of an entry: its own, those of all, or else as many as the page counts."""
    whole = model not in EMBEDDED or table in ON_ALL_IMAGES
    given = (entry.get("images"), of_plan, ALL_IMAGES if whole else EMBEDDED_IMAGES)
    images = next(one for one in given if one is not None)
    if isinstance(images, bool) or not isinstance(images, int) or images < 0:
        raise SpecError(f"images must be a number of images per task, or 0 for all, got {quoted(images)}.")
    return images


def _task_lists(given: object) -> list[tuple[str, ...]]:
    """Sets of tasks: 8, 14 and 20 are the paper's; else one list of keys."""
    values = given if isinstance(given, list) else f"{given}".split(",")
    texts = [f"{value}".strip() for value in values]
    if all(text.isdigit() for text in texts):
        if foreign := [text for text in texts if int(text) not in BENCHMARKS]:
            raise SpecError(
                f"tasks must be of {', '.join(map(str, BENCHMARKS))}, got {first_names(foreign)}."
            )
        return [BENCHMARKS[int(text)] for text in texts]
    return [tuple(texts)]


def _part(entry: object, model: str, images: object) -> PlanPart:
    if isinstance(entry, Mapping) and "table" in entry:
        table = _mapping("A table", entry, ("table", "images"))
        keys = axis_names("table", table["table"], tuple(PAPER_TABLES))
        if len(keys) > 1:
            raise SpecError(f"An entry of sweeps has one table, got {', '.join(keys)}: give each its own.")
        return PAPER_TABLES[keys[0]](model, _images(table, model, images, keys[0]))
    grid = _mapping("An entry of sweeps", entry, _GRID)
    merge = _merge(grid)
    return EditGrid(
        model,
        axis_names("checkpoint", grid["checkpoint"]) if "checkpoint" in grid else () if merge else (ALL,),
        merge,
        _pairs(grid),
        axis_names("shape", grid.get("shape", "linear"), tuple(SHAPES)),
        axis_names("outside", grid.get("outside", "alpha"), tuple(OUTSIDE_RULES)),
        axis_numbers("mix", grid.get("mix", 1.0)),
        axis_names("split", grid.get("split", "test"), SPLITS),
        _images(grid, model, images),
    )


def _merge(grid: Mapping[str, Any]) -> MergeAxes | None:
    if "merge" not in grid:
        if absent := [key for key in _MERGE_KEYS if key in grid]:
            raise SpecError(f"{' and '.join(absent)} belong to a merge: say which, as merge: all.")
        return None
    given = grid["merge"]
    several = isinstance(given, list) and all(isinstance(group, list) for group in given) and bool(given)
    groups = tuple(axis_names("merge", group) for group in (given if several else [given]))
    settings = grid.get("settings", {})
    if not isinstance(settings, Mapping):
        raise SpecError(f"settings must be a mapping from name to values, got {quoted(settings)}.")
    return MergeAxes(
        groups,
        axis_names("method", grid.get("method", "sum"), tuple(METHODS)),
        {f"{name}": axis_numbers(f"{name}", values) for name, values in settings.items()},
    )


def _pairs(grid: Mapping[str, Any]) -> tuple[tuple[Alpha, float], ...]:
    """alpha and beta: of each gamma, or every combination; the fine-tuned model where none is given."""
    if "gamma" in grid:
        if "alpha" in grid or "beta" in grid:
            raise SpecError("gamma is alpha = γ and beta = 1 − γ: leave alpha and beta out, or gamma.")
        gammas = axis_numbers("gamma", grid["gamma"])
        if wrong := [gamma for gamma in gammas if not 0 <= gamma <= 1]:
            raise SpecError(f"gamma is from 0 to 1, got {wrong[0]:g}: {SEPARATED}.")
        return tuple((gamma, round(1.0 - gamma, 9)) for gamma in gammas)
    given = grid.get("alpha", 1.0)
    listed = given if isinstance(given, list) else [given]
    alphas: list[Alpha] = ["auto"] if "auto" in listed else []
    if numbers := [one for one in listed if one != "auto"]:
        alphas += axis_numbers("alpha", numbers)
    betas = axis_numbers("beta", grid.get("beta", 0.0))
    if len(alphas) * len(betas) > MOST_VALUES:
        raise SpecError(
            f"{len(alphas):,} alphas and {len(betas):,} betas are more than {MOST_VALUES:,} combinations."
        )
    return tuple((alpha, beta) for alpha in alphas for beta in betas)
