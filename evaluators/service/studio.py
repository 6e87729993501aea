"""Facade of the service: models, loads and evaluations, for all sessions of one process."""

import copy
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import torch

from evaluators.data.image_batches import CHUNK
from evaluators.data.task_list import Task
from evaluators.engine.engine import Engine
from evaluators.engine.local_engine import LocalEngine
from evaluators.engine.zero_gpu import ZeroGpu, ZeroGpuHost
from evaluators.errors import Queued, SpecError
from evaluators.hub import visitor_checkpoint as own
from evaluators.hub.checkpoint_import import LoadedCheckpoint
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.loader import Loader
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.labs.embedded_lab import TINY_CLIP, EmbeddedLab
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo, Variant
from evaluators.service.lab_registry import LabRegistry
from evaluators.service.load_jobs import LoadJob, LoadJobs
from evaluators.service.request_runner import Request, RequestRunner
from evaluators.service.request_stats import Observer, ServiceStatus
from evaluators.service.result_cache import ResultCache
from evaluators.service.result_store import SCHEMA_VERSION
from evaluators.service.scheduler import Scheduler, Ticket, Visitor
from evaluators.service.session_checkpoints import SessionCheckpoints, SessionLimits
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha


class Studio:
    """Evaluates edits of the models it holds. Any method may be called from any thread.

    It starts with the embedded lab; public encoders are added by ``load``.

    Args:
        assets: folder of the lab: ``tiny_clip/``, ``eval/`` and, if they ship, ``sweeps/``.
        cache: folder for prepared images and results; None keeps both in memory only.
        device: where the model and the images live.
        dtype: of the image tower while it runs; float32 if left out.
        chunk: images a chunk over all tasks: smaller answers sooner, larger has less overhead.
        zero_gpu: host of GPU workers that ``stream`` counts on; ``first`` then still counts on ``device``, so
            that a moving slider uses nobody's quota.
        observe: receives the statistics of every request.
        session_limits: how much visitors may add.
    Raises: LabError if the lab's files are absent or do not fit together.
    Cost: half a second; cached answers are ready then. The first measurement reads the model and its images,
        some seconds more; ``warm_up`` does that ahead of it.
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
    ) -> None:
        folder = None if cache is None else Path(cache)
        lab = EmbeddedLab(Path(assets), folder, torch.device(device), dtype or torch.float32, chunk)
        name = "results.sqlite" if zero_gpu is None else "results-lent-gpu.sqlite"  # of another device
        results = ResultCache(lab, None if folder is None else folder / name)
        home = Path(tempfile.mkdtemp(prefix="lines-")) if folder is None else folder
        loader = Loader(home / "hub", torch.device(device))
        checkpoints = SessionCheckpoints(folder, session_limits, self._drop_checkpoint)
        local = LocalEngine(lambda: self._scheduler.waiting > 0)
        engine = local if zero_gpu is None else ZeroGpu(zero_gpu, folder, loader)
        self._connect(lab, results, loader, checkpoints, local, engine, observe)

    def _connect(
        self,
        lab: EmbeddedLab,
        results: ResultCache,
        loader: Loader,
        checkpoints: SessionCheckpoints,
        quick: Engine,
        engine: Engine,
        observe: Observer | None,
    ) -> None:
        """Connect the parts. Args: ``quick`` counts first numbers, ``engine`` streams."""
        self.lab = lab
        self._session = ""
        self._labs = LabRegistry(lab)
        self._results = results
        self._jobs = LoadJobs(loader, self._loaded)
        self._session_checkpoints = checkpoints
        self._scheduler = Scheduler()
        self._engine = engine
        self._runner = RequestRunner(self._scheduler, results, quick, engine, observe)

    def warm_up(self, suite: str = "tasks", split: str = "test") -> None:
        """Read now what the first measurement needs. Raises: LabError if the files do not fit together."""
        self.lab.heads(suite)
        self.lab.images(suite, split)

    def seen_by(self, session: str) -> "Studio":
        """This studio for one session: with the checkpoints that it has added, and its tickets.

        Everything else is shared, so it costs nothing and may be called anew for every request.
        """
        view = copy.copy(self)
        view._session = session
        return view

    def ticket(
        self, panel: str = "", key: str = "", moves: float | None = None, settles: bool = False
    ) -> Ticket:
        """The ticket of a new request, which supersedes the session's older one of the same panel.

        Args, Raises: as ``Scheduler.ticket``.
        """
        return self._scheduler.ticket(Visitor(self._session, panel), key, moves, settles)

    # Models

    def models(self) -> tuple[ModelInfo, ...]:
        """The pre-trained encoders that a spec may name."""
        return tuple(lab.info for lab in self._labs.all())

    def checkpoints(self, model: str = TINY_CLIP) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints of an encoder, in the order of their tasks.

        Raises: SpecError if the encoder is not loaded.
        """
        return self.lab_of(model).checkpoints()

    def compared(self, model: str = TINY_CLIP) -> tuple[CheckpointInfo, ...]:
        """Checkpoints of an encoder that a spec may name, but that are only shown beside others."""
        return self.lab_of(model).compared()

    def variants(self, model: str = TINY_CLIP) -> tuple[Variant, ...]:
        """How the compared checkpoints of an encoder were made."""
        return self.lab_of(model).variants()

    def tasks(self, suite: str = "tasks", model: str = TINY_CLIP) -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""
        return self.lab_of(model).tasks(suite)

    def lab_of(self, model: str) -> Lab:
        """The lab of an encoder, as this session sees it. Raises: SpecError if it is not loaded."""
        lab = self._labs.get(model)
        if not isinstance(lab, HubLab):
            return lab
        return lab.with_checkpoints(self._session_checkpoints.of_model(self._session, model))

    def add(self, lab: Lab) -> None:
        """Add a lab, in place of any earlier one of the same encoder."""
        self._labs.put(lab)

    # Loads from the Hub

    def load(self, request: LoadRequest) -> LoadJob:
        """Begin to load a public encoder, or join the load of it; once it has ended, a spec may name it."""
        earlier = self._labs.find(request.model)
        return self._jobs.start(request, earlier if isinstance(earlier, HubLab) else None, self._session)

    def loading(self, model: str) -> LoadJob | None:
        """The newest load of an encoder, running or ended."""
        return self._jobs.of_model(model)

    def stop_loading(self, model: str) -> bool:
        """Stop the load of an encoder unless other sessions have asked for it too; whether it was stopped."""
        return self._jobs.stop(model, self._session)

    def _loaded(self, lab: HubLab, job: LoadJob) -> None:
        """Add a loaded lab; while other sessions use the earlier one, it keeps what that one has."""
        earlier = self._labs.find(lab.info.key)
        if isinstance(self._engine, ZeroGpu):
            self._engine.loaded(job.request)
        if self._labs.sessions(lab.info.key) - job.sessions and isinstance(earlier, HubLab):
            lab = lab.beside(earlier)
        self.add(lab)

    # Checkpoints that visitors add

    def take_file(self, model: str, task: str, path: Path, name: str) -> CheckpointInfo:
        """Import a visitor's checkpoint for a loaded public encoder; a spec of the session may name it then.

        Raises: QuotaError if the session's quota is used up; SpecError, CheckpointError or LabError as
            ``visitor_checkpoint.from_file``; nothing is changed then.
        """
        return self._take(model, lambda lab, folder, left: own.from_file(lab, folder, task, path, name))

    def take_address(
        self, model: str, task: str, address: str, progress: Progress | None = None
    ) -> CheckpointInfo:
        """The same from a repository of the Hub. The download stops when the session leaves.

        Args:
            progress: called with bytes done and in total, from the calling thread.
        Raises: as ``take_file``, and as ``visitor_checkpoint.from_hub``; Cancelled if the session has left.
        """
        return self._take(
            model, lambda lab, folder, left: own.from_hub(lab, folder, task, address, progress, left)
        )

    def _take(
        self, model: str, read: Callable[[HubLab, Path, threading.Event], LoadedCheckpoint]
    ) -> CheckpointInfo:
        lab = self.lab_of(model)
        if not isinstance(lab, HubLab):
            raise SpecError(f"{lab.info.title} takes no other checkpoints: load a public encoder for yours.")
        size = 4 * lab.live.layout.numel
        with self._session_checkpoints.reserve(self._session, size) as left:
            checkpoint = read(lab, self._session_checkpoints.folder(self._session), left)
            self._session_checkpoints.add(self._session, model, checkpoint, size)
        return checkpoint.info

    def _drop_checkpoint(self, model: str, checkpoint: LoadedCheckpoint) -> None:
        lab = self._labs.find(model)
        if isinstance(lab, HubLab):
            lab.live.drop(checkpoint.info.key)

    # Evaluations

    def cached(self, spec: EditSpec) -> Evaluation | None:
        """The complete answer if it is known already: from memory, from disk, or shipped with the lab.

        Raises: SpecError if this lab cannot answer the spec at all.
        """
        lab = self.lab_of(spec.model)
        return self._results.find(lab, spec, lab.resolve(spec))

    def fingerprint(self, spec: EditSpec) -> str:
        """Names everything that decides the numbers of a spec, by content. Raises: as ``cached``."""
        lab = self.lab_of(spec.model)
        return lab.key(lab.resolve(spec), SCHEMA_VERSION)

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
        return lab.encoder.merging_alpha(merge, (ticket or Ticket()).check, patience)

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
        Raises: as ``stream``; Queued after ``patience``, and the queue position is kept for the ticket's, or
            the visitor's, next request.
        """
        return self._runner.first(self._accept(spec, ticket), patience)

    def record(self, spec: EditSpec, correct: Sequence[tuple[int, ...]], seconds: float) -> Evaluation:
        """Cache and return the complete answer from counts that were made elsewhere.

        Args:
            correct: correct images a task, chunk by chunk of the measurement's images.
            seconds: spent on them.
        Raises: SpecError if this lab cannot answer; ValueError unless every chunk is counted.
        """
        return self._runner.record(self._accept(spec, None), correct, seconds)

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
        self._labs.use(self._session, spec.model)
        self._session_checkpoints.use(self._session)
        private = isinstance(lab, HubLab) and lab.is_private(spec.sources)
        return Request(lab, spec, resolved, private, ticket or Ticket())

    # Sessions and the service as a whole

    def leave(self, session: str) -> None:
        """End a session: supersede all its requests, delete the checkpoints that it has added."""
        self._scheduler.leave(session)
        self._session_checkpoints.leave(session)
        self._jobs.leave(session)
        self._labs.leave(session)

    def expire(self) -> None:
        """Delete checkpoints that visitors have added and not used for long."""
        self._session_checkpoints.expire()

    def close(self) -> None:
        """Stop everything, delete what visitors have added, and close the result store."""
        self._scheduler.close()
        self._jobs.close()
        self._session_checkpoints.close()
        self._results.close()

    def busy(self) -> bool:
        """Whether a request holds the model or waits for it."""
        return self._scheduler.held or self._scheduler.waiting > 0

    def status(self) -> ServiceStatus:
        """The state of the service, without waiting for anything."""
        scheduler, results, labs = self._scheduler, self._results, self._labs.all()
        return ServiceStatus(
            self.lab.device.type,
            tuple(lab.info.key for lab in labs),
            int(scheduler.held),
            scheduler.waiting,
            scheduler.wait(),
            len(results),
            str(results.path or ""),
            results.problem,
            next((lab.failure for lab in labs if lab.failure), ""),
            self._session_checkpoints.count,
            self._session_checkpoints.bytes,
        )
