"""Facade of the service: evaluations of all sessions, over the models of ``TextModels``."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import overload

import torch
from torch import Tensor

from evaluators.data.image_batches import CHUNK
from evaluators.engine.engine import Counted
from evaluators.engine.local_engine import LocalEngine
from evaluators.engine.ray_counter import RayCounter
from evaluators.engine.ray_link import RayLink
from evaluators.engine.zero_gpu import ZeroGpu, ZeroGpuHost
from evaluators.errors import Queued, SpecError
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.public_loader import PublicLab, PublicLoader
from evaluators.labs.embedded_lab import EMBEDDED
from evaluators.labs.embedded_labs import open_labs
from evaluators.service.engines import Engines, engines
from evaluators.service.image_classifier import ImageClassifier, Probabilities
from evaluators.service.load_jobs import LoadJob
from evaluators.service.request_runner import RequestRunner
from evaluators.service.request_stats import Observer, ServiceStatus
from evaluators.service.result_cache import ResultCache
from evaluators.service.result_store import SCHEMA_VERSION
from evaluators.service.scheduler import Scheduler, Ticket, Visitor
from evaluators.service.session_entry import Added, key_of
from evaluators.service.session_quota import SessionLimits
from evaluators.service.shared_counts import Request
from evaluators.service.temporary_folder import temporary_folder
from evaluators.service.text_models import TextModels
from evaluators.specs.class_names import ClassNames
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha


class Studio(TextModels):
    """Evaluates edits of the embedded labs and what ``load`` adds. Any method may be called from any thread.

    Args:
        assets: folder of the labs: ``eval/``, a folder a model and, if they ship, ``sweeps/`` and ``grid/``.
        cache: folder for prepared images and results; None keeps both in memory only.
        device: where the model and the images live.
        dtype: of the image tower while it runs; float32 if left out.
        chunk: images a chunk over all tasks: smaller answers sooner, larger has less overhead.
        zero_gpu: host of GPU workers that ``stream`` counts on; ``first``, of a moving slider, does not.
        observe: receives the statistics of every request.
        session_limits: how much visitors may add.
        models: keys of the embedded models that it has.
        workers: of a cluster, which count everything but texts and what visitors have added.
    Raises: LabError if the lab's files are absent or do not fit together.
    Cost: half a second. The first measurement reads model and images, some seconds more: see ``warm_up``.
    """

    def __init__(
        self,
        assets: Path,
        cache: Path | None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        chunk: int = CHUNK,
        zero_gpu: ZeroGpuHost | None = None,
        observe: Observer | None = None,
        session_limits: SessionLimits | None = None,
        models: Collection[str] = tuple(EMBEDDED),
        workers: RayLink | None = None,
    ) -> None:
        folder, on = None if cache is None else Path(cache), torch.device(device)
        labs = open_labs(Path(assets), folder, on, dtype or torch.float32, chunk, models)
        loader = PublicLoader((folder or temporary_folder("models", self)) / "hub", on)
        scheduler, local = Scheduler(), LocalEngine(lambda: self._scheduler.waiting > 0)
        chosen = engines(local, scheduler, loader.images, folder, on, zero_gpu, workers)
        results = ResultCache(labs, None if folder is None else folder / chosen.results)
        super().__init__(labs, loader, folder, session_limits)
        self._connect(results, scheduler, chosen, observe)
        self._open_texts(Path(assets), on, chunk, local)

    def _connect(
        self, results: ResultCache, scheduler: Scheduler, chosen: Engines, observe: Observer | None = None
    ) -> None:
        self._results, self._scheduler = results, scheduler
        self._engine, self.workers = chosen.full, chosen.workers
        self._runner = RequestRunner(scheduler, results, chosen.quick, chosen.full, observe)
        self._classifier = ImageClassifier(scheduler, chosen.local)

    def _loaded(self, lab: PublicLab, job: LoadJob) -> None:
        if isinstance(job.request, LoadRequest) and isinstance(self._engine, ZeroGpu | RayCounter):
            self._engine.loaded(job.request)
        super()._loaded(lab, job)

    def warm_up(self, suite: str = "tasks", split: str = "test") -> None:
        """Read now what the first measurement needs. Raises: LabError if the files do not fit together."""
        self.lab.heads(suite)
        self.lab.images(suite, split)

    def ticket(
        self, panel: str = "", key: str = "", moves: float | None = None, settles: bool = False
    ) -> Ticket:
        """The ticket of a new request, which supersedes the session's older one of the same panel.

        Args, Raises: as ``Scheduler.ticket``.
        """
        return self._scheduler.ticket(Visitor(self._session, panel), key, moves, settles)

    def cached(self, spec: EditSpec) -> Evaluation | None:
        """The complete answer if it is known: from memory, from disk, or shipped with the lab.

        Raises: SpecError if this lab cannot answer the spec at all.
        """
        lab = self.lab_of(spec.model)
        return self._results.find(lab, spec, lab.resolve(spec))

    def lacks_own_alone(self, spec: EditSpec) -> bool:
        """Whether an answer lacks nothing but the images of added tasks. Raises: as ``cached``."""
        return self._runner.lacks_own_alone(self._accept(spec, None))

    def fingerprint(self, spec: EditSpec) -> str:
        """Names everything that decides the numbers of a spec, by content. Raises: as ``cached``."""
        return (lab := self.lab_of(spec.model)).key(lab.resolve(spec), SCHEMA_VERSION)

    def merging_alpha(
        self, model: str, merge: MergeSpec, ticket: Ticket | None = None, patience: float | None = None
    ) -> MergingAlpha:
        """Eq. 2's alpha of a merge, with its ingredients.

        Args:
            ticket: as for ``stream``.
            patience: seconds to wait at most until the weights are merged, which goes on all the same.
        Raises: SpecError if the encoder has none of the checkpoints; LabError or CheckpointError if files are
            damaged; Superseded; Preparing after ``patience``.
        Cost: of a merge that is not kept, a pass or more over its checkpoints.
        """
        lab = self.lab_of(model)
        lab.resolve(EditSpec.merged(merge, model=model))
        return lab.merging_alpha(merge, (ticket or Ticket()).check, patience)

    def evaluate(
        self, spec: EditSpec, ticket: Ticket | None = None, *, fresh: bool = False, background: bool = False
    ) -> Evaluation:
        """The complete answer. Args, Raises: as ``stream``."""
        *_, last = self.stream(spec, ticket, fresh=fresh, background=background)
        return last

    @overload
    def stream(
        self, spec: EditSpec, ticket: Ticket | None = None, *, fresh: bool = False, background: bool = False
    ) -> Iterator[Evaluation]: ...

    @overload
    def stream(
        self, spec: EditSpec, ticket: Ticket | None = None, *, patience: float
    ) -> Iterator[Evaluation | Queued]: ...

    def stream(
        self,
        spec: EditSpec,
        ticket: Ticket | None = None,
        *,
        fresh: bool = False,
        background: bool = False,
        patience: float | None = None,
    ) -> Iterator[Evaluation | Queued]:
        """Answers from more and more images, the last one complete; a cached answer comes at once.

        Args:
            spec: what to measure.
            ticket: whose request it is, as ``ticket`` gives it; None is never superseded.
            fresh: measure anew, whatever is cached.
            background: nobody waits for single answers, so that all other requests come first.
            patience: seconds without a turn after which the queue position is yielded, then after twice as
                long, three times, and always four times; None never yields it.
        Raises: SpecError at once if this lab cannot answer; while iterating, Superseded; QueueFull if too
            many wait; LabError and CheckpointError if files turn out to be damaged, DeviceError if the device
            fails. The studio stays usable.
        Turns: one a chunk.
        """
        return self._runner.stream(self._accept(spec, ticket), fresh, background, patience)

    def first(
        self, spec: EditSpec, ticket: Ticket | None = None, patience: float | None = None
    ) -> Evaluation:
        """The cached answer, or else the one from the first chunk, which a later ``stream`` continues.

        For a control that may still be moving: streams that wait for first numbers come before.

        Args:
            patience: seconds to wait for the turn; without limit if left out.
        Raises: as ``stream``; Queued after ``patience``, its place kept for the visitor's next request.
        """
        return self._runner.first(self._accept(spec, ticket), patience)

    def pictured(
        self,
        spec: EditSpec,
        images: int = 1,
        ticket: Ticket | None = None,
        patience: float | None = None,
        *,
        background: bool = False,
    ) -> Evaluation:
        """An answer that has predictions, of the first ``images`` images of each task at least.

        That is the complete one if its predictions are known, or those that ship with the gamma grid; else as
        many chunks are counted as it takes, and a later ``stream`` continues them.

        Args:
            images: per task, as far as there are so many; 1 gives those of the first chunk.
            background: as for ``stream``.
        Raises: as ``first``.
        """
        return self._runner.first(self._accept(spec, ticket), patience, images, background)

    def known_pictures(self, spec: EditSpec) -> Evaluation | None:
        """The answer as far as predictions are known without counting; None if there are none yet."""
        return self._runner.known_pictures(self._accept(spec, None))

    def classify(
        self,
        specs: Sequence[EditSpec],
        pixels: Tensor,
        names: ClassNames | str,
        ticket: Ticket | None = None,
        patience: float | None = None,
        *,
        background: bool = False,
    ) -> Probabilities:
        """Class probabilities of one image under each of some edits of one encoder. Nothing is kept of it.

        Args:
            pixels: uint8 of shape (3, S, S), S the encoder's ``image_size``.
            names: classes to choose between, or the key of a task of the checkpoint's suite.
            ticket, patience, background: as for ``pictured``.
        Raises: as ``first``; SpecError for an unknown task.
        Turns: one a spec.
        """
        requests = [self._accept(spec, ticket) for spec in specs]
        return self._classifier.probabilities(requests, pixels, names, patience, background)

    def record(self, spec: EditSpec, counted: Sequence[Counted], seconds: float) -> Evaluation:
        """Cache and return the complete answer from counts of all chunks, made elsewhere in ``seconds``.

        Raises: SpecError if this lab cannot answer; ValueError unless every chunk is counted.
        """
        return self._runner.record(self._accept(spec, None), counted, seconds)

    def _accept(self, spec: EditSpec, ticket: Ticket | None) -> Request:
        """The request for a spec. The session has used its encoder, and the checkpoints that it has added.

        Raises: SpecError if the lab cannot answer, which is reported.
        """
        try:
            lab = self.lab_of(spec.model)
            resolved = lab.resolve(spec)
        except SpecError as error:
            self._runner.refuse(spec, error)
            raise
        self.use(spec.model)
        private = lab.is_private(spec.sources, resolved.suite)
        return Request(lab, spec, resolved, private, ticket or Ticket())

    def _drop(self, model: str, added: Added) -> None:
        super()._drop(model, added)
        self._runner.forget(key_of(added))

    def leave(self, session: str) -> None:
        """End a session: supersede all its requests, delete what it has added unless it may come back."""
        self._scheduler.leave(session)
        super().leave(session)

    def close(self) -> None:
        """Stop everything, delete what visitors have added, and close the result store."""
        self._scheduler.close()
        super().close()
        self._results.close()

    def busy(self) -> bool:
        """Whether a request holds the model or waits for it."""
        return self._scheduler.held > 0 or self._scheduler.waiting > 0

    def status(self) -> ServiceStatus:
        """The state of the service, without waiting for anything."""
        scheduler, results, labs, workers = self._scheduler, self._results, self._labs.all(), self.workers
        return ServiceStatus(
            self.lab.device.type,
            tuple(lab.info.key for lab in labs),
            scheduler.held,
            scheduler.waiting,
            scheduler.wait(),
            len(results),
            str(results.path or ""),
            results.problem,
            next((lab.failure for lab in labs if lab.failure), ""),
            self._session_checkpoints.count,
            self._session_checkpoints.bytes,
            *(() if workers is None else (workers.status(), workers.problem)),
        )
