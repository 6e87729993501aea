"""The controls of the page "Merge" as one frozen value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from evaluators.errors import SpecError
from evaluators.experiments.merge_comparison import Alpha
from evaluators.experiments.merge_search import MergeConfig
from evaluators.hub.visitor_checkpoint import OWN
from evaluators.service.studio import Studio
from lines_core.merging import METHODS, Method, Parameter
from lines_core.untrusted_text import quoted
from ui.explore.explore_controls import images_of
from ui.live.subject import model_title
from ui.merge.merge_text import FEW
from ui.merge.weight_text import read_weights

FEWEST = 2
METHOD = "tsv-m"
"""Method that the page opens with."""
SHAPE = "linear"
ALPHA_TOP = 1.5
BETA_TOP = 3.0
COEFFICIENTS = 3
"""How many of the settings, the last ones, are dragged while the numbers follow: alpha, beta and plain."""


def parameter_rows() -> list[tuple[Method, Parameter]]:
    """Every parameter of every method, in the order of the sliders."""
    return [(method, parameter) for method in METHODS.values() for parameter in method.parameters]


@dataclass(frozen=True)
class MergeControls:
    """The values of the controls.

    Args:
        model: key of the encoder.
        checkpoints: ticked.
        method: a key of ``METHODS``.
        parameters: values of ``parameter_rows()``, in that order.
        weights: of the models, as text.
        auto: alpha by Eq. 2.
        shape: of the schedule.
        alpha: unless it is Eq. 2's.
        beta: LiNeS's rise.
        plain: lambda of the merge without LiNeS.
    """

    model: str
    checkpoints: tuple[str, ...]
    method: str
    parameters: tuple[float, ...]
    weights: str
    auto: bool
    shape: str
    alpha: float
    beta: float
    plain: float

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> MergeControls:
        """From what Gradio hands over, in the order of the panel's settings."""
        model, checkpoints, method, *rest = values
        count = len(parameter_rows())
        parameters, (weights, auto, shape, alpha, beta, plain) = rest[:count], rest[count:]
        return cls(
            str(model),
            tuple(checkpoints or ()),
            str(method),
            tuple(parameters),
            weights,
            bool(auto),
            str(shape),
            alpha,
            beta,
            plain,
        )

    @property
    def images(self) -> int:
        """Images per task."""
        return images_of(self.model)

    @property
    def lines_alpha(self) -> Alpha:
        """Alpha of LiNeS, or "auto" for Eq. 2's."""
        return "auto" if self.auto else self.alpha

    def config(self, titles: Mapping[str, str] = MappingProxyType({})) -> MergeConfig:
        """The merge as set.

        Args:
            titles: of the checkpoints by key, which weights may name.
        Raises: SpecError for fewer than two tasks, an unknown method, or weights that cannot be read.
        """
        if len(self.checkpoints) < FEWEST:
            raise SpecError(FEW)
        if self.method not in METHODS:
            raise SpecError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}.")
        settings = tuple(
            (parameter.key, value)
            for (method, parameter), value in zip(parameter_rows(), self.parameters, strict=True)
            if method.key == self.method
        )
        if not all(isinstance(key, str) for key in self.checkpoints):
            raise SpecError(f"checkpoints must be a list of names, got {quoted(self.checkpoints)}.")
        keys = tuple(sorted(self.checkpoints))
        return MergeConfig(keys, self.method, settings, self.model, read_weights(self.weights, keys, titles))


def offered(studio: Studio, model: str) -> list[tuple[str, str]]:
    """(title, key) of the checkpoints of a model that can be merged: those of its largest suite."""
    checkpoints = studio.checkpoints(model)
    largest = Counter(checkpoint.suite for checkpoint in checkpoints).most_common(1)
    return [
        (checkpoint.title, checkpoint.key) for checkpoint in checkpoints if checkpoint.suite == largest[0][0]
    ]


def config_of(studio: Studio, controls: MergeControls) -> MergeConfig:
    """The merge as set, weights by the titles of the page. Raises: SpecError as ``MergeControls.config``."""
    titles = {info.key: info.title for info in studio.checkpoints(controls.model)}
    return controls.config(titles)


def merge_about(studio: Studio, config: MergeConfig, more: str = "") -> str:
    """'Tiny CLIP, 8 tasks merged by TIES (Density 0.5; Faces × 2)' and what else is set."""
    method, settings = METHODS[config.method], dict(config.settings)
    titles = {info.key: info.title for info in studio.checkpoints(config.model)}
    weights = zip(config.checkpoints, config.weights, strict=False)  # no weights: all are 1
    unusual = [
        f"{parameter.title} {parameter.choices.get(value, f'{value:g}')}"
        for parameter in method.parameters
        if (value := settings.get(parameter.key, parameter.default)) != parameter.default
    ] + [f"{titles.get(key, key)} × {weight:g}" for key, weight in weights if weight != 1]
    said = f"{method.title} ({'; '.join(unusual)})" if unusual else method.title
    tasks = len(config.checkpoints)
    return f"{model_title(studio, config.model)}, {tasks} tasks merged by {said}{more and ', '}{more}"


def caught_up(studio: Studio, controls: MergeControls) -> MergeControls:
    """The controls with all tasks of their model, if the page still has the tasks of the previous model.

    Own checkpoints that were removed meanwhile are left out.
    """
    if not controls.checkpoints or controls.model not in {model.key for model in studio.models()}:
        return controls
    keys = tuple(key for _, key in offered(studio, controls.model))
    if not any(checkpoint in keys for checkpoint in controls.checkpoints):
        return replace(controls, checkpoints=keys)
    there = (one for one in controls.checkpoints if one in keys or not str(one).startswith(OWN))
    return replace(controls, checkpoints=tuple(there))
