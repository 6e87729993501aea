import re
from pathlib import Path

import pytest

import ui
from ui.shell.theme import INKS, ROLES, gradio_theme, paint, palette, style_variables

UI = Path(str(ui.__file__)).parent


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_white_on_black_is_21() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)


@pytest.mark.parametrize("dark", [False, True])
def test_roles_stand_out_and_text_can_be_read(dark: bool) -> None:
    colours = palette(dark)
    for background in ("card", "page"):
        for role in ROLES:
            assert contrast(colours[role], colours[background]) >= 4.5, role
        for ink in ("ink", "muted"):
            assert contrast(colours[ink], colours[background]) >= 4.5, ink


def test_every_role_has_a_marker_and_a_glyph_of_its_own() -> None:
    assert len({role.marker for role in ROLES.values()}) == len(ROLES)
    assert len({role.glyph for role in ROLES.values()}) == len(ROLES)


def test_paint_puts_colours_in_and_leaves_the_rest() -> None:
    figure = {"a": ["@lines", 3, {"b": "@lines/0.5"}], "c": "plain"}
    assert paint(figure) == {"a": ["#0b62b8", 3, {"b": "rgba(11,98,184,0.5)"}], "c": "plain"}
    assert paint("@ink", dark=True) == INKS["ink"][1]


def test_paint_refuses_a_colour_nobody_defined() -> None:
    with pytest.raises(KeyError, match="mauve"):
        paint("@mauve")


def test_colours_are_named_in_one_file_only() -> None:
    """No figure names a colour: checked for every source of the page."""
    for path in UI.rglob("*"):
        if path.suffix in {".py", ".js", ".css"} and path.name != "theme.py":
            assert not re.findall(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b", path.read_text("utf-8")), path


def test_css_holds_both_palettes() -> None:
    css = style_variables()
    assert f"--c-lines: {ROLES['lines'].light};" in css
    dark = css.split(".dark")[1]
    assert f"--c-lines: {ROLES['lines'].dark};" in dark
    assert "--color-accent: var(--c-lines);" in dark, (
        "Gradio's accent is the light theme's: 3.07:1 in the dark"
    )


def test_fonts_come_from_the_system() -> None:
    """A web font would be fetched from another host."""
    theme = gradio_theme()
    assert theme._stylesheets == []
    assert theme._font_css == []
