"""Words on the Robust fine-tuning page."""

from __future__ import annotations

from evaluators.experiments.robust_fronts import Areas
from ui.shell.text import percent_range

ROBUST = (
    "A model fine-tuned on objects (ID) meets the same objects in other styles (OOD). WiSE-FT mixes "
    "pre-trained and fine-tuned weights, in all layers alike; LiNeS first shrinks the shallow layers "
    "(α = β = 0.5), then mixes. A point is on the front of its curve if no other one is better in both. "
    "(Section 5.1 and Fig. 3 of the paper)"
)
ROBUST_CHART = (
    "All shifts together",
    "▲ WiSE-FT, ● LiNeS + WiSE-FT (filled: on the front), ■ pre-trained, ◆ fine-tuned",
)
SHIFTS = {
    "objects_sketch": "Sketches",
    "objects_hard": "Hard, cluttered",
    "objects_renditions": "Renditions",
    "objects_views": "Odd views",
    "objects_fresh": "Fresh draw",
}
IMAGENET_SHIFTS = {
    "imagenet_v2": "ImageNet-V2",
    "imagenet_sketch": "ImageNet-Sketch",
    "imagenet_r": "ImageNet-R",
    "imagenet_a": "ImageNet-A",
}
AREAS = "Area under each front (hypervolume), in points × points above the worst ID and OOD accuracy shown"


def robust_finding(area: Areas | None, interval: tuple[float, float] = (0.0, 0.0)) -> str:
    """One sentence on the two fronts, by the area that they dominate.

    Args:
        interval: of the gain in area, as ``gain_interval`` gives it.
    """
    if area is None or not area.wise_ft:
        return "WiSE-FT alone covers no area beyond the worst accuracies shown."
    gain = 100 * (area.lines / area.wise_ft - 1)
    ends = percent_range(*interval)
    if interval[0] <= 0 <= interval[1]:
        return (
            "On average over the shifts, the areas under the fronts of LiNeS + WiSE-FT and of WiSE-FT alone "
            f"do not differ measurably ({ends} %)."
        )
    more = "more" if gain > 0 else "less"
    return (
        f"On average over the shifts, LiNeS + WiSE-FT covers {abs(gain):.1f} % {more} area under its front "
        f"than WiSE-FT alone ({ends} %)."
    )
