"""Page "Start": what the story is, its steps, and the card that tells it beside the real controls."""

from __future__ import annotations

import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from ui.live.live_panel import packed
from ui.shell.text import percent
from ui.start.story_steps import STEPS
from ui.start.story_values import Values

HERE = Path(__file__).parent
SCRIPTS = ("../live/charts/dotted_words.js", "glossary.js", "spotlight.js", "story.js")


def story_words() -> dict[str, Any]:
    """language -> words of the story and of the glossary, one file of ``words/`` each; English first."""
    files = sorted((HERE / "words").glob("*.json"), key=lambda file: (file.stem != "en", file.stem))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def story_card(values: Values) -> None:
    """Lay out the card, which is hidden until the story begins."""
    value = {"steps": [asdict(step) for step in STEPS], "values": values, "words": story_words()}
    gr.HTML(
        value=packed(value),
        html_template='<div class="lx-story-place"></div>',
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        apply_default_css=False,
        elem_id="lx-story",
    )


def start_page(values: Values) -> None:
    """Lay the page out: what the story is, the buttons that begin it, its numbers, the list of its steps."""
    words = story_words()["en"]

    def word(name: str, tag: str = "span") -> str:
        text = words.get(name) or words["figure"].get(name) or words["steps"][name]["title"]
        return f'<{tag} data-story-word="{name}">{escape(text)}</{tag}>'

    items = "".join(
        f'<li><button type="button" data-story="{index}">{word(step.id)}</button></li>'
        for index, step in enumerate(STEPS)
    )

    def row(role: str, label: str, value: float, hidden: bool = False) -> str:
        number = f'<b data-share="{value}">{percent(value)}</b>'
        bar = f'<i style="--part:{value:.4f};--bar:var(--c-{role})"></i>'
        if hidden:  # the story has it guessed
            bar = f"<span data-answer hidden>{bar}</span>"
            number = f'<span data-answer hidden>{number}</span><button type="button" data-show>?</button>'
        return f'<div class="lx-start-row">{word(label)}{bar}{number}</div>'

    figure = "".join(
        f"<div>{word(of, 'h2')}"
        + row("pretrained", "before", values[f"pre_{of}"])
        + row("finetuned", "finetuned", values[f"ft_{of}"])
        + row("lines", "lines", values[f"mid_{of}"], hidden=of == "control")
        + "</div>"
        for of in ("target", "control")
    )
    gr.HTML(
        f'<div class="lx-start"><div>{word("lead", "p")}{word("promise", "p")}'
        f'<div class="lx-start-buttons"><button type="button" class="lx-start-begin" data-story="0">'
        f'{word("begin")}</button><a href="?page=explore" data-page>{word("explore")}</a></div>'
        f'<p class="lx-start-language"></p>'
        f"{word('chapters', 'h2')}<ol>{items}</ol></div>"
        f'<div class="lx-start-figure">{figure}</div></div>',
        js_on_load="window.lxStory?.hero();",
        apply_default_css=False,
        elem_id="lx-start",
    )
