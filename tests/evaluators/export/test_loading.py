"""The exported folder as other programs load it, each in the way that its users do.

The snippets of the card run as printed, each in a fresh process that imports nothing of the Explorer; what
else its users do there is asked of the same process, as its imports take seconds.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from PIL import Image

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.export import export
from evaluators.export.edit_sources import base_of
from evaluators.export.loading_snippets import TORCHVISION
from evaluators.service.studio import Studio
from lines_core.checkpoints import read_checkpoint
from tests.conftest import CHUNK
from tests.evaluators.export.exported_specs import SPECS, carried
from tests.paths import ASSETS, ROOT

FOLDERS = {
    "tower": ("open_clip", ()),
    "whole": ("open_clip", ("clip",)),
    "transformers": ("transformers", ()),
    "CLIPModel": ("transformers", ("clip",)),
}
SPEC = SPECS["reverse"]


def run(code: str, folder: Path) -> None:
    """Python in a process of its own, in a folder."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def snippet(folder: Path) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.DOTALL)
    return str(code)


TEXTS = ["a photo of a cat", "The number seven, isn't it?", "don't: 12 caf\u00e9s  &  more", "x"]
AFTERWARDS = {
    "tower": "",
    "whole": f"torch.save([tokenizer({TEXTS!r}), model.state_dict()], 'whole.pt')",
    "transformers": """
from transformers import CLIPImageProcessor, pipeline
image = Image.open("image.png")
read = [one.from_pretrained(".")(image, return_tensors="pt")["pixel_values"]
        for one in (AutoImageProcessor, CLIPImageProcessor)]
extract = pipeline("image-feature-extraction", ".", return_tensors=True)
torch.save([*read, extract(image), model(read[0]).last_hidden_state], "read.pt")
""",
    "CLIPModel": f"""
from transformers import AutoModel, AutoTokenizer, CLIPTokenizer, pipeline
words = [one.from_pretrained(".") for one in (AutoTokenizer, CLIPTokenizer)]
tokens, lengths = zip(*((one({TEXTS!r})["input_ids"], one.model_max_length) for one in words))
torch.save([list(tokens), list(lengths)], "words.pt")
image, texts = Image.open("image.png"), {TEXTS!r}
model, loading = CLIPModel.from_pretrained(".", output_loading_info=True)
assert not any(loading.values()), loading
assert type(AutoModel.from_pretrained(".")) is CLIPModel
given = CLIPProcessor.from_pretrained(".")(text=texts, images=image, padding=True, return_tensors="pt")
with torch.no_grad():
    found = model.eval()(**given)
classify = pipeline("zero-shot-image-classification", ".")
rows = classify(image, candidate_labels=texts, hypothesis_template="{{}}")
scores = {{row["label"]: row["score"] for row in rows}}
torch.save([given["pixel_values"], found.logits_per_image, scores], "classified.pt")
""",
}
"""What runs behind the printed snippet of a layout; the tests below look at what it saves."""


@pytest.fixture(scope="module")
def exported(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The exported folder of each layout, as if in a checkout."""
    studio, folders = Studio(lab, None, chunk=CHUNK), {}
    for name, (layout, extras) in FOLDERS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        export(studio.lab, SPEC, layout, folders[name], extras=extras)
        (folders[name] / "assets").symlink_to(lab)
    return folders


@pytest.fixture(scope="module")
def ran(exported: dict[str, Path]) -> Callable[[str], Path]:
    """Gives a layout's folder, in which its snippet ran as printed, and then what else users do."""

    @cache
    def ran_once(name: str) -> Path:
        folder = exported[name]
        Image.effect_mandelbrot((61, 43), (-2, -1.5, 1, 1.5), 40).convert("RGB").save(folder / "image.png")
        run(f"{snippet(folder)}\ntorch.save(features, 'features.pt')\n{AFTERWARDS[name]}", folder)
        return folder

    return ran_once


@pytest.fixture(scope="module")
def elsewhere(exported: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one process ran all snippets, told where the files lie, and one misses its words."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "assets").symlink_to(exported["tower"] / "assets")
    code = f"""
import torch
{TORCHVISION}
import open_clip
try:
    open_clip.get_tokenizer("local-dir:{exported["whole"]}")
except FileNotFoundError as error:
    torch.save(error.filename, "lacking.pt")
"""
    for name, where in exported.items():
        printed = snippet(where)
        assert 'folder = "."' in printed
        assert TORCHVISION in printed
        moved = printed.replace('folder = "."', f"folder = {str(where)!r}").replace(TORCHVISION, "")
        code += f"{moved}\ntorch.save(features, '{name}.pt')\n"
    run(code, folder)
    return folder


@pytest.mark.parametrize("name", FOLDERS)
def test_the_snippet_runs_as_printed(name: str, ran: Callable[[str], Path], studio: Studio) -> None:
    base, clip = base_of(studio.lab), studio.lab.encoder.loaded.clip
    black = (-torch.tensor(base.mean) / torch.tensor(base.std)).view(1, 3, 1, 1).expand(1, 3, 24, 24)
    with torch.no_grad():
        carried(studio, SPECS["pre-trained"])
        plain = clip.encode_image(black, normalize=True)
        carried(studio, SPEC)
        expected = clip.encode_image(black, normalize=True)
    assert (expected - plain).abs().max() > 0.01, "the pre-trained model would have passed"
    features = torch.load(ran(name) / "features.pt", weights_only=True)
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


def test_the_whole_clip_has_its_own_words(ran: Callable[[str], Path], studio: Studio) -> None:
    """The standard vocabulary has numbers that this text tower has no embedding for."""
    loaded = studio.lab.encoder.loaded
    tokens, weights = torch.load(ran("whole") / "whole.pt", weights_only=True)
    assert torch.equal(tokens, loaded.tokenizer(TEXTS))
    assert int(tokens.max()) < loaded.clip.vocab_size
    stored = read_checkpoint(ran("whole") / "model.safetensors")
    assert weights.keys() == stored.keys()
    assert all(torch.equal(weights[name], value) for name, value in stored.items())
    tower = carried(studio, SPEC)
    everything = dict(loaded.clip.state_dict()) | tower
    assert all(torch.equal(stored[name], value) for name, value in everything.items())


@pytest.mark.parametrize("name", FOLDERS)
def test_it_loads_from_another_directory(name: str, ran: Callable[[str], Path], elsewhere: Path) -> None:
    """open_clip looks for the vocabulary where Python runs: from elsewhere there was FileNotFoundError."""
    found = torch.load(elsewhere / f"{name}.pt", weights_only=True)
    assert torch.equal(found, torch.load(ran(name) / "features.pt", weights_only=True))


def test_the_configuration_alone_says_that_it_lacks_the_words(elsewhere: Path) -> None:
    """Without ``bpe_path`` from elsewhere: an error, never the standard vocabulary in silence."""
    assert torch.load(elsewhere / "lacking.pt", weights_only=True) == "bpe_merges.txt.gz"


def test_the_shipped_model_has_its_own_words_too() -> None:
    """From a checkout: `get_tokenizer` fell back to 49,408 tokens, and `encode_text` raised IndexError."""
    open_clip = import_open_clip()
    start = Path.cwd()
    os.chdir(ROOT)
    try:
        tokenizer = open_clip.get_tokenizer("local-dir:assets/tiny_clip")
    finally:
        os.chdir(start)
    config = json.loads((ASSETS / "tiny_clip" / "open_clip_config.json").read_text())["model_cfg"]["text_cfg"]
    assert tokenizer.vocab_size == config["vocab_size"] == 4514
    assert tokenizer(["a photo of a seven"]).shape == (1, config["context_length"])


def test_transformers_reads_images_as_open_clip_does(ran: Callable[[str], Path], studio: Studio) -> None:
    """By both names of its processor, up to a grey level in 1 % of the pixels, and in its pipeline."""
    *pixels, extracted, states = torch.load(ran("transformers") / "read.pt", weights_only=True)
    base, open_clip = base_of(studio.lab), import_open_clip()
    transform = open_clip.image_transform(24, is_train=False, mean=base.mean, std=base.std)
    expected = transform(Image.open(ran("transformers") / "image.png"))[None]
    level = 1.001 / 255 / torch.tensor(base.std).view(3, 1, 1)
    for found in pixels:  # transformers resizes with torchvision, open_clip with Pillow
        assert (((found - expected) / level).abs() <= 1).all()
        assert (found - expected).abs().gt(2e-7).float().mean() < 0.01
    torch.testing.assert_close(extracted, states, rtol=0, atol=1e-5)


def test_transformers_has_the_words_of_open_clip(ran: Callable[[str], Path], studio: Studio) -> None:
    """By its class and by Auto; shorter texts are padded behind their end."""
    found, longest = torch.load(ran("CLIPModel") / "words.pt", weights_only=True)
    expected = studio.lab.encoder.loaded.tokenizer(TEXTS)
    assert longest == [expected.shape[1]] * 2
    for tokens in found:
        for read, row in zip(tokens, expected, strict=True):
            assert read == row[: len(read)].tolist()
            assert not row[len(read) :].any()


def test_transformers_classifies_as_open_clip_does(ran: Callable[[str], Path], studio: Studio) -> None:
    """The whole model from pixels and texts to logits, and its pipeline from a folder alone."""
    pixels, logits, scores = torch.load(ran("CLIPModel") / "classified.pt", weights_only=True)
    carried(studio, SPEC)
    loaded = studio.lab.encoder.loaded
    with torch.no_grad():
        image = loaded.clip.encode_image(pixels, normalize=True)
        text = loaded.clip.encode_text(loaded.tokenizer(TEXTS), normalize=True)
        expected = loaded.clip.logit_scale.exp() * image @ text.T
    assert expected.std() > 0.1, "all logits equal"
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    shares = torch.tensor([scores[one] for one in TEXTS])
    torch.testing.assert_close(shares, expected[0].softmax(0), rtol=0, atol=1e-5)
