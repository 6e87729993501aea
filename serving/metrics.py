"""Prometheus metrics: cost of requests since the start, and state of the studio at the time of a scrape."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evaluators.engine.worker_status import WORKER_STATES, WorkerStatus
from evaluators.service.request_stats import OUTCOMES, RequestStats, ServiceStatus
from serving.memory import accelerator_bytes
from serving.version import VERSION

PATH = "/metrics"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histograms' buckets: from a cache hit to an overlong queue."""


class Metrics:
    """All metrics, in their own registry. Methods may be called from any thread.

    Metrics of the process and of Python have their usual names, all others begin with ``lines_``. None
    identifies a visitor.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "lines_requests", "Requests by how they ended.", ["outcome"], registry=self.registry
        )
        for outcome in OUTCOMES:
            self._requests.labels(outcome)  # a rate needs the zero before the first request
        self._queue = self._histogram("queue", "Waiting for the model; cache hits do not wait.")
        self._edit = self._histogram("edit", "Writing weights, of requests that counted images.")
        self._forward = self._histogram("forward", "Counting images, of requests that counted any.")
        self._first = self._histogram("first_answer", "Until the first answer, of requests that had one.")
        self._total = self._histogram("duration", "From request to end, with the time its caller took.")
        self._chunks = Counter(
            "lines_chunks",
            "Chunks of images, by whether a request counted or shared them.",
            ["source"],
            registry=self.registry,
        )
        self._counted, self._shared = self._chunks.labels("counted"), self._chunks.labels("shared")

    def _histogram(self, name: str, what: str) -> Histogram:
        return Histogram(f"lines_request_{name}_seconds", what, registry=self.registry, buckets=SECONDS)

    def observe(self, stats: RequestStats) -> None:
        """Count a request that has ended: an ``Observer``. Cost: 10 microseconds."""
        self._requests.labels(stats.outcome).inc()
        if not stats.cached:
            self._queue.observe(stats.queue)
        if stats.counted:
            self._edit.observe(stats.edit)
            self._forward.observe(stats.forward)
        if stats.first:
            self._first.observe(stats.first)
        self._total.observe(stats.seconds)
        self._counted.inc(stats.counted)
        self._shared.inc(stats.shared)

    def watch(self, status: Callable[[], ServiceStatus]) -> None:
        """Report this status at each scrape; it must not block. To be called once."""
        self.registry.register(_StatusCollector(status))


class _StatusCollector(Collector):
    """State of the studio at the time of a scrape."""

    def __init__(self, status: Callable[[], ServiceStatus]) -> None:
        self._status = status

    def describe(self) -> list[Metric]:
        return []  # registering does not read the status of a studio that is not complete yet

    def collect(self) -> Iterator[Metric]:
        now = self._status()
        about = {"version": VERSION, "device": now.device}
        yield InfoMetricFamily("lines", "Version, and device of the models.", value=about)
        for name, what, value in (
            ("running_chunks", "Chunks of images that are counted just now.", now.running),
            ("waiting_requests", "Requests that wait for the model.", now.waiting),
            ("expected_wait_seconds", "Estimated wait of a new request.", now.wait),
            ("known_answers", "Complete evaluations held in memory.", now.results),
            ("session_checkpoints", "Checkpoints that visitors have added.", now.session_checkpoints),
            ("session_checkpoint_bytes", "Disk space of these.", now.session_checkpoint_bytes),
            ("models_loaded", "Encoders that a request may name.", len(now.models)),
            ("store_problem", "1 if the result store failed.", int(bool(now.problem))),
            ("accelerator_memory_bytes", "GPU memory of tensors.", accelerator_bytes()),
        ):
            yield GaugeMetricFamily(f"lines_{name}", what, value=value)
        if now.workers or now.local:
            yield from _worker_metrics(now.workers)


def _worker_metrics(workers: Sequence[WorkerStatus]) -> Iterator[Metric]:
    """How many workers are in each state, and what each has counted."""
    states = GaugeMetricFamily("lines_workers", "Workers of the cluster by state.", labels=["state"])
    for state in WORKER_STATES:
        states.add_metric([state], sum(worker.state == state for worker in workers))
    yield states
    counted = CounterMetricFamily(
        "lines_worker_chunks", "Chunks that each worker has counted.", labels=["worker", "node"]
    )
    for worker in workers:
        counted.add_metric([worker.name, worker.node], worker.counted)
    yield counted


def metrics_route(metrics: Metrics, path: str = PATH) -> Route:
    """Route that Prometheus scrapes, in the text format that it requests."""

    async def read(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"content-type": content_type})

    return Route(path, read, methods=["GET"], include_in_schema=False)
