"""The studio: one live model, many visitors, each asking for the numbers of an ``EditSpec``.

Evaluation goes chunk by chunk, and visitors take turns (``turns``). A newer request of the same visitor stops
the older one at its next chunk.
"""

import copy
import tempfile
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path

import torch

from evaluators.data.image_batches import CHUNK
from evaluators.data.task_list import Task
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
from evaluators.service.request_runner import Asked, Requests
from evaluators.service.request_stats import Observer, ServiceStatus
from evaluators.service.result_cache import ResultCache
from evaluators.service.result_store import SCHEMA_VERSION
from evaluators.service.scheduler import Ticket
from evaluators.service.session_checkpoints import SessionCheckpoints, SessionLimits
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha


class Studio:
    """Evaluates edits of the models it holds; safe to be called from any number of threads.

    It starts with the embedded lab; others join once they are loaded.

    Args:
        assets: folder of the lab: ``tiny_clip/``, ``eval/`` and, if they ship, ``sweeps/``.
        cache: folder for prepared images and results; None keeps both in memory only.
        device: where the model and the images live.
        dtype: of the image tower while it runs; float32 if left out.
        chunk: images a chunk over all tasks: smaller answers sooner, larger has less overhead.
        lender: of a GPU that ``stream`` counts on, a call at a time; ``first`` then counts on ``device``, so
            that a moving slider uses up nobody's quota.
        observe: is told what every request cost, for logs and metrics.
        guest_limits: how much visitors may bring.
    Raises: LabError if the lab's files are absent or do not fit together.
    Cost: half a second, and known answers from then on. The first measurement reads the model and its
        images, which takes some seconds more; ``warm_up`` has that behind it.
    """

    def __init__(
        self,
        assets: Path,
        cache: Path | None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        chunk: int = CHUNK,
        lender: ZeroGpuHost | None = None,
        observe: Observer | None = None,
        session_limits: SessionLimits | None = None,
    ) -> None:
        folder = None if cache is None else Path(cache)
        self.lab = EmbeddedLab(Path(assets), folder, torch.device(device), dtype or torch.float32, chunk)
        self._shelf = LabRegistry(self.lab)
        self._session = ""
        results = "results.sqlite" if lender is None else "results-lent-gpu.sqlite"  # it may name others
        self._known = ResultCache(self.lab, None if folder is None else folder / results)
        home = Path(tempfile.mkdtemp(prefix="lines-")) if folder is None else folder
        loader = Loader(home / "hub", torch.device(device))
        self._jobs = LoadJobs(loader, self._take_in)
        self._load_requests: dict[str, LoadRequest] = {}
        gpu = None if lender is None else ZeroGpu(lender, folder, loader)
        self._requests = Requests(self._known, gpu, observe)
        self._session_checkpoints = SessionCheckpoints(folder, session_limits, self._drop_checkpoint)

    def warm_up(self, suite: str = "tasks", split: str = "test") -> None:
        """Read now what the first measurement needs. Raises: LabError if the files do not fit together."""
        self.lab.heads(suite)
        self.lab.images(suite, split)

    def seen_by(self, session: str) -> "Studio":
        """This studio as one session sees it: with the checkpoints that it has added itself.

        Everything else is shared, so it costs nothing and may be asked for anew with every request.
        """
        view = copy.copy(self)
        view._session = session
        return view

    # What there is

    def models(self) -> tuple[ModelInfo, ...]:
        """The pre-trained encoders a spec may name."""
        return tuple(lab.info for lab in self._shelf.all())

    def checkpoints(self, model: str = TINY_CLIP) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints of an encoder, in the order of their tasks.

        Raises: SpecError if there is no such encoder.
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
        """The lab of an encoder, as this session sees it. Raises: SpecError if there is no such encoder."""
        lab = self._shelf.get(model)
        if not isinstance(lab, HubLab):
            return lab
        return lab.with_checkpoints(self._session_checkpoints.of_model(self._session, model))

    def merging_alpha(
        self, model: str, merge: MergeSpec, visitor: Hashable | None = None, patience: float | None = None
    ) -> MergingAlpha:
        """Eq. 2's alpha of a merge, with its ingredients.

        Args:
            visitor: whose request it is, as for ``stream``.
            patience: seconds to wait at most until the weights are merged, which goes on all the same.
        Raises: SpecError if the encoder has none of the checkpoints; LabError or CheckpointError if files are
            damaged; Superseded; Preparing after ``patience``.
        Cost: of a merge not held yet, a pass or more over its checkpoints.
        """
        lab = self.lab_of(model)
        lab.resolve(EditSpec.merged(merge, model=model))
        return lab.encoder.merging_alpha(merge, self.announce(visitor).check, patience)

    def add(self, lab: Lab) -> None:
        """Take in a lab, in place of any earlier one of the same encoder."""
        self._shelf.put(lab)

    # What is loaded from the Hub

    def load(self, request: LoadRequest) -> LoadJob:
        """Begin to load a public encoder, or join the load of it; once it has ended, a spec may name it."""
        earlier = self._shelf.find(request.model)
        return self._jobs.start(request, earlier if isinstance(earlier, HubLab) else None, self._session)

    def loading(self, model: str) -> LoadJob | None:
        """The newest load of an encoder, running or ended."""
        return self._jobs.of_model(model)

    def stop_loading(self, model: str) -> bool:
        """Stop the load of an encoder unless other sessions have asked for it too; whether it was stopped."""
        return self._jobs.stop(model, self._session)

    def _take_in(self, lab: HubLab, job: LoadJob) -> None:
        """Add a loaded lab; while other sessions use the one before, it keeps what that one has."""
        before = self._shelf.find(lab.info.key)
        self._load_requests[lab.info.key] = job.request
        if self._shelf.visitors(lab.info.key) - job.sessions and isinstance(before, HubLab):
            lab = lab.beside(before)
        self.add(lab)

    # What visitors bring

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
        lab = self._shelf.find(model)
        if isinstance(lab, HubLab):
            lab.live.drop(checkpoint.info.key)

    # What it scores

    def cached(self, spec: EditSpec) -> Evaluation | None:
        """The complete answer if it is known already: from memory, from disk, or shipped with the lab.

        Raises: SpecError if this lab cannot answer the spec at all.
        """
        asked = self._asked(spec, None)
        return self._known.find(asked.lab, spec, asked.resolved)

    def fingerprint(self, spec: EditSpec) -> str:
        """Names all that decides the numbers of a spec, by content. Raises: SpecError as ``cached``."""
        asked = self._asked(spec, None)
        return asked.lab.key(asked.resolved, SCHEMA_VERSION)

    def evaluate(
        self,
        spec: EditSpec,
        visitor: Hashable | None = None,
        *,
        fresh: bool = False,
        background: bool = False,
    ) -> Evaluation:
        """The complete answer. Arguments and errors as for ``stream``."""
        *_, last = self.stream(spec, visitor, fresh=fresh, background=background)
        return last

    def stream(
        self,
        spec: EditSpec,
        visitor: Hashable | None = None,
        *,
        fresh: bool = False,
        background: bool = False,
    ) -> Iterator[Evaluation]:
        """Answers from more and more images, the last one complete; a known answer comes at once.

        The request counts from this call on, not from the first answer taken.

        Args:
            spec: what to measure.
            visitor: whose request it is. A newer ``stream`` or ``first`` of the same visitor stops this
                one at its next chunk; None is nobody, and is never stopped.
            fresh: measure anew, whatever is known.
            background: nobody waits for single answers, so whoever does comes first.
        Raises: SpecError at once if this lab cannot answer; while iterating, Superseded, Crowded if too many
            wait; or LabError and CheckpointError if files turn out to be damaged, DeviceError if the device
            fails. The studio stays usable.
        Turns: one a chunk.
        """
        asked = self._accepted(spec, visitor)
        return self._requests.stream(asked, fresh=fresh, background=background)

    def patiently(
        self, spec: EditSpec, visitor: Hashable | None, patience: float
    ) -> Iterator[Evaluation | Queued]:
        """As ``stream``; between the answers how long the line is, whenever a turn is waited for so long.

        Args:
            patience: seconds of the first wait that is told, then of twice as long, three times, and always
                four times.
        """
        return self._requests.patiently(self._accepted(spec, visitor), patience)

    def first(
        self, spec: EditSpec, visitor: Hashable | None = None, patience: float | None = None
    ) -> Evaluation:
        """What is known at once, or else the answer from the first chunk, which a later ``stream`` continues.

        For a control that may still be moving: whoever waits in a ``stream`` for first numbers comes before.

        Args:
            patience: seconds to wait for the turn, for ever if left out.
        Raises: as ``stream``; Queued once ``patience`` is at an end, and the place in the line is kept for
            the visitor's next request.
        """
        return self._requests.first(self._accepted(spec, visitor), patience)

    def record(self, spec: EditSpec, correct: Sequence[tuple[int, ...]], seconds: float) -> Evaluation:
        """The complete answer from counts that were made elsewhere, which is known from now on.

        Args:
            correct: correct images a task, chunk by chunk of the measurement's images.
            seconds: spent on them.
        Raises: SpecError if this lab cannot answer; ValueError unless every chunk is counted.
        """
        return self._requests.record(self._asked(spec, None), correct, seconds)

    def _accepted(self, spec: EditSpec, visitor: Hashable | None) -> Asked:
        """As ``_asked``; a spec that is refused is accounted for."""
        try:
            return self._asked(spec, visitor)
        except SpecError:
            with self._requests.accounted(spec):
                raise

    def _asked(self, spec: EditSpec, visitor: Hashable | None) -> Asked:
        lab = self.lab_of(spec.model)
        resolved = lab.resolve(spec)
        self._shelf.visit(self._session, spec.model)
        private = isinstance(lab, HubLab) and lab.is_private(spec.sources)
        return Asked(lab, spec, resolved, visitor, private, self._load_requests.get(spec.model))

    # Who is there

    def leave(self, session: str) -> None:
        """A visitor has gone: stop all that runs under any of the session's names, delete what it brought."""
        self._requests.turns.leave(session)
        self._session_checkpoints.leave(session)
        self._jobs.leave(session)
        self._shelf.leave(session)

    def expire(self) -> None:
        """Delete what visitors brought who have not used it for long."""
        self._session_checkpoints.expire()

    def close(self) -> None:
        """Stop all that runs, delete what visitors brought, and close the result store."""
        self._requests.turns.close()
        self._jobs.close()
        self._session_checkpoints.close()
        self._known.close()

    def announce(self, visitor: Hashable | None) -> Ticket:
        """A request that is counted elsewhere: its ticket says when it is not wanted any more."""
        return self._requests.turns.announce(visitor)

    def busy(self) -> bool:
        """Whether somebody waits for the model or has it."""
        return self._requests.turns.held or self._requests.turns.waiting > 0

    def status(self) -> ServiceStatus:
        """How things stand, without waiting for anything."""
        turns, store = self._requests.turns, self._known.path
        return ServiceStatus(
            self.lab.device.type,
            tuple(lab.info.key for lab in self._shelf.all()),
            int(turns.held),
            turns.waiting,
            turns.wait(),
            len(self._known),
            "" if store is None else str(store),
            self._known.problem,
            next((lab.failure for lab in self._shelf.all() if lab.failure), ""),
            self._session_checkpoints.count,
            self._session_checkpoints.bytes,
        )
