"""Loader of a public T5 with its questions and checkpoints, step by step, with progress and cancellation."""

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from evaluators.encoder.t5_folder import T5_CONFIG, T5_TOKENIZER, T5Files
from evaluators.errors import Cancelled, LabError
from evaluators.hub.images.preparation_files import name_of
from evaluators.hub.load_request import ENCODER, LEAST_TASKS
from evaluators.hub.load_steps import Report, StepReport, optional, reported
from evaluators.hub.texts.glue_questions import GlueQuestions, glue_questions
from evaluators.hub.texts.hub_t5 import HubT5, T5Importer, most_bytes
from evaluators.hub.texts.hub_text_lab import HubTextLab, LoadedQuestions, as_language_task
from evaluators.hub.texts.t5_repository import fetch_weights
from evaluators.hub.texts.text_request import MERGES, TextLoadRequest
from evaluators.hub.transfer.repository_files import fetch
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.text_lab import TEXT_METHODS
from evaluators.specs.edit_spec import SPLITS
from evaluators.specs.merge_spec import MergeSpec
from evaluators.zoo.public_texts import GLUE_TASKS, TEXT_MODELS, GlueTask, TextModel
from lines_core.atomic_write import atomic_write
from lines_core.merging import METHODS

VERSION = 1
_LOG = logging.getLogger(__name__)


class TextLoader:
    """Loads text labs of the Hub into a cache folder.

    Args:
        cache: for questions, residuals and alphas. Downloads lie in the Hub's own cache.
        device: that models run on.
    """

    def __init__(self, cache: Path, device: torch.device) -> None:
        self.cache = cache
        self.device = device

    def load(
        self,
        request: TextLoadRequest,
        report: Report,
        stop: threading.Event,
        earlier: HubTextLab | None = None,
    ) -> HubTextLab:
        """The lab of a model, without the tasks and checkpoints whose steps have failed.

        What an earlier lab of the same weights has besides is kept.

        Args, Raises: as ``Loader.load``.
        """
        row = TEXT_MODELS[request.model]
        steps = {step.key: step for step in request.steps}
        with reported(steps[ENCODER], report) as step:
            live = self._model(row, step, stop, earlier)
        importer = T5Importer(live, self.cache / "residuals")
        tasks: list[LoadedQuestions] = []
        checkpoints: list[LoadedCheckpoint] = []
        for key in request.tasks:
            with optional(), reported(steps[key], report) as step:
                task = GLUE_TASKS[key]
                splits = self._questions(task, request.questions, step, stop)
                tasks.append(LoadedQuestions(as_language_task(task), splits))
                step.result = " and ".join(
                    f"{len(splits[split].questions)} {what} questions"
                    for split, what in (("test", "test"), ("val", "validation"))
                )
                step.phase("checkpoint", "bytes")
                checkpoints.append(importer.of_task(task, step.count, stop))
        if len(tasks) < LEAST_TASKS or not checkpoints:
            raise LabError(
                f"Of {row.title}, {len(tasks)} tasks and {len(checkpoints)} checkpoints could be loaded; it "
                "takes two tasks and a checkpoint of one to compare. The steps above say what went wrong."
            )
        if earlier is not None and earlier.live is live:  # others may be using it
            tasks += [one for one in earlier.loaded if one.task.key not in {task.task.key for task in tasks}]
            known = {one.info.key for one in checkpoints}
            checkpoints += [one for one in earlier.loaded_checkpoints if one.info.key not in known]
        alphas: Mapping[str, float] = {}
        with optional(), reported(steps[MERGES], report) as step:
            alphas = self._alphas(live, checkpoints, step, stop)
            step.result = ", ".join(
                f"{METHODS[method].title} {alpha:.3g}" for method, alpha in alphas.items()
            )
        return HubTextLab(live, tasks, checkpoints, alphas)

    def _model(
        self, row: TextModel, step: StepReport, stop: threading.Event, earlier: HubTextLab | None
    ) -> HubT5:
        step.phase("weights", "bytes")
        weights = fetch_weights(row.repo, row.revision, step.count, stop, most_bytes(row))
        config, tokenizer = (
            fetch(row.repo, name, revision=weights.commit, stop=stop, most_bytes=64 << 20).path
            for name in (T5_CONFIG, T5_TOKENIZER)
        )
        if earlier is not None and earlier.live.identity == weights.identity:
            return earlier.live
        step.phase("opening")
        files = T5Files(config, weights.path, tokenizer)
        return HubT5(row, files, weights.identity, self.device, self.cache / "pace")

    def _questions(
        self, task: GlueTask, count: int, step: StepReport, stop: threading.Event
    ) -> dict[str, GlueQuestions]:
        step.phase("questions", "bytes")
        cache = self.cache / "questions"
        return {split: glue_questions(task, split, count, cache, step.count, stop) for split in SPLITS}

    def _alphas(
        self, live: HubT5, checkpoints: Sequence[LoadedCheckpoint], step: StepReport, stop: threading.Event
    ) -> Mapping[str, float]:
        """Eq. 2's alpha of the merge of all, by method: from the cache, or a merge of each method."""

        def check() -> None:
            if stop.is_set():
                raise Cancelled("The load was stopped while checkpoints were merged.")

        for one in checkpoints:
            live.residual_paths[one.info.key] = one.residual
        keys = tuple(one.info.key for one in checkpoints)
        name = name_of(VERSION, TEXT_METHODS, *(one.identity for one in checkpoints))
        path = self.cache / "alphas" / f"{live.row.key}-{name}.json"
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            return {method: float(known[method]) for method in TEXT_METHODS}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, LookupError) as error:
            _LOG.warning("The alphas in %s cannot be read (%r): they are computed again.", path, error)
        found = {}
        for done, method in enumerate(TEXT_METHODS):
            step.phase("merging", "methods")
            step.count(done, len(TEXT_METHODS))
            found[method] = live.merging_alpha(MergeSpec(keys, method), check).alpha
        try:
            atomic_write(path, lambda part: part.write_text(json.dumps(found), encoding="utf-8"))
        except OSError as error:
            _LOG.warning("The alphas could not be kept in %s: %s", path.parent, error)
        return found
