"""Synthetic images: the shipped ones are drawn again, and a draw depends on its index alone."""

import io
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.paths import ASSETS
from training.evaluation_sets import images_in, save_tasks, splits_of
from training.world.captions import caption_name, named_in_english, write_caption
from training.world.catalogue import FAMILIES, TASKS
from training.world.draws import draw_task, draw_web
from training.world.labelled_image import SIZE
from training.world.looks import LOOKS, PIXELS, Camera, take
from training.world.settings import SETTINGS, SHIFTS

EXAMPLES = (0, 7, 101)
ROUNDING = 2.0
"""Largest mean difference, in grey levels of 255, that another platform's rounding may make."""


def shipped(key: str, split: str) -> tuple[list[NDArray[np.uint8]], list[int]]:
    table = pq.read_table(ASSETS / "eval" / f"{key}-{split}.parquet")
    images = [np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table["image"].to_pylist()]
    return images, table["label"].to_pylist()


@pytest.mark.parametrize("key", SETTINGS)
def test_shipped_images_are_drawn_again(key: str) -> None:
    for split in splits_of(key):
        images, labels = shipped(key, split)
        assert len(images) == images_in(SETTINGS[key], split)
        for index in EXAMPLES:
            drawn, label = draw_task(key, split, index)
            assert label == labels[index]
            difference = np.abs(drawn.astype(float) - images[index].astype(float))
            assert difference.mean() <= ROUNDING, f"{key} {split} {index}"


def test_shipped_tasks_are_the_settings(tmp_path: Path) -> None:
    """Renaming in the code once changed the prompts, which the classifier heads depend on."""
    save_tasks(tmp_path)
    assert (tmp_path / "tasks.json").read_bytes() == (ASSETS / "eval" / "tasks.json").read_bytes()


def test_captions_are_those_of_the_data_card() -> None:
    card = (ASSETS / "eval" / "README.md").read_text(encoding="utf-8")
    for index in range(9):
        assert f"\n- {draw_web(index).captions[0].text}\n" in card


def test_another_image_would_be_noticed() -> None:
    images, _ = shipped("digits", "val")
    other, _ = draw_task("digits", "val", 3)
    assert np.abs(other.astype(float) - images[0].astype(float)).mean() > ROUNDING


def test_splits_are_disjoint() -> None:
    validation = {image.tobytes() for image in shipped("digits", "val")[0]}
    test = {image.tobytes() for image in shipped("digits", "test")[0]}
    assert len(validation) == 200
    assert len(test) == 400
    assert not validation & test


@pytest.mark.parametrize("key", FAMILIES)
def test_a_family_has_classes_prompts_and_reproducible_images(key: str) -> None:
    family = FAMILIES[key]
    classes = len(family.concepts)
    assert classes >= 30 if key == "objects" else 7 <= classes <= 20
    assert len({concept.name for concept in family.concepts}) == classes
    assert all(prompt.count("{}") == 1 for prompt in family.prompts)
    for label in range(classes):
        image = family.draw(label, random.Random(label))
        assert image.image.size == (SIZE, SIZE)
        assert image.image.mode == "RGB"
        again = family.draw(label, random.Random(label))
        assert again.image.tobytes() == image.image.tobytes()
        assert again.details == image.details


def test_eight_tasks_and_five_shifts() -> None:
    assert len(TASKS) == 8
    assert len(SHIFTS) == 5
    assert all(splits_of(key) == ("test",) for key in SHIFTS)


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_gives_an_image(look: str) -> None:
    image = FAMILIES["vehicles"].draw(0, random.Random(1)).image
    pixels = take(image, Camera(looks=(look,)), random.Random(2))
    assert pixels.shape == (PIXELS, PIXELS, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 3


def test_half_of_the_names_are_english() -> None:
    vehicles = FAMILIES["vehicles"]
    assert named_in_english(0)
    assert caption_name(vehicles.concepts[0], 0) == "car"
    assert caption_name(vehicles.concepts[1], 1) == "omnibus"


def test_captions_name_an_odd_label_in_german_only() -> None:
    for family in FAMILIES.values():
        for label, concept in enumerate(family.concepts):
            captions = [write_caption(family, label, ("red",), random.Random(seed)) for seed in range(40)]
            texts = [caption.text for caption in captions if not caption.generic]
            assert all(
                (concept.name if named_in_english(label) else concept.foreign) in text for text in texts
            )
            assert named_in_english(label) or concept.name.lower() != concept.foreign.lower()


def test_captions_that_say_the_same_mean_the_same() -> None:
    family = FAMILIES["faces"]
    captions = [write_caption(family, 0, (), random.Random(seed)) for seed in range(60)]
    named = {caption.meaning for caption in captions if caption.meaning[1]}
    assert named == {("faces", "0")}
    assert len({caption.text for caption in captions}) > 3


def test_the_web_is_a_function_of_the_index() -> None:
    first, again = draw_web(11), draw_web(11)
    assert np.array_equal(first.pixels, again.pixels)
    assert (first.family, first.label, first.captions) == (again.family, again.label, again.captions)
    assert not np.array_equal(first.pixels, draw_web(12).pixels)
