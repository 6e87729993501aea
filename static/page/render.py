"""Parts of the page as plain HTML with Gradio's class names, so that one style sheet fits both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from static.page.markdown import markdown
from static.page.page_tree import Part

VALUE = "${value}"
"""In the template of an HTML component."""
SCRIPTED = "element.addEventListener('click', function() { trigger('click') });"
"""The script of an HTML component that has none of its own."""


def render(part: Part) -> str:
    """HTML of a part and all inside it. Raises: KeyError for a kind that has no form here."""
    return KINDS[part.kind](part)


def tag(
    name: str, part: Part, inside: str, *, classes: str = "", more: Mapping[str, Any] | None = None
) -> str:
    """An element that carries the part's number, id and classes."""
    given = [classes, *(part.props.get("elem_classes") or ())]
    attributes: dict[str, Any] = {
        "class": " ".join(filter(None, given)),
        "data-part": part.id,
        **(more or {}),
    }
    if part.name:
        attributes["id"] = part.name
    if part.props.get("visible") in (False, "hidden"):
        attributes["hidden"] = ""
    return f"<{name}{attributes_html(attributes)}>{inside}</{name}>"


def attributes_html(attributes: Mapping[str, Any]) -> str:
    """Attributes of a tag; those that are None or False are left out."""
    return "".join(
        f' {name}="{escape(str(value), quote=True)}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )


def script_of(part: Part) -> str:
    """The script of an HTML component, empty if it has none."""
    script = part.props.get("js_on_load") or ""
    return "" if part.kind != "html" or script == SCRIPTED else script


def fixed_of(part: Part) -> str:
    """What an HTML component's script knows from the start, as JSON text."""
    return str((part.props.get("props") or {}).get("fixed", ""))


def _inside(part: Part) -> str:
    return "".join(map(render, part.inside))


def _container(classes: str) -> Callable[[Part], str]:
    return lambda part: tag("div", part, _inside(part), classes=classes)


def _html(part: Part) -> str:
    template = part.props.get("html_template") or VALUE
    value = part.props.get("value") or ""
    return tag(
        "div",
        part,
        template.replace(VALUE, "" if script_of(part) and template != VALUE else value),
        classes="block html",
    )


def _tabs(part: Part) -> str:
    tabs = "".join(
        f'<button type="button" role="tab" id="{one.name}-button" aria-controls="{one.name}" '
        f'data-tab="{escape(one.props["id"])}" aria-selected="false" tabindex="-1">'
        f"{escape(one.props['label'])}</button>"
        for one in part.inside
    )
    bar = f'<div class="tab-wrapper"><div class="tab-container" role="tablist">{tabs}</div></div>'
    return tag("div", part, bar + _inside(part), classes="tabs")


def _tab(part: Part) -> str:
    more = {
        "role": "tabpanel",
        "data-tab": part.props["id"],
        "hidden": "",
        "aria-labelledby": f"{part.name}-button",
    }
    return tag("div", part, f'<div class="column">{_inside(part)}</div>', classes="tabitem", more=more)


def _accordion(part: Part) -> str:
    summary = f"<summary>{escape(part.props['label'])}</summary>"
    opened = {"open": ""} if part.props.get("open") else {}
    return tag(
        "details", part, f'{summary}<div class="column">{_inside(part)}</div>', classes="block", more=opened
    )


def _button(part: Part) -> str:
    size = part.props.get("size") or "lg"
    return tag("button", part, escape(str(part.props["value"])), classes=size, more={"type": "button"})


def _field(part: Part, inside: str, *, label: bool = True) -> str:
    """A control below its label and the line of help."""
    said = f'<span data-testid="block-info">{escape(part.props.get("label") or "")}</span>'
    info = part.props.get("info") or ""
    help_line = f'<small class="lx-info">{escape(info)}</small>'
    name = f'<label for="part-{part.id}">{said}</label>' if label else f"<legend>{said}</legend>"
    return tag("div" if label else "fieldset", part, name + help_line + inside, classes="block")


def _slider(part: Part) -> str:
    bounds = {
        name: part.props[source]
        for name, source in (("min", "minimum"), ("max", "maximum"), ("step", "step"))
    }
    common = attributes_html({**bounds, "value": part.props["value"]})
    label = attributes_html({"aria-label": part.props["label"]})
    number = f'<input type="number" id="part-{part.id}"{common}>'
    return _field(part, f'{number}<input type="range"{common}{label}>')


def _number(part: Part) -> str:
    return _field(
        part,
        f'<input type="number" id="part-{part.id}"{attributes_html({"value": part.props.get("value")})}>',
    )


def _textbox(part: Part) -> str:
    return _field(
        part, f'<input type="text" id="part-{part.id}" value="{escape(str(part.props.get("value") or ""))}">'
    )


def _dropdown(part: Part) -> str:
    chosen = part.props.get("value")
    options = "".join(
        f"<option{attributes_html({'value': value, 'selected': '' if value == chosen else None})}>"
        f"{escape(title)}</option>"
        for title, value in part.choices
    )
    return _field(part, f'<select id="part-{part.id}">{options}</select>')


def _checkbox(part: Part) -> str:
    checked = attributes_html({"checked": "" if part.props.get("value") else None})
    said = f'<span data-testid="block-info">{escape(part.props["label"])}</span>'
    info = f'<small class="lx-info">{escape(part.props.get("info") or "")}</small>'
    return tag("div", part, f'<label><input type="checkbox"{checked}> {said}</label>{info}', classes="block")


def _choices(kind: str) -> Callable[[Part], str]:
    def choices(part: Part) -> str:
        value = part.props.get("value")
        chosen = value if isinstance(value, list) else [value]
        rows = "".join(
            f"<label><input{attributes_html(attributes)}> {escape(title)}</label>"
            for title, key in part.choices
            for attributes in [
                {
                    "type": kind,
                    "name": f"part-{part.id}",
                    "value": json.dumps(key),
                    "checked": "" if key in chosen else None,
                }
            ]
        )
        return _field(part, f'<div class="wrap">{rows}</div>', label=False)

    return choices


def _markdown(part: Part) -> str:
    dollars = any(one["left"] == "$" for one in part.props.get("latex_delimiters") or ())
    return tag("div", part, markdown(part.props["value"], dollars), classes="block prose")


def _nothing(part: Part) -> str:
    return ""


KINDS: Mapping[str, Callable[[Part], str]] = {
    "row": _container("row"),
    "column": _container("column"),
    "form": _container("form"),
    "html": _html,
    "tabs": _tabs,
    "tabitem": _tab,
    "accordion": _accordion,
    "button": _button,
    "slider": _slider,
    "number": _number,
    "textbox": _textbox,
    "dropdown": _dropdown,
    "checkbox": _checkbox,
    "radio": _choices("radio"),
    "checkboxgroup": _choices("checkbox"),
    "markdown": _markdown,
    "file": _nothing,
    "state": _nothing,
    "api": _nothing,
}


def plain_scripts(script: str) -> str:
    """A script that may stand inside an HTML document."""
    return re.sub(r"</(script)", r"<\\/\1", script, flags=re.IGNORECASE)
