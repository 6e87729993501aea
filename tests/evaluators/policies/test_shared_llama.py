"""One live language model for all visitors: each hears the soup that they asked for."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillLoading
from pathlib import Path

import pytest
import torch

from evaluators.errors import LabError, Preparing, Superseded
from evaluators.policies.live_llama import LiveLlama
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.shared_llama import SharedLlama
from evaluators.policies.soup_setting import SoupSetting
from evaluators.service.scheduler import Scheduler, Ticket, Visitor

SETTINGS = [SoupSetting(w, 1.0, beta) for w in (0.0, 0.5, 1.0) for beta in (0.0, 1.0)]
SCENES = [draw_scene("val", number) for number in range(3)]


def test_visitors_at_the_same_time_hear_their_own_soups(llama_folder: Path) -> None:
    alone = LiveLlama(llama_folder)
    expected = []
    for setting in SETTINGS:
        alone.write(setting)
        expected.append(alone.summaries(SCENES, torch.Generator().manual_seed(0)))
    assert len(set(map(tuple, expected))) > 3
    shared = SharedLlama(llama_folder)
    asked = SETTINGS * 4
    with ThreadPoolExecutor(8) as visitors:
        found = list(visitors.map(lambda setting: shared.summaries(setting, SCENES, Ticket()), asked))
    assert found == expected * 4


def test_the_model_is_read_while_the_first_visitor_is_told_so(
    llama_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()

    def slowly(folder: Path) -> LiveLlama:
        assert told.wait(60)
        return LiveLlama(folder)

    monkeypatch.setattr("evaluators.policies.shared_llama.LiveLlama", slowly)
    shared = SharedLlama(llama_folder)
    with pytest.raises(Preparing):
        shared.summaries(SETTINGS[0], SCENES, Ticket(), patience=0.0)
    told.set()
    assert len(shared.summaries(SETTINGS[0], SCENES, Ticket())) == len(SCENES)


def test_a_model_that_is_read_at_the_last_moment_answers(llama_folder: Path) -> None:
    """Between the time-out and the look at its cause: the visitor was told of a fault on our side."""

    class AtTheLastMoment(Future[LiveLlama]):
        def result(self, timeout: float | None = None) -> LiveLlama:
            if not self.done():
                self.set_result(LiveLlama(llama_folder))
                raise StillLoading
            return super().result(timeout)

    shared = SharedLlama(llama_folder)
    shared._loading = AtTheLastMoment()
    assert len(shared.summaries(SETTINGS[0], SCENES, Ticket(), patience=0.0)) == len(SCENES)


def test_a_newer_request_ends_an_older_one(llama_folder: Path) -> None:
    scheduler, visitor = Scheduler(), Visitor("session", "rewarded")
    older = scheduler.ticket(visitor, "older")
    scheduler.ticket(visitor, "newer")
    with pytest.raises(Superseded):
        SharedLlama(llama_folder).summaries(SETTINGS[0], SCENES, older)


def test_a_failed_reading_is_tried_again(llama_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shared = SharedLlama(folder)
    with pytest.raises(LabError, match="is absent"):
        shared.summaries(SETTINGS[0], SCENES, Ticket())
    folder.symlink_to(llama_folder)
    assert shared.summaries(SETTINGS[0], SCENES[:1], Ticket())
