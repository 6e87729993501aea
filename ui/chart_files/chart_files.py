"""The script of the page's head that gives every chart a button to save it, and its words."""

from __future__ import annotations

import json
from pathlib import Path

from ui.shell.theme import FONT, palette

HERE = Path(__file__).parent
SCRIPTS = (
    "explore_table.js",
    "traces_table.js",
    "drawn_bars.js",
    "figure_document.js",
    "chart_record.js",
    "save_menu.js",
)
WORDS = {
    "save": "Save",
    "label": "Save chart: {title}",
    "nothing": "Nothing to save yet: its numbers are still awaited.",
    "png": "PNG image",
    "svg": "SVG drawing",
    "csv": "CSV table",
    "setting": "Scaling function {shape}, α = {alpha}, β = {beta}; {outside}{mixed}.",
    "flat": "Scaling function {shape}, α = {alpha}; {outside}{mixed}.",
    "free": "A factor for each block, first to last: {free_form}; {outside}{mixed}.",
    "outside": {
        "alpha": "parts outside the blocks scaled like the first block",
        "depth": "parts before the blocks scaled like the first, parts after them like the last",
        "pretrained": "parts outside the blocks pre-trained",
        "finetuned": "parts outside the blocks fine-tuned",
    },
    "mixed": "; every factor times the WiSE-FT mix {mix}",
    "images": "{split} split, {n} images: {tasks}.",
    "intervals": "Whiskers and ranges are 95 % intervals: Wilson's for one task, for a mean those of these "
    "tasks and other images.",
    "no_intervals": "Factors are set, not measured: they have no interval.",
    "unmarked": "Points without whiskers are counts on these images; their intervals are not drawn.",
    "edit": "This edit",
    "depth": "depth: residual blocks, shallow to deep",
}
"""Of the button, and of the caption in a file; scripts fill in what stands in braces."""


def chart_files_script() -> str:
    """The script tag. It makes ``window.lxChartFiles.add(figure, chart)``, which scripts of panels call.

    Files have light colours whatever the theme of the page.
    """
    fixed = json.dumps({"palette": palette(False), "font": FONT, "words": WORDS})
    sources = "".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f"<script>(() => {{\nconst fixed = {fixed};\n{sources}}})();</script>"
