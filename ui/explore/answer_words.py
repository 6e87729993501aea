"""Sentences that the browser makes of an answer's counts; it fills in what stands in braces.

`ui/live/answers/verdict.js` decides by 95 % intervals which of them hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from lines_core.schedules import SHAPES
from ui.explore.explore_text import OUTSIDE, inside

SETTING_WORDS: Mapping[str, str] = {
    "setting_line": "{shape}, α = {alpha}, β = {beta}",
    "setting_flat": "{shape}, α = {alpha}",
    "setting_free": "free-form schedule",
    "setting_mix": ", mix {mix}",
    "setting_outside": ", outside the blocks {rule}",
}
NAME_WORDS: Mapping[str, str] = {
    "others": "the other tasks",
    "shifts": "its shifted sets",
    "controls_others": "mean of the {count} other tasks",
    "controls_shifts": "mean of the {count} shifted sets",
    "path_lines": "LiNeS, γ = {gamma}",
    "path_wise_ft": "WiSE-FT, mix {mix}",
}
EVIDENCE_WORDS: Mapping[str, str] = {
    "counting": "first {seen} of {total} images, still counting",
    "all_images": "all {seen} {split} images that are loaded",
    "each_images": "{each} {split} images of each data set, {seen} in all",
    "most_images": "at most {each} {split} images of each data set, {seen} in all",
    "precomputed": "{images}, precomputed",
    "measured": "{images}, measured in {seconds} s{place}",
    "place_browser": " by this browser",
    "split_test": "test",
    "split_val": "validation",
}
VERDICT_WORDS: Mapping[str, str] = {
    "comparing": "Comparing with the pre-trained and the fine-tuned model on {task} …",
    "so_far": "So far {target} on {task} and {control} on {others} …",
    "is_pretrained": "The pre-trained model: it has not learned {task} ({target}) and has forgotten nothing.",
    "is_finetuned": "The fine-tuned model: it {learned} and {lost}.",
    "learned_better": "learned {task} ({before} → {after})",
    "learned_same": "did not measurably improve on {task} ({before} → {after})",
    "learned_worse": "got worse on {task} ({before} → {after})",
    "lost_better": "improved on {others} too ({before} → {after})",
    "lost_same": "forgot nothing measurable of {others} ({before} → {after})",
    "lost_worse": "forgot part of {others} ({before} → {after})",
    "verdict": "{keeps} {back}.",
    "not_learned": "Fine-tuning {learned}; this edit reaches {target}",
    "beats": "Beats the fine-tuned model on {task} ({before} → {after})",
    "keeps": "Keeps {share} of the fine-tuned accuracy on {task}",
    "all": "all",
    "nothing_lost_better": "and is better than the fine-tuned model on {others} ({before} → {after})",
    "nothing_lost_same": "and does as well as the fine-tuned model on {others}: fine-tuning had cost it "
    "nothing measurable there",
    "nothing_lost_worse": "but falls behind the fine-tuned model on {others} ({before} → {after})",
    "back_worse": "but forgets even more than the fine-tuned model",
    "back_same": "and gets back nothing measurable of what it forgot",
    "back_better": "and gets back {share} of the accuracy that {others} had lost on average "
    "({before} → {after})",
    "back_level": "and {others} are on average back at the level from before fine-tuning "
    "({before}, now {after})",
    "knows_more": "and on average {others} do better than before fine-tuning ({before} → {after})",
}


def answer_words() -> dict[str, object]:
    """All of them, and the names of scaling functions and outside rules within a sentence."""
    return {
        **SETTING_WORDS,
        **NAME_WORDS,
        **EVIDENCE_WORDS,
        **VERDICT_WORDS,
        "shapes": {key: inside(shape.title) for key, shape in SHAPES.items()},
        "rules": dict(OUTSIDE),
    }
