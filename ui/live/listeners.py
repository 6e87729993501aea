"""The tiers as Gradio calls them, for any part of the page that answers moves of its controls in a panel.

The two that ask the server do not wait for each other: where many visitors move, an answer of tier 1 takes
its time, and tier 2 begins when the controls rest.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from ui.live.live_answers import LiveAnswers
from ui.live.live_panel import NOTHING, packed
from ui.live.session_key import session_key

MOVED = """(...settings) => {
    window.lxMoves = (window.lxMoves || 0) + 1;
    const moved = new CustomEvent("moved", {detail: JSON.stringify(settings), bubbles: true});
    document.querySelector("#%s .lx-live")?.dispatchEvent(moved);
    return [];
}"""
"""Tells the panel that its controls have moved."""
COUNTED = "(...given) => [...given.slice(0, %d), window.lxMoves || 0]"
"""Says of a request how often controls had moved by then: requests may overtake each other on their way."""
RAW: dict[str, Any] = {"api_visibility": "private", "preprocess": False}
"""For listeners of the model or checkpoint: Gradio refuses a choice that is not in its newest list before any
listener sees it, and a request that was sent just before the list changed would be lost, with the deferred
last position of every control. `EditSpec` and the lab say themselves what they do not know."""

Controls = TypeVar("Controls")


def connect(
    answers: LiveAnswers[Controls],
    read: Callable[[Sequence[Any]], Controls],
    moves: Sequence[Any],
    settings: Sequence[Component],
    live: gr.HTML,
) -> Callable[[Callable[..., Dependency]], None]:
    """Answer the moves of controls in a live panel.

    Args:
        answers: to the moves.
        read: settings, in the page's order, as one value.
        moves: the events.
        settings: whose values are asked for.
        live: the panel, which says when the controls rest.
    Returns: what lets both tiers answer another event too, such as ``tab.select``.
    """

    def quick(request: gr.Request, *values: Any) -> str:
        shown = answers.quick(session_key(request), read(values[:-1]), _number(values[-1]))
        return NOTHING if shown is None else packed(shown)

    def settle(request: gr.Request, *values: Any) -> Iterator[str]:
        told_anything = False
        for shown in answers.settle(session_key(request), read(values[:-1]), _number(values[-1])):
            told_anything = True
            yield packed(shown)
        if not told_anything:
            yield NOTHING  # Gradio takes a generator without answers for the answer None

    private: dict[str, Any] = {"show_progress": "hidden", **RAW}
    at_once: dict[str, Any] = {"queue": False, **private}
    beside: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": None, **private}
    gr.on(moves, None, settings, None, js=MOVED % live.elem_id, trigger_mode="multiple", **private)
    assert isinstance(live.parent, gr.blocks.BlockContext)
    with live.parent:
        inputs = [*settings, gr.Number(visible=False)]
    counted = COUNTED % len(settings)
    gr.on(moves, quick, inputs, live, js=counted, trigger_mode="always_last", **at_once)
    live.rest(settle, inputs, live, js=counted, **beside)

    def also(event: Callable[..., Dependency]) -> None:
        first = event(quick, inputs, live, js=counted, **at_once)
        first.then(settle, inputs, live, js=counted, **beside)

    return also


def _number(given: Any) -> float | None:
    """What the page says of its moves, if that is a number."""
    return given if isinstance(given, int | float) else None
