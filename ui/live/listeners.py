"""Gradio listeners that connect a panel's controls to its answers.

Tier 1 and tier 2 do not wait for each other: with many visitors an answer of tier 1 takes its time, and
tier 2 begins when the controls rest. What is in memory is answered on the event loop: with forty visitors,
threads that take turns double the time of an answer.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency, EventListener
from starlette.concurrency import run_in_threadpool

from ui.live.live_answers import LiveAnswers
from ui.live.live_panel import NOTHING, Value, packed
from ui.live.session_key import session_key
from ui.live.subject import asked

COUNTED = """(...given) => [
    ...given.slice(0, %d),
    window.lxAddress?.moves || 0,
    document.querySelector("#%s .lx-live")?.dataset.landmarks || "",
]"""
"""Adds to a request how often controls had moved by then, since requests may overtake each other on their
way, and the ids of the landmarks that the page holds."""
RAW: dict[str, Any] = {"api_visibility": "private", "preprocess": False}
"""For listeners of the model or checkpoint: Gradio refuses a choice that is not in its newest list before any
listener sees it, and a request that was sent just before the list changed would be lost, with the deferred
last position of every control. `EditSpec` and the lab validate the choice themselves."""

Controls = TypeVar("Controls")


def connect(
    answers: LiveAnswers[Controls],
    read: Callable[[Sequence[Any]], Controls],
    moves: Sequence[Any],
    settings: Sequence[Component],
    live: gr.HTML,
    subject: int,
) -> Callable[[Callable[..., Dependency]], None]:
    """Answer the moves of controls in a live panel.

    Args:
        answers: to the moves.
        read: makes one value of the settings' values, in their order.
        moves: the events of the controls.
        settings: components whose values are sent.
        live: the panel, which triggers "rest" once no control has moved for a while.
        subject: how many of the first settings decide what the answer is about. Answers to other values of
            these are not drawn; those to earlier values of the others are, while a slider moves.
    Returns: a function that lets both tiers answer another event too, such as ``tab.select``.
    """

    async def quick(request: gr.Request, *values: Any) -> str:
        *settings, moves, held = values
        asks = session_key(request), read(settings), _number(moves)
        value = answers.known(*asks) or await run_in_threadpool(answers.quick, *asks)
        if value is None:
            return NOTHING
        return packed(asked(without_held(value, held), settings[:subject]) | {"moves": moves})

    def settle(request: gr.Request, *values: Any) -> Iterator[str]:
        answered = False
        *settings, moves, held = values
        for value in answers.settle(session_key(request), read(settings), _number(moves)):
            answered = True
            yield packed(asked(without_held(value, held), settings[:subject]))
        if not answered:
            yield NOTHING  # Gradio takes a generator without answers for the answer None

    private: dict[str, Any] = {"show_progress": "hidden", **RAW}
    at_once: dict[str, Any] = {"queue": False, **private}
    beside: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": None, **private}
    assert isinstance(live.parent, gr.blocks.BlockContext)
    with reopened(live.parent):
        inputs = [*settings, gr.Number(visible=False), gr.Textbox(visible=False)]
    counted = COUNTED % (len(settings), live.elem_id)
    gr.on(moves, quick, inputs, live, js=counted, trigger_mode="always_last", **at_once)
    live.rest(settle, inputs, live, js=counted, **beside)

    def also(event: Callable[..., Dependency]) -> None:
        first = event(quick, inputs, live, js=counted, **at_once)
        first.then(settle, inputs, live, js=counted, **beside)

    return also


def without_held(value: Value, held: Any) -> Value:
    """The value with nothing but the id of its landmarks if the page holds them already.

    Args:
        held: ids, separated by spaces, as the page sent them.
    """
    landmarks = value.get("landmarks")
    if not landmarks or not isinstance(held, str) or landmarks["id"] not in held.split():
        return value
    return value | {"landmarks": {"id": landmarks["id"]}}


@contextmanager
def reopened(block: gr.blocks.BlockContext) -> Iterator[None]:
    """Lay out in a block once more, whether it is closed or still open.

    Gradio takes the block that is open at this moment for its parent: a page that entered itself took in the
    pages after it.
    """
    parent = block.parent
    with block:
        yield
    block.parent = parent


def rests(live: gr.HTML) -> Callable[..., Dependency]:
    """The event that the controls of a panel rest; a bound method, because ``gr.on`` reads its attributes."""
    return MethodType(EventListener("rest").listener, live)


def _number(given: Any) -> float | None:
    """The page's count of moves, if it is a number."""
    return given if isinstance(given, int | float) else None
