"""The one place with colours: what each role looks like, in light and in dark.

Figures never name a colour. They say "@lines" or "@lines/0.3" (role, and opacity), and the browser puts the
colour of the current theme in its place; `paint` does the same in Python, for tests and reports.
The five role colours stay apart under the common colour-vision deficiencies (after Okabe and Ito, darkened or
lightened until every one has a contrast of 3:1 or more against its background), and each role has a marker of
its own, so colour is never the only difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class Role:
    """How one kind of model is drawn everywhere: colours as #rrggbb, marker as a Plotly symbol."""

    light: str
    dark: str
    marker: str
    title: str
    glyph: str


ROLES: Mapping[str, Role] = {
    "pretrained": Role("#5f6b7a", "#a9b4c2", "square", "Pre-trained", "■"),
    "finetuned": Role("#c2410c", "#ff9a5c", "diamond", "Fine-tuned", "◆"),
    "lines": Role("#0b62b8", "#5cb3f5", "circle", "LiNeS", "●"),
    "wise_ft": Role("#9a3a86", "#e79fd4", "triangle-up", "WiSE-FT (all layers alike)", "▲"),
    "reverse": Role("#00755a", "#43cfa4", "pentagon", "Reverse (deep layers shrunk)", "⬟"),
}

INKS: Mapping[str, tuple[str, str]] = {
    "ink": ("#1b2430", "#e8edf3"),
    "muted": ("#566273", "#a3aebb"),
    "grid": ("#e6e9ee", "#2a333e"),
    "axis": ("#c3cad4", "#46525f"),
    "card": ("#ffffff", "#161c24"),
    "page": ("#f4f6f9", "#0e1319"),
    "line": ("#dfe4ea", "#27303b"),
    "soft": ("#eef2f7", "#1d2530"),
    "adamerging": ("#6d4bd1", "#b9a6ff"),
    "atlas": ("#8a6400", "#e6c35c"),
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def palette(dark: bool) -> dict[str, str]:
    """Every colour name a figure or a style sheet may use -> #rrggbb in the light or the dark theme."""
    roles = {name: role.dark if dark else role.light for name, role in ROLES.items()}
    return roles | {name: pair[1] if dark else pair[0] for name, pair in INKS.items()}


def paint(value: Any, dark: bool = False) -> Any:
    """The same figure with "@role" and "@role/opacity" replaced by colours (what live.js does in the page).

    Raises: KeyError if a figure names a colour that is not in the palette.
    """
    if isinstance(value, str) and value.startswith("@"):
        name, _, opacity = value[1:].partition("/")
        colour = palette(dark)[name]
        if not opacity:
            return colour
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red},{green},{blue},{opacity})"
    if isinstance(value, Mapping):
        return {key: paint(entry, dark) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [paint(entry, dark) for entry in value]
    return value


def style_variables() -> str:
    """The palette as CSS variables (--c-lines, ...): light, and dark under .dark but not on paper."""
    light, dark = (" ".join(f"--c-{k}: {v};" for k, v in palette(d).items()) for d in (False, True))
    accent = "--color-accent: var(--c-lines);"  # Gradio's, which takes the colour of the light theme at :root
    return f":root {{ {light} --font-ui: {FONT}; }}\n@media not print {{ .dark {{ {dark} {accent} }} }}\n"


def gradio_theme() -> gr.themes.Base:
    """Gradio's base theme in our colours, with system fonts: nothing is fetched from another host."""
    light, dark = palette(False), palette(True)
    both = {
        "body_background_fill": "page",
        "body_text_color": "ink",
        "body_text_color_subdued": "muted",
        "background_fill_primary": "card",
        "background_fill_secondary": "soft",
        "block_background_fill": "card",
        "block_border_color": "line",
        "block_label_text_color": "ink",
        "block_title_text_color": "ink",
        "block_info_text_color": "muted",
        "border_color_primary": "line",
        "border_color_accent": "lines",
        "color_accent": "lines",
        "slider_color": "lines",
        "link_text_color": "lines",
        "input_background_fill": "soft",
        "input_border_color": "line",
        "input_border_color_focus": "lines",
        "button_secondary_background_fill": "soft",
        "button_secondary_background_fill_hover": "line",
        "button_secondary_text_color": "ink",
        "button_secondary_border_color": "line",
        "checkbox_background_color_selected": "lines",
        "checkbox_label_background_fill": "soft",
        "checkbox_label_background_fill_selected": "soft",
        "checkbox_label_text_color": "ink",
        "code_background_fill": "soft",
        "button_primary_background_fill": "lines",
        "button_primary_background_fill_hover": "lines",
        "button_primary_border_color": "lines",
    }
    colours = {name: light[ink] for name, ink in both.items()}
    # one-colour accents have no dark twin in Gradio: they take the palette's CSS variable instead
    single = {"color_accent", "block_info_text_color_dark"}
    colours |= {f"{name}_dark": dark[ink] for name, ink in both.items() if name not in single}
    colours["color_accent"] = "var(--c-lines)"
    fixed = {
        "button_primary_text_color": light["card"],
        "button_primary_text_color_dark": dark["page"],
        "block_border_width": "0px",
        "block_shadow": "none",
        "block_radius": "10px",
        "block_padding": "8px 4px",
        "block_title_text_weight": "600",
        "layout_gap": "10px",
        "button_large_radius": "10px",
        "button_small_radius": "999px",
    }
    fonts = tuple(part.strip().strip("'") for part in FONT.split(","))
    mono = ("ui-monospace", "Menlo", "Consolas", "monospace")
    return gr.themes.Base(font=fonts, font_mono=mono).set(**colours, **fixed)
