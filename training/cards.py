"""Model card and data card of the embedded lab, from the training log and the shipped sweeps."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from evaluators.encoder.open_clip_folder import read_tower_info
from evaluators.experiments.sweeps import ALL_IMAGES, Found, reference_specs
from training.convnext_model import CONVNEXT_CONFIG
from training.evaluation_sets import splits_of
from training.report_tables import markdown, pct
from training.study import shipped_evaluations
from training.tiny_clip_model import MODEL_CONFIG
from training.training_log import read_training_log
from training.world.draws import draw_web
from training.world.settings import SETTINGS

MODEL_HEAD = """---
license: apache-2.0
library_name: open_clip
tags: [clip, zero-shot-image-classification, lines]
---
# Tiny CLIP

A CLIP small enough to ship with the LiNeS Explorer and deep enough for its layer schedule: {layers} residual
blocks, width {width}, {pixels}-pixel images, a {text_layers}-layer text tower. Trained from nothing on the
synthetic, captioned images of `training/world`; it has seen no photograph and no scraped text.

For teaching and for the explorer's embedded lab only: it knows drawn digits, signs, vehicles and the like,
and nothing of the real world. Half of the concepts were captioned by their German name only, on purpose:
zero-shot accuracy on them is low, and fine-tuning has something to teach.

Load it with open_clip's own loader: `open_clip.create_model("local-dir:assets/tiny_clip")`; the tokenizer
with `open_clip.get_tokenizer("local-dir:assets/tiny_clip", bpe_path="assets/tiny_clip/bpe_merges.txt.gz")`.
Weights are stored as fp16; `finetuned/<task>.safetensors` holds the image tower alone (`visual.` names),
or, of a further question about the images (`assets/eval/questions.json`), its residual in four bits a weight.
`compared/<variant>.<task>.safetensors` holds the residual of another variant of fine-tuning, stored small
(matrices in four bits or as low-rank factors, see `lines_core/packed.py`): for comparison, not for export.
"""

CONVNEXT_CARD = """---
license: apache-2.0
library_name: open_clip
tags: [clip, zero-shot-image-classification, lines]
---
# Tiny ConvNeXt

Tiny CLIP's text tower with a ConvNeXt as image tower: timm's `{timm}`, ten residual blocks in
four stages, {parameters:.1f} million weights, {pixels}-pixel images. The text tower and its temperature
stayed as they were; the image tower was trained from nothing, on {images:,} draws from {web:,} web images of
`training/world`: each image was drawn to its caption, and to the feature that Tiny CLIP's image tower has
of it, the first half of the steps at 32 pixels, which costs less than half. For the embedded lab only.

Load it with open_clip's own loader: `open_clip.create_model("local-dir:assets/tiny_convnext")`. Weights are
stored as fp16; `finetuned/<task>.safetensors` holds the residual in four bits a weight
(`lines_core/packed.py`), whose cost is in `assets/REPORT.md`.

## Training

By `python -m training convnext`; seconds are wall time on a share of a busy core.
"""

DATA_HEAD = """---
license: apache-2.0
task_categories: [zero-shot-image-classification]
---
# Evaluation subsets of synthetic images

48-pixel images drawn by `training/world`, as lossless WebP in parquet with the `datasets` Image
feature: `datasets.load_dataset("parquet", data_files="assets/eval/digits-test.parquet")`. Labels go round in
turn, so every class has the same number of images. An image is a function of (split, data set, index):
training, validation and test images come from disjoint random streams. `tasks.json` holds class names and
prompts; `questions.json` twelve further questions about the same images, such as their colours, with a label
for each image, or -1 where it does not show what is asked about.
"""


def _training_table(folder: Path) -> Iterator[str]:
    rows = [
        [
            name,
            str(entry["steps"]),
            str(entry["batch"]),
            f"{entry['rate']:g}",
            str(entry["seed"]),
            f"{entry['steps'] * entry['batch']:,}",
            f"{entry['seconds']:.0f}",
        ]
        for name, entry in read_training_log(folder).items()
    ]
    return markdown(["weights", "steps", "batch", "learning rate", "seed", "images seen", "seconds"], rows)


def _accuracy_table(measured: Found) -> Iterator[str]:
    header = ["fine-tuned on", "zero-shot target", "fine-tuned target", "control before", "control after"]
    rows = []
    for key, setting in SETTINGS.items():
        if "val" in splits_of(key):
            before, after = (measured[spec] for spec in reference_specs(key, images=ALL_IMAGES))
            cells = (before.target, after.target, before.control, after.control)
            rows.append([setting.title, *map(pct, cells)])
    return markdown(header, rows)


def _data_table(folder: Path) -> Iterator[str]:
    rows = []
    for key, setting in SETTINGS.items():
        counts = {
            split: str(pq.read_metadata(folder / f"{key}-{split}.parquet").num_rows)
            for split in splits_of(key)
        }
        classes = str(len(setting.family.concepts))
        rows.append(
            [setting.title, setting.mirrors, classes, counts.get("val", "-"), counts["test"], setting.blurb]
        )
    return markdown(["data set", "mirrors", "classes", "val", "test", "what it shows"], rows)


def write_cards(assets: Path) -> Iterator[str]:
    """Write ``tiny_clip/README.md`` and ``eval/README.md``."""
    vision, text = MODEL_CONFIG["vision_cfg"], MODEL_CONFIG["text_cfg"]
    head = MODEL_HEAD.format(
        layers=vision["layers"],
        width=vision["width"],
        pixels=vision["image_size"],
        text_layers=text["layers"],
    )
    tiny_clip = assets / "tiny_clip"
    card = [
        head,
        "## Training",
        "",
        "On two CPU cores; seconds are wall time with other work beside it. Regenerate with `make assets`.",
        "",
        *_training_table(tiny_clip),
        "",
        "## Accuracy on all test images (%)",
        "",
        "Control is the mean over the other seven tasks; for objects, over the five shifted test sets.",
        "",
        *_accuracy_table(shipped_evaluations(assets)),
        "",
    ]
    (tiny_clip / "README.md").write_text("\n".join(card), encoding="utf-8")
    yield str(tiny_clip / "README.md")
    yield from _write_convnext_card(assets / "tiny_convnext")
    captions = [f"- {draw_web(index).captions[0].text}" for index in range(9)]
    data = [
        DATA_HEAD,
        *_data_table(assets / "eval"),
        "",
        "## Examples of pre-training captions",
        "",
        *captions,
        "",
    ]
    (assets / "eval" / "README.md").write_text("\n".join(data), encoding="utf-8")
    yield str(assets / "eval" / "README.md")


def _write_convnext_card(folder: Path) -> Iterator[str]:
    pretrained = read_training_log(folder)["pretrained"]
    head = CONVNEXT_CARD.format(
        timm=CONVNEXT_CONFIG["vision_cfg"]["timm_model_name"],
        parameters=read_tower_info(folder).parameters / 1e6,
        pixels=CONVNEXT_CONFIG["vision_cfg"]["image_size"],
        images=pretrained["steps"] * pretrained["batch"],
        web=pretrained["web_images"],
    )
    (folder / "README.md").write_text("\n".join([head, *_training_table(folder), ""]), encoding="utf-8")
    yield str(folder / "README.md")
