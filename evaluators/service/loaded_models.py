"""Labs of one process as one session sees them: the embedded ones, and those loaded from the Hub."""

import copy
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from evaluators.data.own_images.image_source import ImageSource
from evaluators.data.own_images.listed_images import ListedImages
from evaluators.data.own_images.task_names import TaskNames
from evaluators.data.task_list import Task
from evaluators.hub import visitor_checkpoint as own
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.public_loader import PublicLab, PublicLoader, PublicRequest
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.hub.visitor_dataset import FoundDataset, read_dataset
from evaluators.labs.checkpoint_report import CheckpointReport
from evaluators.labs.embedded_lab import TINY_CLIP, EmbeddedLab
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.own_task import OwnTask
from evaluators.labs.task_import import ImportedTask, import_task, most_bytes, save_task
from evaluators.labs.variant import Variant
from evaluators.service.image_classifier import TaskImages, task_images
from evaluators.service.lab_registry import LabRegistry
from evaluators.service.load_jobs import LoadJob, LoadJobs
from evaluators.service.operator_tasks import PublicTasks
from evaluators.service.session_checkpoints import SessionCheckpoints
from evaluators.service.session_entry import Added, key_of
from evaluators.service.session_quota import SessionLimits
from evaluators.specs.edit_spec import EditSpec

Self = TypeVar("Self", bound="LoadedModels")
Read = TypeVar("Read")
Reader = Callable[[Lab, Path, threading.Event], Read]


class LoadedModels:
    """Models and checkpoints that a spec may name. Any method may be called from any thread.

    Args:
        labs: those that are there from the start.
        loader: of public models.
        folder: for the checkpoints that visitors add; None for a temporary one.
        limits: how much visitors may add.
    Attributes:
        lab: of Tiny CLIP.
        on_drop: called with the key of each deleted checkpoint or task; must not raise.
    """

    def __init__(
        self,
        labs: Sequence[EmbeddedLab],
        loader: PublicLoader,
        folder: Path | None,
        limits: SessionLimits | None,
    ) -> None:
        self.lab = labs[0]
        self._embedded = {lab.info.key: lab for lab in labs}
        self._session = ""
        self._labs = LabRegistry(labs)
        self.on_drop: list[Callable[[str], None]] = []
        self._public = PublicTasks(loader.cache.parent / "tasks")
        self._jobs = LoadJobs(loader, self._loaded)
        self._session_checkpoints = SessionCheckpoints(folder, limits, self._drop)

    def seen_by(self: Self, session: str) -> Self:
        """The same for one session: with the checkpoints that it has added, and its tickets.

        Everything else is shared, so it costs nothing and may be called anew for every request.
        """
        view = copy.copy(self)
        view._session = session
        return view

    def models(self) -> tuple[ModelInfo, ...]:
        """The pre-trained encoders that a spec may name."""
        return tuple(lab.info for lab in self._labs.all())

    def embedded(self, model: str) -> EmbeddedLab | None:
        """The lab of an embedded model as it ships; None for any other model."""
        return self._embedded.get(model)

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

    def images_of(self, spec: EditSpec, most: int) -> tuple[TaskImages, ...]:
        """The first images of each task that a spec is counted on, in the order of ``Evaluation.predicted``.

        Raises: SpecError if the lab cannot answer the spec; LabError if the files are damaged.
        """
        lab = self.lab_of(spec.model)
        resolved = lab.resolve(spec)
        return task_images(lab, resolved.suite, resolved.split, most)

    def lab_of(self, model: str) -> Lab:
        """The lab of an encoder, as this session sees it. Raises: SpecError if it is not loaded."""
        added, session = self._session_checkpoints, self._session
        tasks = (*self._public.of_model(model), *added.tasks_of(session, model))
        return self._labs.get(model).with_own(added.of_model(session, model), tasks)

    def target_tasks(self, model: str) -> tuple[Task, ...]:
        """The tasks that a visitor's checkpoint of an encoder may have been fine-tuned on."""
        return self.lab_of(model).target_tasks()

    def use(self, model: str) -> None:
        """Record that the session uses an encoder, and the checkpoints that it has added."""
        self._labs.use(self._session, model)
        self._session_checkpoints.use(self._session)

    def add(self, lab: Lab) -> None:
        """Add a lab, in place of any earlier one of the same encoder."""
        self._labs.put(lab)

    # Loads from the Hub

    def load(self, request: PublicRequest) -> LoadJob:
        """Begin to load a public model, or join the load of it; once it has ended, a spec may name it."""
        return self._jobs.start(request, self._labs.find(request.model), self._session)

    def loading(self, model: str) -> LoadJob | None:
        """The newest load of an encoder, running or ended."""
        return self._jobs.of_model(model)

    def loads(self) -> tuple[LoadJob, ...]:
        """The newest load of each encoder, if it is running or this session asked for it."""
        return tuple(job for job in self._jobs.all() if not job.done or self._session in job.sessions)

    def stop_loading(self, model: str) -> bool:
        """Stop the load of an encoder unless other sessions have asked for it too; whether it was stopped."""
        return self._jobs.stop(model, self._session)

    def _loaded(self, lab: PublicLab, job: LoadJob) -> None:
        """Add a loaded lab; while other sessions use the earlier one, it keeps what that one has."""
        assert isinstance(lab, HubLab)
        earlier = self._labs.find(lab.info.key)
        if self._labs.sessions(lab.info.key) - job.sessions and isinstance(earlier, HubLab):
            lab = lab.extended_by(earlier)
        self._public.prepare(lab)
        self.add(lab)

    # Checkpoints that visitors add

    def take_file(
        self, model: str, task: str, path: Path, name: str, choose: str | None = None
    ) -> CheckpointInfo:
        """Import a visitor's checkpoint of a loaded encoder; a spec of the session may name it then.

        Raises: QuotaError if the session's quota is used up; SpecError, CheckpointError or LabError as
            ``visitor_checkpoint.from_file``; nothing is changed then.
        """
        return self._take(
            model, lambda lab, folder, left: own.from_file(lab, folder, task, path, name, choose)
        )

    def take_address(
        self, model: str, task: str, address: str, progress: Progress | None = None, choose: str | None = None
    ) -> CheckpointInfo:
        """The same from a repository of the Hub. The download stops when the session leaves.

        Args:
            progress: called with bytes done and in total, from the calling thread.
        Raises: as ``take_file``, and as ``visitor_checkpoint.from_hub``; Cancelled if the session has left.
        """
        return self._take(
            model, lambda lab, folder, left: own.from_hub(lab, folder, task, address, progress, left, choose)
        )

    def reports(self, model: str) -> dict[str, CheckpointReport]:
        """What is known of an encoder's checkpoints that were read from files, by key.

        Raises: SpecError if the encoder is not loaded.
        """
        lab = self.lab_of(model)
        imported = lab.loaded_checkpoints if isinstance(lab, HubLab) else lab.own_checkpoints()
        return {one.info.key: one.report for one in imported if one.report is not None}

    def token(self) -> str:
        """What a reloaded page has to say in ``resume``; empty if this session has added nothing."""
        return self._session_checkpoints.token(self._session)

    def resume(self, token: str) -> bool:
        """Give this session the checkpoints of an earlier page; whether they are still there."""
        return self._session_checkpoints.resume(self._session, token)

    def _take(self, model: str, read: Reader[LoadedCheckpoint]) -> CheckpointInfo:
        lab = self.lab_of(model)
        size = 4 * lab.encoder.layout.numel
        with self._session_checkpoints.reserve(self._session, size) as left:
            checkpoint = read(lab, self._session_checkpoints.folder(self._session), left)
            self._session_checkpoints.add(self._session, model, checkpoint, size)
        return checkpoint.info

    # Tasks that are added

    def add_public_task(self, title: str, path: Path) -> tuple[str, ...]:
        """Add labelled images for every visitor, before the first request. As ``PublicTasks.add``."""
        return self._public.add(title, path, tuple(self._embedded.values()))

    def own_tasks(self, model: str) -> tuple[OwnTask, ...]:
        """The tasks that the session has added for an encoder."""
        return self._session_checkpoints.tasks_of(self._session, model)

    def take_task(
        self,
        model: str,
        files: ImageSource,
        found: ListedImages,
        names: TaskNames,
        progress: Progress | None = None,
    ) -> ImportedTask:
        """Add a visitor's task to a loaded encoder: every evaluation of the session counts it from then on.

        Args:
            found: the images of ``files``.
            progress: called with images done and in total, from the calling thread.
        Raises: QuotaError if the session's quota is used up; TaskError or LabError as ``import_task``;
            Cancelled if the session has left; nothing is changed then.
        """

        def read(lab: Lab, folder: Path, left: threading.Event) -> ImportedTask:
            return import_task(lab, folder, files, found, names, progress, left)

        return self._take_task(model, read)

    def take_dataset(
        self,
        model: str,
        found: FoundDataset,
        image: str,
        label: str,
        names: TaskNames,
        progress: Progress | None = None,
    ) -> ImportedTask:
        """The same from a data set of the Hub. Args: as ``read_dataset``. Raises: also as that."""

        def read(lab: Lab, folder: Path, left: threading.Event) -> ImportedTask:
            subsets = read_dataset(found, image, label, names, lab.info.image_size, progress, left)
            return save_task(lab, folder, subsets, names)

        return self._take_task(model, read)

    def _take_task(self, model: str, read: Reader[ImportedTask]) -> ImportedTask:
        lab, added = self.lab_of(model), self._session_checkpoints
        with added.reserve(self._session, most_bytes(lab)) as left:
            imported = read(lab, added.folder(self._session), left)
            added.add(self._session, model, imported.task, imported.task.path.stat().st_size)
        return imported

    def drop_added(self, model: str, key: str) -> bool:
        """Delete a checkpoint of the session, or a task and its checkpoints; whether there was one."""
        return self._session_checkpoints.remove(self._session, model, key)

    def _drop(self, model: str, added: Added) -> None:
        """Drop what is loaded of a deleted checkpoint or task."""
        for drop in self.on_drop:
            drop(key_of(added))
        lab = self._labs.find(model)
        if lab is None:
            return
        if isinstance(added, OwnTask):
            lab.forget_task(added.task.key)
        else:
            lab.encoder.drop(added.info.key)

    # Sessions

    def leave(self, session: str) -> None:
        """End a session: delete the checkpoints that it has added, after a while if it may come back."""
        self._session_checkpoints.leave(session)
        self._jobs.leave(session)
        self._labs.leave(session)

    def expire(self) -> None:
        """Delete checkpoints that visitors have added and left, or not used for long."""
        self._session_checkpoints.expire()

    def close(self) -> None:
        """Stop all loads, delete what visitors have added."""
        self._jobs.close()
        self._session_checkpoints.close()
