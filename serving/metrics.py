"""Figures for Prometheus: what requests cost since the start, and how the studio stands when it is asked."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evaluators.service.request_stats import OUTCOMES, RequestStats, ServiceStatus
from serving.memory import accelerator_bytes
from serving.version import VERSION

PATH = "/metrics"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper ends of the histograms' buckets: from a known answer to a line of visitors that is too long."""


class Metrics:
    """All figures, in a registry of their own. Any method may be called from any thread.

    Those of processes and of Python have the names that Prometheus gives them, all others begin with
    ``lines_``. None names a visitor.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "lines_requests", "Requests by how they ended.", ["outcome"], registry=self.registry
        )
        for outcome in OUTCOMES:
            self._requests.labels(outcome)  # a rate needs the zero before the first one
        self._queue = self._histogram("queue", "Waiting for the model; known answers do not wait.")
        self._edit = self._histogram("edit", "Writing weights, of requests that counted images.")
        self._forward = self._histogram("forward", "Counting images, of requests that counted any.")
        self._first = self._histogram("first_answer", "Until the first answer, of requests that had one.")
        self._total = self._histogram("duration", "From request to end, with what its asker took.")
        self._chunks = Counter(
            "lines_chunks",
            "Chunks of images by how a request came by them.",
            ["source"],
            registry=self.registry,
        )
        self._counted, self._shared = self._chunks.labels("counted"), self._chunks.labels("shared")

    def _histogram(self, name: str, what: str) -> Histogram:
        return Histogram(f"lines_request_{name}_seconds", what, registry=self.registry, buckets=SECONDS)

    def observe(self, account: RequestStats) -> None:
        """Count a request that has ended: an ``Observer``. Cost: 10 microseconds."""
        self._requests.labels(account.outcome).inc()
        if not account.cached:
            self._queue.observe(account.queue)
        if account.counted:
            self._edit.observe(account.edit)
            self._forward.observe(account.forward)
        if account.first:
            self._first.observe(account.first)
        self._total.observe(account.seconds)
        self._counted.inc(account.counted)
        self._shared.inc(account.shared)

    def watch(self, status: Callable[[], ServiceStatus]) -> None:
        """Ask this whenever the figures are read; it must not wait for anything. To be called once."""
        self.registry.register(_Standing(status))


class _Standing(Collector):
    """The studio as it stands at the moment of asking."""

    def __init__(self, status: Callable[[], ServiceStatus]) -> None:
        self._standing = status

    def describe(self) -> list[Metric]:
        return []  # registering asks nothing of a studio that is still being made

    def collect(self) -> Iterator[Metric]:
        now = self._standing()
        about = {"version": VERSION, "device": now.device}
        yield InfoMetricFamily("lines", "Version, and what models run on.", value=about)
        for name, what, value in (
            ("running_chunks", "1 while a chunk of images is counted.", now.running),
            ("waiting_requests", "Requests that wait for the model.", now.waiting),
            ("expected_wait_seconds", "What a new request would wait, about.", now.wait),
            ("known_answers", "Complete evaluations held in memory.", now.results),
            ("guest_checkpoints", "Checkpoints that visitors have added.", now.added),
            ("guest_bytes", "Disk space that these take.", now.added_bytes),
            ("models_loaded", "Encoders that a request may name.", len(now.models)),
            ("store_problem", "1 if results should be kept on disk and are not.", int(bool(now.problem))),
            ("accelerator_memory_bytes", "Memory of the GPU that tensors take.", accelerator_bytes()),
        ):
            yield GaugeMetricFamily(f"lines_{name}", what, value=value)


def metrics_route(metrics: Metrics, path: str = PATH) -> Route:
    """The page that Prometheus reads, in the text format that it asks for."""

    async def read(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"content-type": content_type})

    return Route(path, read, methods=["GET"], include_in_schema=False)
