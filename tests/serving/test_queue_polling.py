"""The attributes of Gradio's queue that set how often it polls exist, and its loops read them each round."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from gradio.queueing import Queue

from serving.queue_polling import slow_queue_polling


@pytest.mark.parametrize(
    ("attribute", "loop"),
    [
        ("sleep_when_free", Queue.start_processing),
        ("progress_update_sleep_when_free", Queue.start_progress_updates),
    ],
)
def test_gradio_polls_as_often_as_it_is_told(attribute: str, loop: Any) -> None:
    """If this fails after an update of Gradio, look in its queueing.py for what its idle loops wait for."""
    assert f"self.{attribute} = " in inspect.getsource(Queue.__init__)
    assert f"sleep(self.{attribute})" in inspect.getsource(loop)
    queue = SimpleNamespace(sleep_when_free=0.001, progress_update_sleep_when_free=0.01)
    slow_queue_polling(SimpleNamespace(_queue=queue))  # type: ignore[arg-type]
    assert getattr(queue, attribute) >= 0.05
