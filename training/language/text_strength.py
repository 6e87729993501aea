"""Why LiNeS helps merges of the text model or not: after gentle fine-tuning, and after strong fine-tuning."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from evaluators.data.task_list import LANGUAGE
from evaluators.encoder.residual_cache import never_cancel
from evaluators.encoder.t5_folder import T5_CONFIG, T5_TOKENIZER, T5_WEIGHTS
from evaluators.engine.counting import count_chunk
from evaluators.experiments.merge_search import Coefficients, MergeConfig, Score, best_of
from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TINY_T5, TinyTextLab, finetuned_path
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import TARGET, TaskResult
from lines_core.atomic_write import atomic_write
from lines_core.merging import METHODS
from training.language.tasks import TEXT_TASKS
from training.language.text_assets import finetune_text_task
from training.language.text_finetuning import STRONG

FILE = "text_strength.json"
PARTS = ("decoder", "encoder", "both")
SHARES = (1.0, 0.5, 0.0)
"""Alphas, as shares of Eq. 2's."""
BETAS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
VALIDATION = 60
"""Questions of each task that coefficients are chosen by."""
CHUNK = 420
METHOD = "sum"


@dataclass(frozen=True)
class StrengthRow:
    """A merge by task arithmetic with the coefficients that validation chose.

    Args:
        part: that LiNeS scales; empty for the plain merge.
        alpha, beta: the coefficients; of the plain merge lambda and 0.
        share: alpha as a share of Eq. 2's; nothing of the plain merge.
        tasks: results on test.
    """

    part: str
    share: float
    alpha: float
    beta: float
    tasks: Sequence[TaskResult]

    @property
    def score(self) -> Score:
        """The results together."""
        return Score(tuple(self.tasks), "test")


@dataclass(frozen=True)
class Strength:
    """One set of checkpoints.

    Args:
        change: mean norm of the residuals as a share of the pre-trained weights' norm.
        finetuned: results of each checkpoint on its own task, on test.
        rows: the plain merge first.
    """

    name: str
    change: float
    alpha: float
    finetuned: Sequence[TaskResult]
    rows: Sequence[StrengthRow]


class KeptCounts:
    """Counts of merged models on their tasks; those counted before are kept in a file."""

    def __init__(self, lab: TinyTextLab, path: Path) -> None:
        self._lab = lab
        self._path = path
        self._known: dict[str, list[list[int]]] = json.loads(path.read_text()) if path.exists() else {}

    def score(self, spec: EditSpec) -> Score:
        """On the tasks that the spec names."""
        lab = self._lab
        if spec.key() not in self._known:
            resolved = lab.resolve(spec)
            batches = lab.batches(resolved.suite, resolved.split)
            chunks = list(batches.chunks(resolved.images))
            counted = [count_chunk(lab, resolved, batches, chunk, ()).correct for chunk in chunks]
            seen = [[0] * len(counted[0]) for _ in chunks]
            for row, chunk in zip(seen, chunks, strict=True):
                for part in chunk.parts:
                    row[part.task] += part.stop - part.start
            self._known[spec.key()] = [[*map(sum, zip(*table, strict=True))] for table in (counted, seen)]
            text = json.dumps(self._known)
            atomic_write(self._path, lambda part: part.write_text(text, encoding="utf-8"))
        right, seen_in_all = self._known[spec.key()]
        return Score(
            tuple(
                TaskResult(task.key, task.title, TARGET, right[place], seen_in_all[place])
                for place, task in enumerate(lab.tasks(LANGUAGE))
                if task.key in spec.sources
            ),
            spec.split,
        )


def measure_strength(assets: Path, work: Path) -> Iterator[str]:
    """Write ``report/text_strength.json``; yields lines of progress.

    Cost: of the strong checkpoints, where ``work`` has none, four minutes of a core, and of counting two.
    """
    torch.set_num_threads(1)
    strong = work / "strong"
    yield from _strong_checkpoints(assets / TEXT_FOLDER, strong)
    found = []
    for name, folder in (("gentle", assets / TEXT_FOLDER), ("strong", strong)):
        lab = TinyTextLab(folder, torch.device("cpu"), torch.float32, CHUNK)
        found.append(_strength(name, lab, work))
        yield f"{name}: {found[-1]}"
    text = json.dumps([asdict(one) for one in found], separators=(",", ":")) + "\n"
    atomic_write(assets / "report" / FILE, lambda part: part.write_text(text, encoding="utf-8"))


def read_strength(path: Path) -> list[Strength]:
    """What `measure_strength` wrote; nothing if there is no file."""
    plain: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [
        Strength(
            **one
            | {
                "finetuned": [TaskResult(**task) for task in one["finetuned"]],
                "rows": [
                    StrengthRow(**row | {"tasks": [TaskResult(**task) for task in row["tasks"]]})
                    for row in one["rows"]
                ],
            }
        )
        for one in plain
    ]


def _strong_checkpoints(shipped: Path, folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (T5_CONFIG, T5_WEIGHTS, T5_TOKENIZER, "tasks.json"):
        shutil.copy(shipped / name, folder / name)
    shutil.copytree(shipped / "questions", folder / "questions", dirs_exist_ok=True)
    for task in TEXT_TASKS.values():
        if finetuned_path(shipped, task.key).exists() and not finetuned_path(folder, task.key).exists():
            yield from finetune_text_task(folder, task, STRONG)


def _strength(name: str, lab: TinyTextLab, work: Path) -> Strength:
    keys = tuple(one.key for one in lab.checkpoints())
    counts = KeptCounts(lab, work / f"strength_{name}.json")
    merge = MergeConfig(keys, METHOD).merges[0]
    alpha = lab.merging_alpha(merge, never_cancel, None).alpha
    weights = lab.t5.layout.flatten(lab.t5.pretrained()).norm()
    norms = [lab.t5.residuals.get(key).norm() for key in keys]

    def chosen(part: str, share: float, candidates: Sequence[Coefficients]) -> StrengthRow:
        config = MergeConfig(keys, METHOD, model=TINY_T5, part=part or "decoder")
        finetuned = _own(counts, config, "val", VALIDATION)
        scores: Mapping[Coefficients, Score] = {
            one: counts.score(*config.specs(*one, split="val", images=VALIDATION)) for one in candidates
        }
        best = best_of(scores, finetuned)
        return StrengthRow(part, share, *best, counts.score(*config.specs(*best, images=0)).tasks)

    rows = [chosen("", 1.0, [(scale, 0.0) for scale in METHODS[METHOD].grid])]
    for part in PARTS:
        rows += [chosen(part, share, [(share * alpha, beta) for beta in BETAS]) for share in SHARES]
    own = _own(counts, MergeConfig(keys, METHOD, model=TINY_T5), "test", 0)
    return Strength(name, float(sum(norms) / len(norms) / weights), alpha, own.tasks, rows)


def _own(counts: KeptCounts, config: MergeConfig, split: str, images: int) -> Score:
    """Each checkpoint on its own task."""
    alone = [counts.score(spec) for spec in config.finetuned(split, images)]
    return Score(tuple(task for one in alone for task in one.tasks), split)
