"""A whole lab in small, for the real loaders: a CLIP of 4 blocks, random, and its "finetuned" twins."""

import gzip
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

import tests.hub.environment  # noqa: F401 - first of all: it says where the Hub is, and that is read only once
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.service.studio import Studio
from lines_core.packed import pack_four_bit, pack_low_rank, save_packed

MERGES = 300
MODEL: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 24,
        "patch_size": 8,
        "width": 32,
        "layers": 4,
        "head_width": 8,
        "mlp_ratio": 2.0,
    },
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 512 + MERGES + 2,
        "width": 16,
        "heads": 2,
        "layers": 2,
    },
}
CONFIG = {"model_cfg": MODEL, "preprocess_cfg": {"mean": [0.5, 0.4, 0.6], "std": [0.5, 0.25, 0.3]}}
TASKS = (
    ("digits", "tasks", ("zero", "one", "two", "three")),
    ("textures", "tasks", ("striped", "dotted", "woven")),
    ("faces", "tasks", ("glad", "sad")),
    ("objects", "objects", ("cup", "chair", "tree", "key", "hat")),
    ("objects_sketch", "objects", ("cup", "chair", "tree", "key", "hat")),
)
MEMBERS = ("soup-00", "soup-01", "soup-02")
IMAGES = {"val": 24, "test": 42}
CHUNK = 12
"""Images a chunk over the three tasks: 4 a task, so that 42 images end in a chunk of 2."""


def make_lab(folder: Path, seed: int = 0) -> Path:
    """Write a lab in the layout of ``assets/``; another seed gives other weights and other images."""
    open_clip = import_open_clip()
    model_folder = folder / "tiny_clip"
    (model_folder / "finetuned").mkdir(parents=True)
    (folder / "eval").mkdir()
    (model_folder / "open_clip_config.json").write_text(json.dumps(CONFIG))
    with gzip.open(Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz"), "rt") as lines:
        merges = [next(lines) for _ in range(1 + MERGES)]
    with gzip.open(model_folder / "bpe_merges.txt.gz", "wt") as stream:
        stream.write("".join(merges).rstrip("\n"))

    torch.manual_seed(seed)
    clip = open_clip.model.CLIP(**MODEL)
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        # A random tower gives every image nearly the same feature, so no edit would change an answer:
        # move the mean out of the way.
        images = np.stack([noisy(label, generator, 24) for label in range(4) for _ in range(8)])
        mean = clip.encode_image(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1).mean(dim=0)
        clip.visual.ln_post.bias -= mean @ torch.linalg.pinv(clip.visual.proj)
    pretrained = {name: value.detach().half() for name, value in clip.state_dict().items()}
    save_file(pretrained, model_folder / "open_clip_model.safetensors")
    for key in ("digits", "faces", "objects"):
        finetuned = {
            name: (value + 0.3 * value.float().std().nan_to_num(0.1) * torch.randn(value.shape)).half()
            for name, value in pretrained.items()
            if name.startswith("visual.")
        }
        save_file(finetuned, model_folder / "finetuned" / f"{key}.safetensors")

    make_compared(model_folder / "compared", pretrained)

    entries = []
    for key, suite, classes in TASKS:
        entries.append(
            {
                "key": key,
                "title": key.replace("_", " ").capitalize(),
                "suite": suite,
                "classes": classes,
                "prompts": ["an image of a {}.", "a drawing of the {}."],
                "blurb": f"Random images called {key}.",
                "mirrors": "nothing",
            }
        )
        for split in ("test",) if key == "objects_sketch" else ("val", "test"):
            write_images(folder / "eval" / f"{key}-{split}.parquet", classes, IMAGES[split], generator)
    (folder / "eval" / "tasks.json").write_text(json.dumps({"tasks": entries}))
    return folder


def make_compared(folder: Path, pretrained: dict[str, torch.Tensor]) -> None:
    """Two ways of fine-tuning and three members of a soup as packed residuals, and gammas tuned for them."""
    folder.mkdir()
    variants = [
        {"key": "halfft", "kind": "rates", "title": "HalfFT", "help": "Half of it is frozen."},
        {"key": "lora-1", "kind": "lora", "title": "LoRA, rank 1", "help": "A small update."},
        *({"key": key, "kind": "soup", "title": f"Member {key[-1]}", "help": "Drawn."} for key in MEMBERS),
    ]
    (folder / "variants.json").write_text(json.dumps(variants))
    keys = [f"{variant}.{task}" for variant in ("halfft", "lora-1") for task in ("digits", "faces")]
    gammas = dict.fromkeys((*keys, "digits", "faces"), 0.5)
    (folder / "gammas.json").write_text(json.dumps(gammas))
    for key in (*keys, *(f"{member}.objects" for member in MEMBERS)):
        packed: dict[str, torch.Tensor] = {}
        for name, value in pretrained.items():
            if not name.startswith("visual.transformer.resblocks.") or value.ndim < 2:
                continue
            spread = 0.3 * float(value.float().std())
            if key.startswith("lora"):
                packed |= pack_low_rank(
                    name, spread * torch.randn(len(value), 1), torch.randn(1, value.shape[1])
                )
            else:
                packed |= pack_four_bit(name, spread * torch.randn(value.shape))
        save_packed(folder / f"{key}.safetensors", packed, {})


def write_images(
    path: Path, classes: tuple[str, ...], count: int, generator: np.random.Generator, size: int = 24
) -> None:
    """A parquet file of noise around one colour a class, as lossless WebP."""
    import datasets

    images, labels = [], []
    for number in range(count):
        label = number % len(classes)
        image = Image.fromarray(noisy(label, generator, size))
        packed = io.BytesIO()
        image.save(packed, "WEBP", lossless=True)
        images.append({"bytes": packed.getvalue(), "path": None})
        labels.append(label)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(classes))}
    )
    datasets.Dataset.from_dict({"image": images, "label": labels}, features=features).to_parquet(path)


def noisy(label: int, generator: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """Noise around the colour of a class, shape (size, size, 3)."""
    colour = np.array([60 + 40 * label, 220 - 40 * label, 120])
    return (colour + generator.normal(0, 45, (size, size, 3))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small lab. Shared by all tests: read only."""
    return make_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def both_labs(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small lab with a small ConvNeXt. Shared by all tests: read only."""
    from tests.convnext_lab import add_convnext

    return add_convnext(Path(shutil.copytree(lab, tmp_path_factory.mktemp("both") / "lab")))


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """Two threads gain nothing on encoders this small, and wait for each other on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def torch_threads() -> Iterator[Callable[[int], None]]:
    """Sets on how many threads torch computes; after the test it is as before."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def studio(lab: Path) -> Studio:
    """A studio that has measured nothing yet and keeps nothing on disk."""
    return Studio(lab, cache=None, chunk=CHUNK)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests run last: their driver keeps an event loop running, beside which no page can be built."""
    items.sort(key=lambda item: "tests/browser/" in item.path.as_posix())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """`make test` is two runs, and one of them may hold none of the tests that were asked for."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.markexpr:
        session.exitstatus = pytest.ExitCode.OK
