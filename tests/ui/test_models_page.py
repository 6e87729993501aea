"""The self-test on the page Models, and its Stop button."""

from collections.abc import Iterator
from types import SimpleNamespace

import gradio as gr
import pytest

from evaluators.experiments.load_check import CheckProgress
from evaluators.service.scheduler import Ticket
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.models import models_page


def test_stop_ends_the_self_test(studio: ZeroCostStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    def progress(seen: object, model: str, ticket: Ticket) -> Iterator[CheckProgress]:
        yield CheckProgress(0, 2)
        ticket.check()
        yield CheckProgress(1, 2)

    monkeypatch.setattr(models_page, "check_load", progress)
    request = SimpleNamespace(session_hash="session")
    model = studio.models()[0].key
    check = models_page.check_listener(studio)(request, model)
    status, stop = next(check)
    assert "0 of 2" in status
    assert stop == gr.update(interactive=True)
    models_page.stop_listener(studio)(request, model)
    assert list(check) == [("", gr.update(interactive=False))]
