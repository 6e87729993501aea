"""JavaScript listeners of the Explore controls: they answer in the browser, without a request."""

from __future__ import annotations

import json

from ui.explore import explore_text

TIE_SHOWS = """(tie) => {
    const set = (visible) => ({ __type__: "update", visible });
    return [set(tie), set(!tie), set(!tie)];
}"""
"""Tied shows gamma, untied shows alpha and beta."""

TIE_CARRIES = """(tie, gamma, alpha, beta) => {
    const near = (value) => Math.round(100 * value) / 100;
    return tie
        ? [near(Math.min(1, Math.max(0, alpha))), alpha, beta]
        : [gamma, near(gamma), near(1 - gamma)];
}"""
"""What was set carries over when the visitor ties or unties; a link or preset says all three itself."""

STARTS_FREE = """(shape, mix, free) =>
    shape === "free" && window.linesFree ? [1, window.linesFree()] : [mix, free]"""
"""A free-form schedule that was chosen in the list starts with the bars that are shown; their factors
have the mix in them."""

FITS_FREE = """(model, free) => window.linesFree ? window.linesFree(model, free) : free"""
"""A model with another number of blocks gets the free-form schedule stretched over its depth."""

LEAVES_FREE = """(shape) => shape === "free" ? "linear" : shape"""
"""A slider that is moved under a free-form schedule goes back to a straight line."""

LABELLED = ("tie", "gamma", "alpha", "beta")
"""Controls whose labels depend on the scaling function."""

LABELS = """(shape) => {
    const words = %s;
    return (words[shape] || words[""]).map(([label, info]) => ({ __type__: "update", label, info }));
}"""

OPENS_ADVANCED = """(mix, outside) =>
    mix === 1 && outside === "alpha" ? { __type__: "update" } : { __type__: "update", open: true }"""
"""What is set in the closed box must be visible."""


def labels_script() -> str:
    """Sets the labels of ``LABELLED`` by the scaling function."""
    plain = {name: explore_text.CONTROLS[name] for name in LABELLED}
    rows = {"": plain, **explore_text.BY_SHAPE}
    return LABELS % json.dumps({shape: [row[name] for name in LABELLED] for shape, row in rows.items()})
