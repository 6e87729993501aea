"""Figures for Prometheus: its own parser reads them, and they are what happened."""

import time
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from evaluators.engine.worker_status import WORKER_STATES, WorkerStatus
from evaluators.service.request_stats import (
    COMPLETE,
    KNOWN,
    OUTCOMES,
    SUPERSEDED,
    RequestStats,
    ServiceStatus,
)
from serving.metrics import SECONDS, Metrics
from serving.version import VERSION
from tests.serving.conftest import Page, Serving


@pytest.fixture
def page(serve: Serving) -> Page:
    """A page whose figures nobody else has touched."""
    return serve()


def samples(page: Page, accept: str = "") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every figure by name and labels, as Prometheus would read it."""
    with page.client() as client:
        answer = client.get("/metrics", headers={"accept": accept})
    assert answer.status_code == 200
    parse = openmetrics if "openmetrics" in answer.headers["content-type"] else plain
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_requests_are_counted_by_how_they_ended(page: Page, accept: str) -> None:
    before = samples(page, accept)
    assert {before["lines_requests_total", (("outcome", one),)] for one in OUTCOMES} == {0.0}
    page.metrics.observe(RequestStats("a", COMPLETE, "", 0.2, 0.004, 0.8, 1.2, 0.3, counted=5, shared=2))
    page.metrics.observe(RequestStats("a", KNOWN, seconds=0.0005, first=0.0005))
    page.metrics.observe(RequestStats("b", SUPERSEDED, queue=0.7, seconds=0.7))
    after = samples(page, accept)
    assert after["lines_requests_total", (("outcome", "complete"),)] == 1
    assert after["lines_requests_total", (("outcome", "known"),)] == 1
    assert after["lines_requests_total", (("outcome", "superseded"),)] == 1
    assert after["lines_chunks_total", (("source", "counted"),)] == 5
    assert after["lines_chunks_total", (("source", "shared"),)] == 2
    counts = {
        name: after[f"lines_request_{name}_seconds_count", ()]
        for name in ("queue", "edit", "forward", "first_answer", "duration")
    }
    assert counts == {"queue": 2, "edit": 1, "forward": 1, "first_answer": 2, "duration": 3}
    assert after["lines_request_queue_seconds_sum", ()] == pytest.approx(0.9)
    assert after["lines_request_duration_seconds_bucket", (("le", "0.001"),)] == 1
    assert after["lines_request_duration_seconds_bucket", (("le", "1.0"),)] == 2


def test_the_buckets_reach_from_a_millisecond_to_a_minute() -> None:
    assert (SECONDS[0], SECONDS[-1]) == (0.001, 60.0)
    assert list(SECONDS) == sorted(SECONDS)


def test_how_the_studio_stands_is_asked_anew_each_time(page: Page) -> None:
    now = samples(page)
    assert now["lines_info", (("device", "cpu"), ("version", VERSION))] == 1
    wanted = {
        "running_chunks": 1,
        "waiting_requests": 3,
        "expected_wait_seconds": 2.5,
        "known_answers": 17,
        "session_checkpoints": 2,
        "session_checkpoint_bytes": 4096,
        "models_loaded": 2,
        "store_problem": 0,
        "accelerator_memory_bytes": 0,
    }
    assert {name: now[f"lines_{name}", ()] for name in wanted} == wanted
    page.status = ServiceStatus("cpu", (), 0, 0, 0.0, 0, "/data/results.sqlite", "disk full", "", 0, 0)
    later = samples(page)
    assert later["lines_store_problem", ()] == 1
    assert later["lines_models_loaded", ()] == 0


def test_the_process_tells_its_own_figures(page: Page) -> None:
    now = samples(page)
    assert now["process_resident_memory_bytes", ()] > 1e6
    assert any(name == "python_info" for name, _ in now)


def test_two_servers_in_one_process_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()
    one.observe(RequestStats("a", KNOWN))
    assert one.registry.get_sample_value("lines_requests_total", {"outcome": KNOWN}) == 1
    assert other.registry.get_sample_value("lines_requests_total", {"outcome": KNOWN}) == 0


def test_observing_costs_next_to_nothing() -> None:
    metrics, account = Metrics(), RequestStats("a", COMPLETE, "", 0.2, 0.004, 0.8, 1.2, 0.3, 5, 2)
    best = 1.0
    for _ in range(5):
        begin = time.thread_time()  # a busy machine costs it nothing
        for _ in range(200):
            metrics.observe(account)
        best = min(best, (time.thread_time() - begin) / 200)
    assert best < 200e-6


def test_workers_by_state_and_what_each_has_counted(page: Page) -> None:
    assert not any(name.startswith("lines_worker") for name, _ in samples(page))
    workers = (
        WorkerStatus("worker-1", "127.0.0.2", "cpu", "ready", 7),
        WorkerStatus("worker-2", "127.0.0.3", "cpu", "refused", 0, "other code"),
    )
    page.status = replace(page.status, workers=workers)
    found = samples(page)
    states = {state: found["lines_workers", (("state", state),)] for state in WORKER_STATES}
    assert states == {"starting": 0, "ready": 1, "refused": 1}
    assert found["lines_worker_chunks_total", (("node", "127.0.0.2"), ("worker", "worker-1"))] == 7
