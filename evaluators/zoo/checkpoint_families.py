"""Families of public checkpoints, and the files of their checkpoints.

Most have one checkpoint for each encoder and task; model soups have many of one task.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from evaluators.errors import HubError
from evaluators.zoo.public_encoders import Encoder
from evaluators.zoo.public_tasks import IMAGENET, TABLE1, TASKS, HubTask


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face Hub.

    Attributes:
        repo, kind, revision: as huggingface_hub takes them; kind is ``"model"``.
        pattern_path: path in the repository, whose case may differ: see `find_ignoring_case`.
    """

    repo: str
    kind: str
    revision: str
    pattern_path: str


@dataclass(frozen=True)
class CheckpointFamily:
    """Checkpoints of one publication, all fine-tuned by one procedure.

    Attributes:
        key: identifier.
        title: name on the page.
        source: publisher, address and licence.
        training: the fine-tuning procedure.
        repo, path: of a checkpoint, with ``{model}`` and ``{task}`` in the family's spelling.
        models: the family's spelling of encoders, by key; other encoders have no checkpoints.
        tasks: the family's spelling of tasks, by key.
        another_task: reason by key, where the checkpoint was fine-tuned on another task than the one in
            `TASKS`, so that its accuracies cannot be compared.
        revision: branch, tag or commit.
        suite: of its tasks.
        members: names of the checkpoints of the only task; empty if there is one checkpoint for each task.
        suggested: members to load first, best first.
        url: of a member outside the Hub, with ``{member}``.
        megabytes: of a member's file, in 10**6 bytes.
    """

    key: str
    title: str
    source: str
    training: str
    models: Mapping[str, str]
    tasks: Mapping[str, str]
    repo: str = ""
    path: str = ""
    another_task: Mapping[str, str] = field(default_factory=dict)
    revision: str = "main"
    suite: str = TABLE1
    members: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()
    url: str = ""
    megabytes: int = 0

    @property
    def target(self) -> str:
        """Key of the task that all members were fine-tuned on; empty for a family without members."""
        return next(iter(self.tasks)) if self.members else ""

    def hub_file(self, encoder: Encoder, task: HubTask) -> HubFile:
        """File of the checkpoint that was fine-tuned from `encoder` on `task`.

        Raises: HubError if the family has none.

        >>> from evaluators.zoo import ENCODERS, TASKS
        >>> FAMILIES["fusion-bench"].hub_file(ENCODERS["ViT-B-32"], TASKS["rendered_sst2"]).repo
        'tanganke/clip-vit-base-patch32_rendered-sst2'
        """
        for known, key in ((self.models, encoder.key), (self.tasks, task.key)):
            if key not in known:
                raise HubError(f"{self.title} has no checkpoint for {key}, only for {', '.join(known)}.")
        if self.members:
            raise HubError(f"{self.title} has {len(self.members)} checkpoints for {task.key}: name a member.")
        spelling = {"model": self.models[encoder.key], "task": self.tasks[task.key]}
        return HubFile(self.repo.format(**spelling), "model", self.revision, self.path.format(**spelling))

    def member_url(self, encoder: Encoder, member: str) -> str:
        """URL of a member that was fine-tuned from `encoder`.

        Raises: HubError if the family has no such member.

        >>> from evaluators.zoo import ENCODERS
        >>> FAMILIES["model-soups"].member_url(ENCODERS["ViT-B-32"], "model_43")
        'https://github.com/mlfoundations/model-soups/releases/download/v0.0.2/model_43.pt'
        """
        if encoder.key not in self.models:
            raise HubError(
                f"{self.title} has no checkpoint for {encoder.key}, only for {', '.join(self.models)}."
            )
        if member not in self.members:
            known = f"{self.members[0]} to {self.members[-1]}" if self.members else "one for each task"
            raise HubError(f"{self.title} has no member {member!r}, but {known}.")
        return self.url.format(member=member)


_TWENTY = [task for task in TASKS.values() if task.suite == TABLE1]
_WITH_DASHES = {
    "stanford_cars": "stanford-cars",
    "oxford_iiit_pet": "oxford-iiit-pet",
    "rendered_sst2": "rendered-sst2",
}
_ROWS = (
    CheckpointFamily(
        key="tall-masks",
        title="TALL masks (the paper's own)",
        source="nik-dim/tall_masks on the Hub, MIT; used by wang-kee/LiNeS",
        training="Image tower of open_clip with the text heads frozen: AdamW with weight decay 0.1, learning "
        "rate 1e-5, batches of 128, 500 steps of warm-up, cosine; 1 to 147 epochs by task. A tenth of the "
        "training split, at most 5,000 images, was kept for validation.",
        repo="nik-dim/tall_masks",
        path="single_task/{model}/{task}Val/nonlinear_finetuned.pt",
        models={"ViT-B-32": "ViT-B-32", "ViT-B-16": "ViT-B-16", "ViT-L-14": "ViT-L-14"},
        tasks={task.key: task.title for task in _TWENTY},
        another_task={"emnist_letters": "fine-tuned on EMNIST digits, not letters"},
    ),
    CheckpointFamily(
        key="fusion-bench",
        title="FusionBench",
        source="tanganke/clip-vit-* on the Hub; tanganke/fusion_bench 54c9e8c, config/model/clip-vit",
        training="Image tower of transformers with projection and text heads frozen: Adam, learning rate "
        "1e-5, 4,000 steps of 32 images of the training split.",
        repo="tanganke/{model}_{task}",
        path="model.safetensors",
        models={
            "ViT-B-32": "clip-vit-base-patch32",
            "ViT-B-16": "clip-vit-base-patch16",
            "ViT-L-14": "clip-vit-large-patch14",
        },
        tasks={task.key: _WITH_DASHES.get(task.key, task.key) for task in _TWENTY},
    ),
    CheckpointFamily(
        key="model-soups",
        title="Model soups (ImageNet)",
        source="mlfoundations/model-soups d5398f1 on GitHub, release v0.0.2, MIT",
        training="Image tower and an ImageNet head together, from a linear probe: 72 runs that differ in "
        "learning rate, weight decay, epochs, augmentation, label smoothing and seed. model_0 is the linear "
        "probe that they began from.",
        models={"ViT-B-32": "ViT-B-32"},
        tasks={"imagenet": "ImageNet"},
        suite=IMAGENET,
        members=tuple(f"model_{number}" for number in range(72)),
        # by accuracy on 2 % of the training set, which greedy soups go by
        suggested=tuple(f"model_{number}" for number in (43, 44, 69, 48, 63, 27, 34, 60, 54, 70)),
        url="https://github.com/mlfoundations/model-soups/releases/download/v0.0.2/{member}.pt",
        megabytes=456,
    ),
)

FAMILIES: Mapping[str, CheckpointFamily] = MappingProxyType({family.key: family for family in _ROWS})
"""By key."""


def find_ignoring_case(wanted: str, listed: Iterable[str]) -> str | None:
    """The listed path that equals the wanted one up to case, the exact one first; None if there is none.

    A repository spells one folder ``VIT-B-16`` where everything else has ``ViT-B-16``.

    Raises: HubError if none is exact and several differ by case only.

    >>> find_ignoring_case("single_task/ViT-B-16/a.pt", ["README.md", "single_task/VIT-B-16/a.pt"])
    'single_task/VIT-B-16/a.pt'
    """
    found = sorted({path for path in listed if path.casefold() == wanted.casefold()})
    if wanted in found:
        return wanted
    if len(found) > 1:
        raise HubError(
            f"{wanted} could be any of {', '.join(found)}: give the exact path of the one you want."
        )
    return found[0] if found else None
