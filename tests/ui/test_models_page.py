"""The loads and the self-test on the page Models, and their Stop button."""

import re
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import gradio as gr
import pytest

from evaluators.errors import LabError
from evaluators.experiments.load_check import CheckProgress
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.public_loader import PublicLoader
from evaluators.service.load_jobs import LoadJobs
from evaluators.service.scheduler import Ticket
from evaluators.zoo import BENCHMARKS, ENCODERS
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.live.session_key import session_key
from ui.models import load_listeners


def test_stop_ends_the_self_test(studio: ZeroCostStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    def progress(seen: object, model: str, ticket: Ticket) -> Iterator[CheckProgress]:
        yield CheckProgress(0, 2)
        ticket.check()
        yield CheckProgress(1, 2)

    monkeypatch.setattr(load_listeners, "check_load", progress)
    request = cast(gr.Request, SimpleNamespace(session_hash="session"))
    model = studio.models()[0].key
    check = load_listeners.check_listener(studio)(request, model)
    status, stop = next(check)
    assert "0 of 2" in status
    assert stop == gr.update(interactive=True)
    load_listeners.stop_listener(studio)(request, model)
    assert list(check) == [("", gr.update(interactive=False))]


class _Loader:
    """Loads nothing, until it is told to."""

    def __init__(self) -> None:
        self.go = {key: threading.Event() for key in ENCODERS}

    def load(self, request: LoadRequest, *_: object) -> None:
        assert self.go[request.model].wait(60)
        raise LabError(f"There is no {request.model}.")


def test_each_load_is_shown_under_its_own_name(studio: ZeroCostStudio) -> None:
    """Choosing another encoder during a load used to show that one's progress, or none."""
    loader = _Loader()
    studio._jobs = LoadJobs(cast(PublicLoader, loader), studio._loaded)
    anna = cast(gr.Request, SimpleNamespace(session_hash="anna"))
    load = load_listeners.load_listener(studio, 1)
    tasks = list(BENCHMARKS[8])
    first = load(anna, "ViT-B-32", "tall-masks", tasks, 256, [])
    assert 'data-model="ViT-B-32"' in next(first)[0]
    second = load(anna, "ViT-B-16", "tall-masks", tasks, 256, [])
    progress, stop, *_ = next(second)
    assert re.findall('data-model="(.*?)"', progress) == ["ViT-B-32", "ViT-B-16"]
    assert stop == gr.update(interactive=True)

    loader.go["ViT-B-16"].set()
    *_, (progress, stop, *_, loaded) = second
    assert loaded == ""
    assert "There is no ViT-B-16" in progress.partition('data-model="ViT-B-16"')[2]
    assert "There is no ViT-B-16" not in progress.partition('data-model="ViT-B-16"')[0]
    assert stop == gr.update(interactive=True), "the other one goes on"

    loader.go["ViT-B-32"].set()
    *_, (progress, stop, *_) = first
    assert stop == gr.update(interactive=False)
    ben = cast(gr.Request, SimpleNamespace(session_hash="ben"))
    shown = next(load_listeners.follow_listener(studio, 1)(ben))
    assert shown[0] == "", "others do not see loads that have ended"


def test_who_stops_a_load_sees_that_it_has_ended(studio: ZeroCostStudio) -> None:
    """Stopped on a page that had been loaded anew, it vanished without a word."""
    loader = _Loader()
    studio._jobs = LoadJobs(cast(PublicLoader, loader), studio._loaded)
    anna, ben = (cast(gr.Request, SimpleNamespace(session_hash=name)) for name in ("anna", "ben"))
    next(
        load_listeners.load_listener(studio, 1)(anna, "ViT-B-32", "tall-masks", list(BENCHMARKS[8]), 256, [])
    )
    studio._jobs.leave(session_key(anna))
    load_listeners.stop_listener(studio)(ben, "ViT-B-32")
    loader.go["ViT-B-32"].set()
    *_, (progress, *_) = load_listeners.follow_listener(studio, 1)(ben)
    assert "There is no ViT-B-32" in progress
