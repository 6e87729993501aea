"""The HTML document of the static edition: the page's tree, its styles and its scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from static.page import words
from static.page.page_tree import PageTree, Part
from static.page.render import fixed_of, plain_scripts, render, script_of
from ui.chart_files.chart_files import chart_files_script
from ui.explore.explore_charts import ANSWER_SCRIPTS
from ui.layout import STYLE_SHEETS, shell_head
from ui.live.live_panel import HERE as LIVE
from ui.models.checkpoint_upload import ARCHIVE
from ui.shell import text
from ui.shell.theme import style_variables

HERE = Path(__file__).parent
RUNTIME = (
    "parts.js",
    "listeners.js",
    "html_components.js",
    "tabs.js",
    "link_reader.js",
    "positions.js",
    "shipped_file.js",
    "shipped_answers.js",
    "lazy_engine.js",
    "browser_source.js",
    "picture_answers.js",
    "recorded_answers.js",
    "offline.js",
    "take_along.js",
    "main.js",
)
SHARED = ("charts/number_text.js", *ANSWER_SCRIPTS)
"""Scripts of the Gradio page that the runtime uses too."""
SERVED = frozenset(
    {
        "lx-page-models",
        "lx-show-qr",
        "lx-qr",
        "lx-notice",
        "lx-edit-home",
        "lx-merge-home",
        "lx-learned-home",
        "lx-rewarded-another",
    }
)
"""Parts that need a server, or that the document has already."""
MEASURING = ("-run", "-stop")
"""Ends of the names of the buttons that start and stop what is measured on a server."""
VERSION = "%VERSION%"
NOT_IN_TREE = -1
"""Number of the parts that this edition adds."""
ABOUT = Part(NOT_IN_TREE, "markdown", {"value": words.ABOUT_EDITION, "elem_classes": ["lx-prose"]})
VALUED = frozenset({"slider", "number", "textbox", "dropdown", "checkbox", "radio", "checkboxgroup"})
START_DARK = """<script>
{
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const asked = new URLSearchParams(location.search).get("__theme");
  const follow = () => document.body.classList.toggle("dark", asked ? asked === "dark" : dark.matches);
  follow();
  dark.addEventListener("change", follow);
}
</script>"""


def document(tree: PageTree, site: dict[str, Any], size: int) -> str:
    """The document, in which ``VERSION`` stands for its version.

    Args:
        site: what ``runtime/main.js`` needs, but for parts, listeners, scripts, ids, link and explore.
        size: bytes of all files of the site, which visitors may take along.
    """
    sheets = (HERE / "page.css", *STYLE_SHEETS)
    styles = style_variables() + "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    added = {"lx-top": _edition(size), "lx-page-about": ABOUT}
    shown = tuple(part for one in tree.parts if (part := without_served(one, added)))
    bar = tree.part("lx-address")
    pages = [one.props["id"] for one in tree.part("lx-pages").inside if one.name not in SERVED]
    data = {
        **site,
        "version": VERSION,
        "parts": [_described(part) for part in tree.walk() if part.kind in VALUED],
        "ids": {part.name: part.id for part in tree.walk() if part.name},
        "explore": json.loads(fixed_of(tree.part("lx-head-live"))),
        "link": {**json.loads(fixed_of(bar)), "pages": pages, "home": "explore"},
    }
    listeners = ",\n".join(
        f"{{targets: {json.dumps(one.targets)}, inputs: {json.dumps(one.inputs)}, "
        f"outputs: {json.dumps(one.outputs)}, after: {json.dumps(one.after)}, run: {one.script}}}"
        for one in tree.listeners
    )
    there = {part.id for top in shown for part in top.walk()}
    scripts = ",\n".join(
        f"{{id: {part.id}, given: {json.dumps(_given(part))}, run(element, props, watch, trigger) {{\n"
        f"{script_of(part)}\n}}}}"
        for part in tree.walk()
        if part.id in there and script_of(part)
    )
    runtime = "".join((LIVE / name).read_text(encoding="utf-8") for name in SHARED)
    runtime += ARCHIVE.read_text(encoding="utf-8")
    runtime += "".join((HERE / "runtime" / name).read_text(encoding="utf-8") for name in RUNTIME)
    plain = json.dumps(data, ensure_ascii=False)
    started = f"startPage({{...{plain}, listeners: [{listeners}], scripts: [{scripts}]}});"
    warning = 'if (location.protocol === "file:") document.getElementById("lx-file").hidden = false;'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(text.TITLE)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="description" content="{escape(text.DESCRIPTION)}">'
        f'<meta property="og:title" content="{escape(text.TITLE)}">'
        f'<meta property="og:description" content="{escape(text.DESCRIPTION)}">'
        '<link rel="icon" href="favicon.svg"><link rel="manifest" href="manifest.webmanifest">'
        f"<style>{styles}</style>{shell_head()}{chart_files_script()}</head><body>{START_DARK}"
        '<div class="gradio-container"><div class="main"><div class="wrap column">'
        f'<noscript><p class="lx-notice">{escape(words.NO_SCRIPT)}</p></noscript>'
        f'<p id="lx-file" class="lx-notice" hidden>{escape(words.FROM_FILE)}</p>'
        '<div id="lx-notice" class="lx-notice" role="status" hidden></div>'
        f"{''.join(map(render, shown))}"
        '<div id="lx-engine" role="status" hidden><span></span> <progress></progress>'
        '<button type="button" class="lg"></button></div></div></div></div>'
        f"<script>{plain_scripts(warning + 'window.startStatic = () => {' + runtime + started + '};')}"
        "window.startStatic();</script></body></html>\n"
    )


def without_served(part: Part, added: Mapping[str, Part]) -> Part | None:
    """The part without what needs a server; None if it is that itself.

    Args:
        added: by id or class of a container, what it has here in addition, at its end.
    """
    if part.name in SERVED or (part.kind == "button" and part.name.endswith(MEASURING)):
        return None
    inside = [kept for one in part.inside if (kept := without_served(one, added))]
    names = (part.name, *_classes(part))
    inside += [more for name, more in added.items() if name in names]
    return Part(part.id, part.kind, part.props, tuple(inside))


def _edition(size: int) -> Part:
    """The line beside the title that says what this edition is, and offers to take it along."""
    said = words.EDITION.format(size=round(size / 1e6))
    return Part(NOT_IN_TREE, "html", {"value": f"<p>{said}</p>", "elem_classes": ["lx-edition"]})


def _classes(part: Part) -> tuple[str, ...]:
    given = part.props.get("elem_classes") or ()
    return (given,) if isinstance(given, str) else tuple(given)


def _given(part: Part) -> dict[str, Any]:
    """Properties of an HTML component, with addresses of this site."""
    fixed = fixed_of(part)
    if fixed:
        plain = json.loads(fixed)
        fixed = json.dumps({**plain, "plotly": "plotly.min.js"}) if "plotly" in plain else fixed
    return {"value": part.props.get("value") or "", "fixed": fixed}


def _described(part: Part) -> dict[str, Any]:
    props = part.props
    rest = {
        name: props[source]
        for name, source in (("min", "minimum"), ("max", "maximum"))
        if props.get(source) is not None
    }
    if part.choices:
        rest["choices"] = part.choices
    if part.kind == "checkboxgroup" or props.get("multiselect"):
        rest["multiple"] = True
    return {"id": part.id, "kind": part.kind, "value": props.get("value"), **rest}
