"""Class probabilities of single images, of a task or typed by a visitor."""

import pytest
import torch

from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.errors import Queued, SpecError, Superseded
from evaluators.service.studio import Studio
from evaluators.specs.class_names import ClassNames
from evaluators.specs.edit_spec import EditSpec

SPECS = (EditSpec.pretrained("digits"), EditSpec.finetuned("digits"), EditSpec.lines("digits", 0.4))


def test_the_most_probable_class_is_the_counted_prediction(studio: Studio) -> None:
    evaluations = [studio.pictured(spec) for spec in SPECS]
    tasks = studio.images_of(SPECS[0], 4)
    assert [task.key for task in tasks] == ["digits", "textures", "faces"]
    for position, task in enumerate(tasks):
        assert task.pixels.shape == (4, 3, 24, 24)
        assert (
            list(task.labels)
            == studio.lab._subset(studio.lab.tasks("tasks")[position], "test").labels[:4].tolist()
        )
        for number, pixels in enumerate(task.pixels):
            found = studio.classify(SPECS, pixels, task.key)
            assert found.classes == task.classes
            for evaluation, row in zip(evaluations, found.models, strict=True):
                assert sum(row) == pytest.approx(1)
                assert row.index(max(row)) == evaluation.predicted(position)[number]


def test_typed_names_are_read_by_the_text_tower(studio: Studio) -> None:
    names = ClassNames.read("a tram, a cat, a dog", "a drawing of {}")
    pixels = studio.images_of(SPECS[0], 1)[0].pixels[0]
    found = studio.classify(SPECS[:1], pixels, names)
    loaded = studio.lab.encoder.loaded
    head = zero_shot_head(loaded.clip, loaded.tokenizer, names.names, (names.template,))
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in studio.lab._normalisation())
    with torch.inference_mode():
        feature = loaded.clip.encode_image(((pixels / 255 - mean) / std)[None], normalize=True)
        wanted = (loaded.clip.logit_scale.exp() * feature @ head).softmax(dim=1)
    assert found.models[0] == pytest.approx(tuple(wanted[0].tolist()), abs=1e-5)
    other = ClassNames(names.names, "a photo of {}")
    assert studio.classify(SPECS[:1], pixels, other).models != found.models


def test_a_picture_waits_its_turn_and_is_superseded(studio: Studio) -> None:
    pixels = studio.images_of(SPECS[0], 1)[0].pixels[0]
    with studio._scheduler.turn(studio.ticket("someone")), pytest.raises(Queued):
        studio.classify(SPECS, pixels, "digits", studio.ticket("me"), patience=0.01)
    older = studio.ticket("me")
    studio.ticket("me")
    with pytest.raises(Superseded):
        studio.classify(SPECS, pixels, "digits", older)
    with pytest.raises(SpecError, match="no task 'cats': pick one of digits"):
        studio.classify(SPECS, pixels, "cats")


def test_typed_names_are_read_once(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ClassNames] = []
    make = studio.lab.typed_heads._make

    def counted(names: ClassNames) -> torch.Tensor:
        read.append(names)
        return make(names)

    monkeypatch.setattr(studio.lab.typed_heads, "_make", counted)
    pixels = studio.images_of(SPECS[0], 1)[0].pixels[0]
    for text in ("a, b", "b, a", "a, b"):
        studio.classify(SPECS, pixels, ClassNames.read(text))
    assert [names.names for names in read] == [("a", "b"), ("b", "a")]
