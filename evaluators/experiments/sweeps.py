"""Lists of specs that draw a figure of the paper, and the way to measure a list point by point."""

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path

from evaluators.errors import Cancelled, EvaluationError
from evaluators.service.result_cache import FINGERPRINT
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.paths import WISE_FT_MIXES

GAMMAS = tuple((10 - i) / 10 for i in range(11))
ROBUST_ALPHA = ROBUST_BETA = 0.5


def gamma_sweep(
    checkpoint: str, split: str = "test", shape: str = "linear", images: int = 200
) -> tuple[EditSpec, ...]:
    """Single-task LiNeS, gamma = 1.0 (fine-tuned), 0.9, ..., 0.0, with alpha = gamma and beta = 1 - gamma.

    With shape ``"reverse"`` the deep blocks shrink instead of the shallow ones (the paper's Fig. 1). What
    lies before block 1 then goes with block 1, and what lies after block L with block L: scaled by alpha,
    the embeddings would shrink although the shallow blocks do not.
    """
    outside = "depth" if shape == "reverse" else "alpha"
    return tuple(
        EditSpec.lines(checkpoint, gamma, shape=shape, outside=outside, split=split, images=images)
        for gamma in GAMMAS
    )


def wise_ft_sweep(checkpoint: str, split: str = "test", images: int = 200) -> tuple[EditSpec, ...]:
    """The WiSE-FT line from pre-trained to fine-tuned: mix = 0.0, 0.1, ..., 1.0 (paper, section 5.1)."""
    return tuple(EditSpec.wise_ft(checkpoint, mix, split=split, images=images) for mix in WISE_FT_MIXES)


def robust_sweep(checkpoint: str, split: str = "test", images: int = 200) -> tuple[EditSpec, ...]:
    """LiNeS + WiSE-FT (Fig. 3): theta_0 + mix * lambda(l) tau, alpha = beta = 0.5, mix = 0.0 to 1.0."""
    return tuple(
        EditSpec(
            checkpoint=checkpoint, alpha=ROBUST_ALPHA, beta=ROBUST_BETA, mix=mix, split=split, images=images
        )
        for mix in WISE_FT_MIXES
    )


def run_sweep(
    studio: Studio,
    specs: Iterable[EditSpec],
    visitor: Hashable | None = None,
    cancelled: threading.Event | Callable[[], bool] | None = None,
    *,
    fresh: bool = False,
) -> Iterator[tuple[EditSpec, Evaluation]]:
    """Measure one spec after the other; each point as soon as it is complete, known points at once.

    Args:
        studio: where sliders come first, so they stay live meanwhile.
        specs: the points in order.
        visitor: as in ``Studio.stream``; a name of its own, or the sweep and the slider stop each other.
        cancelled: looked at after every chunk: an event that is set, or a function that returns True.
        fresh: measure anew, whatever is known.
    Raises: Cancelled once ``cancelled`` says so; otherwise as ``Studio.stream``. Earlier points stay known.
    """
    asked = cancelled.is_set if isinstance(cancelled, threading.Event) else cancelled
    for number, spec in enumerate(specs):
        for evaluation in studio.stream(spec, visitor, fresh=fresh, background=True):
            if asked is not None and asked():
                raise Cancelled(f"The sweep was cancelled after {number} points.")
            if evaluation.complete:
                yield spec, evaluation


def save_precomputed(studio: Studio, path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write evaluations so that the lab ships them, with the lab's fingerprint beside them.

    Args:
        studio: that measured them.
        path: a ``.json`` file in the lab's ``sweeps/``; every file there is valid for the same lab.
    Raises: EvaluationError if one of them is partial.
    """
    if not all(evaluation.complete for evaluation in evaluations):
        raise EvaluationError("Only complete evaluations ship, got a partial one.")
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = [evaluation.as_dict() for evaluation in evaluations]
    path.write_text(json.dumps(plain, separators=(",", ":")) + "\n", encoding="utf-8")
    (path.parent / FINGERPRINT).write_text(studio.lab.fingerprint() + "\n", encoding="utf-8")
