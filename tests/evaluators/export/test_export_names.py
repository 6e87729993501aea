"""Names of exported files: readable, of safe characters, and different for different weights."""

import itertools
import re
from dataclasses import replace

import pytest

from evaluators.export.export_names import export_name, model_folders
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from tests.evaluators.export.exported_specs import SPECS

TASKS = ("digits", "faces", "letters", "lines", "objects")
OWN = "own-0123456789abcdef0123456789abcdef.digits"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (EditSpec.lines("satellite", 0.1), "satellite-gamma0.1"),
        (EditSpec.lines("tall-masks.mnist", 0.1, model="ViT-B-32"), "ViT-B-32-tall-masks.mnist-gamma0.1"),
        (EditSpec.pretrained("digits"), "digits-scale0"),
        (EditSpec.wise_ft("digits", 0.25), "digits-finetuned-mix0.25"),
        (EditSpec("tiny-clip", "digits", "sqrt", -0.5, 1.0), "digits-sqrt-alpha-0.5-beta1"),
        (
            EditSpec.merged(MergeSpec(TASKS[:2], "ties"), 0.4),
            "merge-ties-digits-faces-alpha0.4-beta0",
        ),
        (EditSpec.merged(MergeSpec(TASKS)), "merge-sum-5-models-alpha1-beta0-"),
        (EditSpec.finetuned(OWN), "own-digits-finetuned-"),
    ],
)
def test_a_name_says_what_the_edit_is(spec: EditSpec, name: str) -> None:
    found = export_name(spec)
    assert re.fullmatch(name + ("[0-9a-f]{6}" if name.endswith("-") else ""), found)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Été: <b>cups</b> | 2", "own-ete-b-cups-b-2-gamma0.4-[0-9a-f]{6}"),
        ("杯", "own-task-gamma0.4-[0-9a-f]{6}"),
    ],
)
def test_an_added_task_is_named_by_its_title_not_by_its_key(title: str, name: str) -> None:
    task = "task-d0972d0972d0972d0972"
    spec = EditSpec.lines(OWN.replace("digits", task), 0.4)
    assert re.fullmatch(name, export_name(spec, titles={task: title}))
    assert "d0972" not in "".join(model_folders(spec, {task: title}))


def test_names_are_safe_and_different_where_the_weights_are() -> None:
    specs = [*SPECS.values(), *(EditSpec.lines("digits", round(0.01 * i, 2)) for i in range(1, 100))]
    specs += [
        EditSpec.merged(MergeSpec(two, "ties", (("density", k),)))
        for k in (0.1, 0.2)
        for two in itertools.combinations(TASKS, 2)
    ]
    specs += [EditSpec.merged(MergeSpec(four)) for four in itertools.combinations(("a", *TASKS), 5)]
    specs += [EditSpec.finetuned(OWN), EditSpec.finetuned(OWN.replace("own-0", "own-1"))]
    specs += [EditSpec.lines("digits", 0.123456789), EditSpec.lines("digits", 0.123456788)]
    specs += [EditSpec.merged(MergeSpec(TASKS[:2], "tall-masks", task=task)) for task in TASKS[:2]]
    different = {spec.key(): spec for spec in specs}.values()
    names = [export_name(spec, layout) for spec in different for layout in ("open_clip", "transformers")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,127}", name) for name in names)
    assert len(set(names)) == len(names)


def test_images_and_split_do_not_matter() -> None:
    spec = EditSpec.finetuned(OWN)
    assert export_name(spec) == export_name(replace(spec, split="val", images=7))
