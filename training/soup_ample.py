"""What LiNeS changes about soups, image by image on thousands of images; the lab ships a few hundred.

The effect of Table 4 is a few tenths of a point. On 224 validation images one image is 0.45 points.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.experiments.soup_search import AVERAGE, SOUP, soup_spec
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.specs.image_hits import Hits, TaskHits, plain_hits, read_hits
from evaluators.specs.merge_spec import MergeSpec
from lines_core.atomic_write import atomic_write
from lines_core.soups import greedy_soup
from training.tiny_clip_model import to_input
from training.world.draws import draw_split
from training.world.settings import SETTINGS, SHIFTS

VALIDATION = "objects-val"
TESTED = "objects-test"
SHIFTED = tuple(f"{shift}-test" for shift in SHIFTS)
IMAGES: Mapping[str, int] = {VALIDATION: 2_000, TESTED: 3_000, **dict.fromkeys(SHIFTED, 500)}
"""Images of each data set and split; the first are those that ship."""
BETAS = tuple(step / 10 for step in range(0, 11, 2))
SCALES = (1.0, 1.1, 1.2, 1.4)
FILE, LONG_FILE = "soups_ample.json", "soups_long.json"
CHUNK = 200


@dataclass(frozen=True)
class Images:
    """One data set: input (N, 3, 48, 48), labels (N,), and the class vectors (D, classes)."""

    inputs: Tensor
    labels: Tensor
    head: Tensor


def draw_images(encoder: TinyEncoder, workers: int) -> dict[str, Images]:
    """All data sets of ``IMAGES``."""
    clip, tokens = encoder.loaded.clip, encoder.loaded.tokenizer
    drawn = {}
    for name, count in IMAGES.items():
        key, _, split = name.rpartition("-")
        pixels, labels = map(torch.from_numpy, draw_split(key, split, count, workers))
        family = SETTINGS[key].family
        head = zero_shot_head(clip, tokens, [concept.name for concept in family.concepts], family.prompts)
        drawn[name] = Images(to_input(pixels), labels, head)
    return drawn


def named(encoder: TinyEncoder, images: Images) -> list[int]:
    """Classes that the live encoder gives to a data set."""
    found: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(images.labels), CHUNK):
            features = encoder.encode(images.inputs[start : start + CHUNK])
            found += (features @ images.head).argmax(dim=1).tolist()
    return found


@dataclass(frozen=True)
class SoupHits:
    """One soup and its variants.

    Args:
        members: keys of checkpoints.
        lines, scaled: by beta and by factor, hits by data set and split; beta 0 is the plain soup.
        shrinkage: norm of the mean residual over the mean norm of the members' residuals.
        cosine: mean cosine of two members' residuals.
    """

    members: tuple[str, ...]
    lines: Mapping[float, TaskHits]
    scaled: Mapping[float, TaskHits]
    shrinkage: float
    cosine: float


def soup_hits(encoder: TinyEncoder, images: Mapping[str, Images], members: Sequence[str]) -> SoupHits:
    """Every variant of one soup on all data sets."""
    merge = MergeSpec(tuple(members), AVERAGE)

    def hits(beta: float, scale: float) -> dict[str, Hits]:
        encoder.write_edit(merge, soup_spec(members, beta, scale).scales(encoder.layout.num_blocks))
        return {key: Hits.of(found.labels.tolist(), named(encoder, found)) for key, found in images.items()}

    residuals = torch.stack([encoder.residual(member) for member in members])
    unit = residuals / residuals.norm(dim=1, keepdim=True)
    others = float((unit @ unit.T).sum()) - len(members)
    lines = {beta: hits(beta, 1.0) for beta in BETAS}
    return SoupHits(
        members=tuple(members),
        lines=lines,
        scaled={scale: lines[0.0] if scale == 1 else hits(0.0, scale) for scale in SCALES},
        shrinkage=float(residuals.mean(dim=0).norm() / residuals.norm(dim=1).mean()),
        cosine=others / max(1, len(members) * (len(members) - 1)),
    )


def greedy_members(
    encoder: TinyEncoder, images: Mapping[str, Images], members: Sequence[str]
) -> tuple[str, ...]:
    """The greedy selection on the drawn validation images."""
    validation = images[VALIDATION]
    truth = validation.labels.tolist()

    def score(soup: Sequence[str]) -> float:
        encoder.write_edit(MergeSpec(tuple(soup), AVERAGE), soup_spec(soup).scales(encoder.layout.num_blocks))
        return Hits.of(truth, named(encoder, validation)).correct / len(truth)

    return greedy_soup(members, {member: score([member]) for member in members}, score).members


def measure_ample_soups(lab: Path, path: Path, workers: int) -> Iterator[str]:
    """Write the uniform and the greedy soup of all members in a lab's folder to ``path``."""
    encoder = TinyEncoder(lab / "tiny_clip", torch.device("cpu"), torch.float32)
    images = draw_images(encoder, workers)
    files = sorted((lab / "tiny_clip" / "compared").glob(f"{SOUP}-*.safetensors"))
    members = tuple(file.stem for file in files)
    soups = {"uniform": soup_hits(encoder, images, members)}
    yield f"uniform: {len(members)} members, cosine {soups['uniform'].cosine:.2f}"
    chosen = greedy_members(encoder, images, members)
    soups["greedy"] = soup_hits(encoder, images, chosen)
    yield f"greedy: {len(chosen)} members, cosine {soups['greedy'].cosine:.2f}"
    save_soups(path, soups)


def save_soups(path: Path, soups: Mapping[str, SoupHits]) -> None:
    """Write some soups, by name."""
    plain = {
        name: {
            "members": soup.members,
            "lines": {f"{beta:g}": plain_hits(hits) for beta, hits in soup.lines.items()},
            "scaled": {f"{scale:g}": plain_hits(hits) for scale, hits in soup.scaled.items()},
            "shrinkage": soup.shrinkage,
            "cosine": soup.cosine,
        }
        for name, soup in soups.items()
    }
    text = json.dumps(plain, separators=(",", ":")) + "\n"
    atomic_write(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_soups(path: Path) -> dict[str, SoupHits]:
    """Inverse of ``save_soups``."""
    return {
        name: SoupHits(
            tuple(entry["members"]),
            {float(beta): read_hits(hits) for beta, hits in entry["lines"].items()},
            {float(scale): read_hits(hits) for scale, hits in entry["scaled"].items()},
            entry["shrinkage"],
            entry["cosine"],
        )
        for name, entry in json.loads(path.read_text(encoding="utf-8")).items()
    }
