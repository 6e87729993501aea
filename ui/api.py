"""Public HTTP API: `/evaluate`, `/images`, `/classify`, `/models`; the page's own listeners are private."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from inspect import signature
from typing import Any

from gradio.components.api_component import Api
from gradio.context import get_blocks_context
from gradio.events import api
from gradio.utils import get_function_description

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.normalise import normalised
from evaluators.zoo import ENCODERS
from ui.explore.references import anchors
from ui.pictures.picture_answers import classify, images
from ui.shell.error_messages import as_toast


def evaluate(
    studio: Studio,
    model: str,
    checkpoint: str,
    alpha: float,
    beta: float,
    shape: str,
    mix: float,
    split: str,
    outside: str,
) -> dict[str, Any]:
    """Evaluate one edit and its two references, with lower priority than the page; as plain JSON values.

    Returns: `coefficients` by block (mix included), `outside` (before, after), `tasks` ({name: {correct, n,
        accuracy, low, high, role}}), `target`, `control`, `target_normalised`, `control_normalised`,
        `regained`, `seconds`, `dtype`, `device` and the `spec` itself.
    Raises: LinesError for a wrong value; nothing is changed then.
    """
    spec = EditSpec(
        model=model,
        checkpoint=checkpoint,
        alpha=alpha,
        beta=beta,
        shape=shape,
        mix=mix,
        split=split,
        outside=outside,
    )
    result, pretrained, finetuned = (
        studio.evaluate(each, background=True) for each in (spec, *anchors(spec))
    )
    num_blocks = {info.key: info.num_blocks for info in studio.models()}[spec.model]
    return as_json(result, pretrained, finetuned, num_blocks)


def as_json(
    result: Evaluation, pretrained: Evaluation, finetuned: Evaluation, num_blocks: int
) -> dict[str, Any]:
    """The answer of `/evaluate` for an evaluation and its references."""
    scales = result.spec.scales(num_blocks)
    numbers = normalised(result, pretrained, finetuned)
    return {
        "coefficients": list(scales.blocks),
        "outside": {"before": scales.before, "after": scales.after},
        "tasks": {
            task.key: {
                "correct": task.correct,
                "n": task.n,
                "accuracy": task.accuracy,
                "low": task.low,
                "high": task.high,
                "role": task.role,
            }
            for task in result.tasks
        },
        "target": result.target,
        "control": result.control,
        "target_normalised": numbers.target,
        "control_normalised": numbers.control,
        "regained": numbers.regained,
        "seconds": result.seconds,
        "dtype": result.dtype,
        "device": result.device,
        "spec": result.spec.as_dict(),
    }


def models(studio: Studio) -> list[dict[str, Any]]:
    """The loaded models with their checkpoints, then those that can be loaded.

    A checkpoint's `report` is a ``CheckpointReport``; None of one that ships.
    """
    loaded = []
    for model in studio.models():
        reports = studio.reports(model.key)
        checkpoints = [
            asdict(info) | {"report": asdict(reports[info.key]) if info.key in reports else None}
            for info in studio.checkpoints(model.key)
        ]
        loaded.append(asdict(model) | {"loaded": True, "checkpoints": checkpoints})
    keys = {model["key"] for model in loaded}
    loadable = [
        {
            "key": key,
            "title": encoder.title,
            "num_blocks": encoder.num_blocks,
            "parameters": encoder.tower_parameters,
            "image_size": encoder.image_size,
            "loaded": False,
            "checkpoints": [],
        }
        for key, encoder in ENCODERS.items()
        if key not in keys
    ]
    return [*loaded, *loadable]


def declare_api(studio: Studio) -> None:
    """Declare the endpoints inside the current Blocks, under stable names."""

    def evaluate_endpoint(
        model: str = "tiny-clip",
        checkpoint: str = "digits",
        alpha: float = 1.0,
        beta: float = 0.0,
        shape: str = "linear",
        mix: float = 1.0,
        split: str = "test",
        outside: str = "alpha",
    ) -> dict[str, Any]:
        """Target and control accuracy of a fine-tuned model edited by LiNeS.

        Args:
            model: key of the pre-trained model, see /models.
            checkpoint: key of the fine-tuned checkpoint, see /models.
            alpha: factor of the first block on the fine-tuning's change (Eq. 1).
            beta: rise from the first to the last block.
            shape: linear, sqrt, quadratic, tiered, flat or reverse.
            mix: WiSE-FT coefficient, multiplies every factor.
            split: test or val.
            outside: scale of the parameters in no block: alpha, depth, pretrained or finetuned.
        """
        with as_toast():
            return evaluate(studio, model, checkpoint, alpha, beta, shape, mix, split, outside)

    def images_endpoint(
        model: str = "tiny-clip",
        checkpoint: str = "digits",
        alpha: float = 1.0,
        beta: float = 0.0,
        shape: str = "linear",
        mix: float = 1.0,
        split: str = "test",
        outside: str = "alpha",
        task: str = "",
        limit: int = 8,
    ) -> dict[str, Any]:
        """Class, predictions and state of single test images: which ones an edit forgets, keeps and learns.

        Args:
            model: key of the pre-trained model, see /models.
            checkpoint: key of the fine-tuned checkpoint, see /models.
            alpha: factor of the first block on the fine-tuning's change (Eq. 1).
            beta: rise from the first to the last block.
            shape: linear, sqrt, quadratic, tiered, flat or reverse.
            mix: WiSE-FT coefficient, multiplies every factor.
            split: test or val.
            outside: scale of the parameters in no block: alpha, depth, pretrained or finetuned.
            task: key of a task; empty for all that are evaluated with the checkpoint.
            limit: images per task, up to 200.
        """
        with as_toast():
            spec = EditSpec(model, checkpoint, shape, alpha, beta, outside, mix, split)
            return images(studio, (*anchors(spec), spec), task, limit)

    def classify_endpoint(
        image: str,
        model: str = "tiny-clip",
        checkpoint: str = "digits",
        alpha: float = 1.0,
        beta: float = 0.0,
        shape: str = "linear",
        mix: float = 1.0,
        outside: str = "alpha",
        task: str = "",
        names: str = "",
        template: str = "",
    ) -> dict[str, Any]:
        """Class probabilities of your own picture under the pre-trained, the fine-tuned and an edited model.

        Args:
            image: a PNG, JPEG or WebP file in base64, 700 kB at most; it is not stored.
            model: key of the pre-trained model, see /models.
            checkpoint: key of the fine-tuned checkpoint, see /models.
            alpha: factor of the first block on the fine-tuning's change (Eq. 1).
            beta: rise from the first to the last block.
            shape: linear, sqrt, quadratic, tiered, flat or reverse.
            mix: WiSE-FT coefficient, multiplies every factor.
            outside: scale of the parameters in no block: alpha, depth, pretrained or finetuned.
            task: key of a task whose classes to choose between.
            names: class names with commas between them, instead of a task.
            template: prompt for the names, with {} for the name.
        """
        with as_toast():
            spec = EditSpec(model, checkpoint, shape, alpha, beta, outside, mix)
            return classify(studio, (*anchors(spec), spec), image, task, names, template)

    def models_endpoint() -> list[dict[str, Any]]:
        """The models and fine-tuned checkpoints that /evaluate accepts, and how far each moved its blocks."""
        return models(studio)

    _endpoint(evaluate_endpoint, "evaluate", concurrency_id="api", concurrency_limit=2)
    _endpoint(images_endpoint, "images", concurrency_id="api", concurrency_limit=2)
    _endpoint(classify_endpoint, "classify", concurrency_id="api", concurrency_limit=2)
    _endpoint(models_endpoint, "models", queue=False)


def _endpoint(function: Callable[..., Any], name: str, **limits: Any) -> None:
    """Declare one endpoint; the page of the API describes its parameters as its docstring does."""
    api(function, api_name=name, **limits)
    described = get_function_description(function)[1]
    page = get_blocks_context()
    assert page is not None
    declared = page.fns[max(page.fns)]
    for component, parameter in zip(declared.inputs, signature(function).parameters, strict=True):
        assert isinstance(component, Api)
        component.label = described[parameter].rstrip(".")
