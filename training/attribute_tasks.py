"""Further questions about the images that ship, for merges of 14 and 20 tasks: what each could add.

The drawing code knows what else an image shows: colour, place, season, neighbours. A question about it is a
task with other classes over the same images, so that no image is added. Labels come from the same draws.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.specs.image_hits import Hits
from lines_core.atomic_write import atomic_write
from training.evaluation_sets import images_in
from training.tiny_clip_model import to_input
from training.world.draws import draw_split, stream
from training.world.palette import PALETTE
from training.world.settings import SETTINGS

FILE = "attributes.json"
LEAST_IMAGES = 150
ROOM = 0.85
"""Test images that must show the attribute, and the share of them that zero-shot may know."""
PROBE_IMAGES = 1_500
RIDGE = 1e-4


@dataclass(frozen=True)
class AttributeTask:
    """A question about an attribute.

    Args:
        key: of the task.
        images: the data set whose images it asks about.
        prompts: zero-shot templates with one ``{}`` for the class name.
        classes: class name by the caption fragment that says so; several fragments may share a class.
        blurb: what it asks for.
    """

    key: str
    images: str
    prompts: tuple[str, ...]
    classes: Mapping[str, str]
    blurb: str

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in label order."""
        return tuple(dict.fromkeys(self.classes.values()))

    def label(self, index: int, split: str = "test") -> int | None:
        """Of one image; None if it does not show the attribute."""
        setting = SETTINGS[self.images]
        drawn = setting.draw(index % len(setting.family.concepts), stream(split, self.images, index))
        shown = [self.classes[detail] for detail in drawn.details if detail in self.classes]
        return self.names.index(shown[0]) if shown else None


def _coloured(form: str) -> dict[str, str]:
    return {form.format(colour): colour for colour in PALETTE}


def _same(*fragments: str) -> dict[str, str]:
    return {fragment: fragment for fragment in fragments}


ATTRIBUTE_TASKS: tuple[AttributeTask, ...] = (
    AttributeTask(
        "vehicle_colours",
        "vehicles",
        ("a photo of a {} vehicle",),
        _coloured("{}"),
        "The colour of a vehicle.",
    ),
    AttributeTask(
        "vehicle_places",
        "vehicles",
        ("a photo of a vehicle {}",),
        _same(
            "in front of a road",
            "in a meadow",
            "by the sea",
            "in front of a blue sky",
            "in front of a grey sky",
        ),
        "What is behind a vehicle.",
    ),
    AttributeTask(
        "seasons",
        "satellite",
        ("a satellite image of land {}",),
        _same("in summer", "in a dry season", "in autumn", "in winter"),
        "The season in a satellite image.",
    ),
    AttributeTask(
        "sign_surroundings",
        "traffic_signs",
        ("a photo of a traffic sign {}",),
        _same("in a street", "in front of green leaves", "in front of a blue sky", "in front of a grey sky"),
        "What is behind a traffic sign.",
    ),
    AttributeTask(
        "neighbours",
        "street_numbers",
        ("a photo of a digit {}",),
        _same("beside another digit", "between other digits", "alone"),
        "What stands beside a digit.",
    ),
    AttributeTask(
        "number_colours",
        "street_numbers",
        ("a photo of a digit in {}",),
        _coloured("in {}"),
        "The colour of a house number.",
    ),
    AttributeTask(
        "object_colours",
        "objects",
        ("a photo of a {} thing",),
        _coloured("{}"),
        "The colour of an everyday thing.",
    ),
    AttributeTask(
        "object_grounds",
        "objects",
        ("a photo of a thing on a {} background",),
        _coloured("on a {} background"),
        "The colour behind an everyday thing.",
    ),
    AttributeTask(
        "object_sizes",
        "objects",
        ("a photo of a {} thing",),
        _same("large", "small"),
        "Whether an everyday thing is large or small.",
    ),
    AttributeTask(
        "ink_colours", "digits", ("a digit in {}",), _coloured("in {}"), "The colour of a handwritten digit."
    ),
    AttributeTask(
        "pen_widths",
        "digits",
        ("a digit {}",),
        _same("with a thick pen", "with a thin pen"),
        "Whether a digit was written with a thick pen.",
    ),
    AttributeTask(
        "sign_weather",
        "traffic_signs",
        ("a photo of a traffic sign {}",),
        _same("far away", "at dusk", "in the rain"),
        "How far away or in which weather a traffic sign is.",
    ),
)


@dataclass(frozen=True)
class Room:
    """What a task could add.

    Args:
        classes: number of classes.
        images: test images that show the attribute.
        correct: of them that the pre-trained model names correctly.
        probed: of them that a linear classifier on its features names correctly, fitted on training images.
    """

    key: str
    source: str
    classes: int
    images: int
    correct: int
    probed: int

    @property
    def usable(self) -> bool:
        """Enough images, and something left to learn."""
        return self.images >= LEAST_IMAGES and self.correct <= ROOM * self.images


def shown(task: AttributeTask, split: str, count: int, workers: int) -> tuple[Tensor, list[int]]:
    """Input of those of the first images of a split that show the attribute, and their labels."""
    pixels, _ = draw_split(task.images, split, count, workers)
    labels = {index: label for index in range(count) if (label := task.label(index, split)) is not None}
    return to_input(torch.from_numpy(pixels[list(labels)])), list(labels.values())


def linear_probe(features: Tensor, labels: Sequence[int], classes: int) -> Tensor:
    """Class vectors (D + 1, classes) by ridge regression on one-hot labels, the last row for the constant."""
    inputs = torch.cat([features, torch.ones(len(features), 1)], dim=1).double()
    targets = torch.nn.functional.one_hot(torch.tensor(labels), classes).double()
    penalty = RIDGE * len(features) * torch.eye(inputs.shape[1], dtype=torch.float64)
    solved: Tensor = torch.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ targets)
    return solved.float()


def measure_attributes(assets: Path, workers: int) -> Iterator[str]:
    """Write ``report/attributes.json``."""
    encoder = TinyEncoder(assets / "tiny_clip", torch.device("cpu"), torch.float32)
    clip, tokens = encoder.loaded.clip, encoder.loaded.tokenizer
    rooms = []
    for task in ATTRIBUTE_TASKS:
        count = images_in(SETTINGS[task.images], "test")
        inputs, truth = shown(task, "test", count, workers)
        taught, labels = shown(task, "train", PROBE_IMAGES, workers)
        with torch.inference_mode():
            features = encoder.encode(inputs)
            head = zero_shot_head(clip, tokens, task.names, task.prompts)
            probe = linear_probe(encoder.encode(taught), labels, len(task.names))
            named = (features @ head).argmax(dim=1).tolist()
            probed = (features @ probe[:-1] + probe[-1]).argmax(dim=1).tolist()
        right = (Hits.of(truth, classes).correct for classes in (named, probed))
        rooms.append(Room(task.key, task.images, len(task.names), len(truth), *right))
        yield f"{task.key}: {rooms[-1].correct} and {rooms[-1].probed} of {len(truth)} images"
    text = json.dumps([asdict(room) for room in rooms], indent=1) + "\n"
    atomic_write(assets / "report" / FILE, lambda part: part.write_text(text, encoding="utf-8"))


def read_attributes(path: Path) -> list[Room]:
    """What ``measure_attributes`` wrote."""
    return [Room(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
