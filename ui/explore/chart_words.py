"""Words in and around the charts of the live panel; the browser fills in what stands in braces."""

from __future__ import annotations

from collections.abc import Mapping

CHARTS: Mapping[str, tuple[str, str]] = {
    "schedule": ("Layer schedule", "what each [[block|block]] keeps of the fine-tuning: drag a bar"),
    "tradeoff": ("Target against control", "up: better at the new task, right: forgets less"),
    "tasks": ("Accuracy per task", "bars: this edit, upright marks: pre-trained and fine-tuned"),
}
"""Name -> heading and the line beside it; [[term|word]] is a word that the glossary explains."""

CHART_WORDS: Mapping[str, str] = {
    "edit": "This edit",
    "target": "target",
    "control": "control",
    "target_tile": "Target",
    "control_tile": "Control",
    "against_finetuned": "against fine-tuned",
    "target_axis": "target: accuracy on the fine-tuned task →",
    "control_axis": "control: mean accuracy on the other tasks →",
    "lines_curve": "LiNeS",
    "wise_ft_curve": "WiSE-FT",
    "trail": "visited",
    "kept_pins": "pinned",
    "points": "Measured models: arrow keys go through them, Enter sets the controls to one",
    "visited": "You were here: {setting}",
    "accuracies": "Accuracy per task",
    "task": "Task",
    "control_mean": "Mean of the control tasks",
    "schedule": "Layer schedule",
    "block": "Block",
    "factor": "Factor",
    "bar": "Block {block}",
    "pin": "Pin {letter}",
    "pin_help": "Keeps this position to compare others with; it is part of the link",
    "no_letter": "No pin left",
    "no_letter_help": "A, B and C are pinned: unpin one of them first",
    "pin_name": "Pin {letter}: {name}",
    "go_to_pin": "Go to pin {letter}: {name}",
    "unpin": "Unpin {letter}",
    "pins": "Pins: this edit against the positions you kept",
    "setting": "Setting",
    "same": "this edit",
    "elsewhere": "Of another model or checkpoint: not compared.",
    "unmeasured": "not measured yet",
    "this_edit": "this edit {change} ({range})",
    "no_difference": "no measurable difference ({range})",
    "paired": "Differences in points with 95 % intervals: this edit minus the pin, paired image by image.",
    "comparing_pin": "comparing image by image …",
    "play": "▶ Play",
    "pause": "❚❚ Pause",
    "schedule_alt": "Bar chart of the layer schedule. Factor on the fine-tuning's change in blocks 1 to "
    "{count}: {blocks}. Before the blocks {before}, after them {after}.",
    "tradeoff_alt": "Scatter of target against mean control accuracy. {points}.",
    "tasks_alt": "Bars of accuracy per task: {tasks}.",
}
