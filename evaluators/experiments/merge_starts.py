"""Coefficients that a page starts a merge with: those that validation chose where they ship."""

from collections.abc import Mapping

from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CLIP_14, TINY_CLIP_20, TINY_CONVNEXT

PAPER_ALPHA, PAPER_BETA, PAPER_SCALE = 0.125, 0.3, 0.3
"""The paper's coefficients of task arithmetic on eight tasks, with LiNeS and without (Table 8)."""
START_COEFFICIENTS: Mapping[str, tuple[float, float]] = {
    "sum": (PAPER_BETA, PAPER_SCALE),
    "average": (1.0, 1.0),
    "ties": (1.0, 0.8),
    "consensus": (0.8, 0.5),
    "dare": (0.4, 0.3),
    "dare-ties": (0.6, 0.3),
    "breadcrumbs": (1.0, 0.7),
    "tsv-m": (1.6, 1.0),
    "iso-c": (1.4, 0.9),
    "iso-cts": (1.7, 1.1),
    "pcb": (1.0, 0.8),
    "sce": (1.7, 1.1),
    "della": (0.9, 0.6),
    "model-stock": (1.0, 1.0),
    "tall-masks": (0.25, 1.0),
    "magnitude-masks": (0.25, 1.0),
}
"""beta and plain factor that a page starts a method with: those of validation on the eight embedded tasks."""
MODEL_STARTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    TINY_CLIP_14: {"sum": (0.3, 0.2), "ties": (1.0, 0.7), "consensus": (0.9, 0.5), "tsv-m": (1.3, 0.8)},
    TINY_CLIP_20: {"sum": (0.1, 0.1), "ties": (0.9, 0.6), "consensus": (0.6, 0.5), "tsv-m": (1.1, 0.7)},
    TINY_CONVNEXT: {"sum": (0.2, 0.3), "ties": (0.9, 0.8), "consensus": (0.7, 0.5), "tsv-m": (1.7, 1.3)},
}
"""The same by model, where its own validation images choose others than Tiny CLIP's."""
MASK_ALPHA = 0.75
"""Alpha of LiNeS that validation chooses for methods with one model a task, where there is no Eq. 2."""


def start_coefficients(method: str, model: str = TINY_CLIP) -> tuple[float, float]:
    """beta of LiNeS and the plain factor that a page starts a method with."""
    return MODEL_STARTS.get(model, {}).get(method, START_COEFFICIENTS.get(method, (PAPER_BETA, PAPER_SCALE)))


def start_origin(method: str, model: str) -> str:
    """Key of the model whose validation images chose them; empty: nothing did, they are the paper's."""
    if method in MODEL_STARTS.get(model, {}):
        return model
    return TINY_CLIP if method in START_COEFFICIENTS else ""
