"""Tier 1 and tier 2 as Gradio calls them, for any part of the page that answers in both."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import gradio as gr

from ui.live import Value, packed
from ui.visitors import session_of

Controls = TypeVar("Controls")
Given = TypeVar("Given", contravariant=True)


class Answers(Protocol[Given]):
    """What answers a visitor's move: at once, and then until every picture is counted. Never raises."""

    def quick(self, visitor: str, controls: Given) -> Value | None:
        """The answer that is there at once; None if a newer move has taken over."""

    def settle(self, visitor: str, controls: Given) -> Iterator[Value]:
        """Further answers, the last one complete; none if there is nothing to add."""


def listeners(
    answers: Answers[Controls], read: Callable[[Sequence[Any]], Controls]
) -> tuple[Callable[..., str | dict[str, Any]], Callable[..., Iterator[str | dict[str, Any]]]]:
    """Tier 1 and tier 2 with the signature that Gradio reads: whose request it is, then the settings.

    Args:
        answers: to the moves.
        read: settings, in the page's order, as one value.
    """

    def quick(request: gr.Request, *values: Any) -> str | dict[str, Any]:
        shown = answers.quick(session_of(request), read(values))
        return gr.skip() if shown is None else packed(shown)

    def settle(request: gr.Request, *values: Any) -> Iterator[str | dict[str, Any]]:
        told_anything = False
        for shown in answers.settle(session_of(request), read(values)):
            told_anything = True
            yield packed(shown)
        if not told_anything:
            yield gr.skip()  # Gradio takes a generator without answers for the answer None

    return quick, settle
