"""Limit of Gradio's event queue: how many requests may wait for functions of one concurrency limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio import Blocks

MOST_WAITING = 256
"""Requests that wait for one endpoint, or for one group of the page's listeners; another one is refused."""


def limit_queue(page: Blocks, most: int = MOST_WAITING) -> None:
    """Let a page refuse a request, with status 503 and the reason, while ``most`` others wait before it.

    Gradio's own ``max_size`` counts all functions together: a program that floods `/evaluate` would then also
    stop the page of everybody else.

    Source: gradio 6.31, routes.py, ``queue_join_helper``, which awaits ``push`` and answers 503 for its
    "queue_full".
    """
    queue = page._queue
    push = queue.push

    async def limited(body: Any, request: Any, username: Any) -> Any:
        function = page.fns.get(body.fn_index)
        group = (
            None if function is None else queue.event_queue_per_concurrency_id.get(function.concurrency_id)
        )
        if group is not None and len(group.queue) >= most:
            return (
                False,
                f"{len(group.queue)} requests wait already, the most that may: try again later.",
                "queue_full",
            )
        return await push(body=body, request=request, username=username)

    queue.push = limited  # type: ignore[method-assign]
