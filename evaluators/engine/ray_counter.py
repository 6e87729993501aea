"""Engine on the workers of a Ray cluster; what they cannot count, this process's own engine does."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from torch import Tensor

from evaluators.data.image_batches import Chunk
from evaluators.encoder.autotune import EngineConfig
from evaluators.encoder.residual_cache import never_cancel
from evaluators.engine.counting_worker import ChunkOrder
from evaluators.engine.engine import ChunkCounts, EncodingEdit, EncodingEngine
from evaluators.engine.lab_recipe import LabRecipe, content_of
from evaluators.engine.ray_link import RayLink
from evaluators.engine.ray_pool import NoWorkers
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of


class RayCounter:
    """Counts edits on any worker that is free, a chunk at a time. Any method may be called from any thread.

    What a visitor has added stays on this machine, and so do pictures of visitors.

    Args:
        pool: the workers.
        local: counts while there is no worker.
        cache: folder that holds what was loaded, on this machine and on those that share it.
    """

    exclusive = True

    def __init__(self, pool: RayLink, local: EncodingEngine, cache: Path | None) -> None:
        self.pool = pool
        self._local = local
        self._cache = cache and cache.resolve()
        self._load_requests: dict[str, LoadRequest] = {}
        self._contents: dict[str, str] = {}  # of embedded labs, which never change

    def loaded(self, load_request: LoadRequest) -> None:
        """Remember how a lab was loaded from the Hub, for workers that have to load it as well."""
        self._load_requests[load_request.model] = load_request

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> EncodingEdit:
        """As ``Engine.load``; the chunks may be counted in any order, and others too."""
        local = self._local.load(lab, resolved, chunks)
        own = {checkpoint.info.key for checkpoint in lab.own_checkpoints()}
        if lab.own_tasks(resolved.suite) or not own.isdisjoint(checkpoints_of(resolved.residual)):
            return local
        recipe = self._recipe(lab)
        return local if recipe is None else _RayEdit(self.pool, recipe, resolved, local)

    def _recipe(self, lab: Lab) -> LabRecipe | None:
        """How a worker opens a lab; None if it cannot."""
        model = lab.info.key
        config = EngineConfig(lab.dtype, lab.chunk, 0.0)
        if isinstance(lab, EmbeddedLab):
            if model not in self._contents:
                self._contents[model] = content_of(lab)
            return LabRecipe(model, self._contents[model], lab.folder, self._cache, None, config)
        request = self._load_requests.get(model)
        if not isinstance(lab, HubLab) or request is None:
            return None
        return LabRecipe(model, content_of(lab), Path(), self._cache, request, config)


class _RayEdit:
    """An edit that any worker counts."""

    def __init__(self, pool: RayLink, recipe: LabRecipe, resolved: ResolvedSpec, local: EncodingEdit) -> None:
        self._pool = pool
        self._recipe = recipe
        self._resolved = resolved
        self._local = local
        self._check: Callable[[], None] = never_cancel

    def ready(self, check: Callable[[], None], patience: float | None) -> AbstractContextManager[object]:
        """As ``LoadedEdit.ready``: the worker reads or merges the weights when it begins to count."""
        self._check = check
        return nullcontext()

    def count(self, chunk: Chunk) -> ChunkCounts:
        """As ``LoadedEdit.count``. Lock: the caller has one of the scheduler's turns."""
        try:
            return self._pool.count(self._recipe, ChunkOrder(self._recipe.content, self._resolved, chunk))
        except NoWorkers:
            with self._local.ready(self._check, None):
                return self._local.count(chunk)

    def encode(self, pixels: Tensor) -> Tensor:
        """As ``EncodingEdit.encode``, on this machine."""
        with self._local.ready(self._check, None):
            return self._local.encode(pixels)

    def close(self) -> None:
        """Nothing goes on between chunks."""
        self._local.close()
