"""A mapping becomes the edits that it describes, once each; what means nothing is refused by its name."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from evaluators.errors import SpecError
from evaluators.experiments.sweep_plans.plain_yaml import read_plain_yaml
from evaluators.experiments.sweep_plans.plan_file import plan_legs, read_plan
from evaluators.experiments.sweeps import gamma_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from evaluators.zoo import BENCHMARKS


def specs(studio: Studio, *sweeps: object, **rest: object) -> list[EditSpec]:
    (leg,) = plan_legs({"sweeps": list(sweeps), **rest})
    return [spec for part in leg.parts for spec in part.first(studio)]


def test_a_gamma_sweep_of_every_checkpoint(studio: Studio) -> None:
    found = specs(studio, {"gamma": "1:0:-0.1", "split": ["val", "test"]})
    wanted = [
        spec
        for key in ("digits", "faces")
        for pair in zip(gamma_sweep(key, "val"), gamma_sweep(key, "test"), strict=True)
        for spec in pair
    ]
    assert found == wanted


def test_a_file_of_merges(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        """
images: 12
sweeps:
  - merge: [[digits, faces], [digits]]
    method: [sum, ties]
    settings: {density: [0.1, 0.2]}
    alpha: 0.2
    beta: 0:0.2:0.1
    shape: [linear, sqrt]
"""
    )
    (leg,) = read_plan(path)
    found = leg.parts[0].first(studio)
    merges = [
        MergeSpec(group, method, settings)
        for group in (("digits", "faces"), ("digits",))
        for method, settings in (
            ("sum", ()),
            ("ties", (("density", 0.1),)),
            ("ties", (("density", 0.2),)),
        )
    ]
    assert list(found) == [
        EditSpec.merged(merge, 0.2, beta, shape=shape, images=12)
        for merge in merges
        for beta, shape in itertools.product((0.0, 0.1, 0.2), ("linear", "sqrt"))
    ]


def test_alpha_of_equation_2(studio: Studio) -> None:
    (found,) = specs(studio, {"merge": "all", "alpha": "auto", "beta": 0.5})
    merge = MergeSpec(("digits", "faces"))
    eq_2 = studio.merging_alpha("tiny-clip", merge).alpha
    assert found == EditSpec.merged(merge, eq_2, 0.5)
    assert 0 < eq_2 < 1
    with pytest.raises(SpecError, match=r"auto is Eq\. 2's, of a merge"):
        specs(studio, {"alpha": "auto"})


def test_methods_that_mask_for_a_task_give_a_model_for_each(studio: Studio) -> None:
    found = specs(studio, {"merge": "all", "method": "tall-masks"})
    assert [spec.targets for spec in found] == [("digits",), ("faces",)]


def test_one_leg_for_each_public_model_and_set_of_tasks() -> None:
    legs = plan_legs({"model": "ViT-B-32,ViT-L-14", "tasks": [8, 20], "sweeps": [{"table": "table2"}]})
    assert [leg.title for leg in legs] == [
        "ViT-B-32, 8 tasks",
        "ViT-B-32, 20 tasks",
        "ViT-L-14, 8 tasks",
        "ViT-L-14, 20 tasks",
    ]
    loads = [leg.load for leg in legs]
    assert [load.tasks for load in loads if load] == [BENCHMARKS[8], BENCHMARKS[20]] * 2


def test_images_are_those_of_the_page_unless_the_plan_or_the_entry_says_more() -> None:
    def images(plan: dict[str, Any], **entry: Any) -> list[int]:
        legs = plan_legs({"model": ["tiny-clip", "tiny-convnext", "ViT-B-32"], "sweeps": [entry], **plan})
        assert [leg.load is None for leg in legs] == [True, True, False]
        return [vars(part)["images"] for leg in legs for part in leg.parts]

    assert images({}, table="table1") == images({}, gamma=1) == [200, 200, 0]
    assert images({}, table="table4") == images({}, table="table10") == [0, 0, 0]
    assert images({"images": 50}, table="table4") == [50, 50, 50]
    assert images({"images": 50}, table="table1", images=30) == [30, 30, 30]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ([], r"A sweep must be a mapping"),
        ({}, r"A sweep has a list of sweeps, got None"),
        ({"sweeps": []}, r"A sweep has a list of sweeps"),
        ({"sweeps": [{}], "gpus": 3}, r"but no 'gpus'"),
        ({"sweeps": [{"gama": 1}]}, r"An entry of sweeps has checkpoint, .*, but no 'gama'"),
        (
            {"sweeps": [{"table": "table9"}]},
            r"table must be among table1, table2, table4, table6, table10, fig9, got 'table9'",
        ),
        ({"sweeps": [{"table": ["table1", "fig9"]}]}, r"one table, got table1, fig9: give each its own"),
        (
            {"sweeps": [{"alpha": "0:100:0.1", "beta": "0:100:0.1"}]},
            r"1,001 alphas and 1,001 betas are more than 10,001 combinations",
        ),
        ({"sweeps": [{"gamma": "0,5"}]}, r"gamma is from 0 to 1, got 5: decimals take a point"),
        ({"sweeps": [{"gamma": 1, "beta": 0}]}, r"leave alpha and beta out, or gamma"),
        ({"sweeps": [{"method": "ties"}]}, r"method belong to a merge"),
        ({"sweeps": [{"merge": "all", "settings": {"density": 1}}]}, r"None of sum has a setting 'density'"),
        ({"sweeps": [{"merge": "all", "settings": [1]}]}, r"settings must be a mapping"),
        ({"sweeps": [{"split": "train"}]}, r"split must be among val, test"),
        ({"sweeps": [{}], "images": -1}, r"images must be a number of images"),
        ({"sweeps": [{}], "model": "ViT-X"}, r"model must be among tiny-clip, "),
        ({"sweeps": [{}], "tasks": 8}, r"tasks and family are for public models"),
        ({"sweeps": [{}], "model": "ViT-B-32", "tasks": 9}, r"tasks must be of 8, 14, 20, got '9'"),
        ({"sweeps": [{}], "model": "ViT-B-32", "tasks": "mnist,nowhere"}, r"There is no task nowhere"),
    ],
)
def test_what_means_nothing_is_refused(plan: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=reason):
        plan_legs(plan)


def test_a_file_that_is_no_sweep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    with pytest.raises(SpecError, match=r"sweep\.yaml cannot be read: No such file"):
        read_plan(path)
    path.write_text("a: [1")
    with pytest.raises(SpecError, match=r"sweep\.yaml is not YAML: "):
        read_plan(path)
    path.write_text("sweeps: !!python/object/apply:os.system ['true']")
    with pytest.raises(SpecError, match="is not YAML: could not determine a constructor"):
        read_plan(path)
    path.write_bytes(b"#" * (1 << 20) + b"##")
    with pytest.raises(SpecError, match="is larger than a sweep"):
        read_plan(path)
    for long in (b"9" * 5000, b"2026-13-45"):
        path.write_bytes(b"sweeps: [{gamma: " + long + b"}]")
        with pytest.raises(SpecError, match=r"is not YAML|gamma must be a number"):
            read_plan(path)


def test_the_example_of_the_documentation_is_what_it_says() -> None:
    """Its ``gamma: 0:1:0.1`` without quotes was once a number of base 60: gamma 60.1, no error."""
    text = (Path(__file__).parents[4] / "docs" / "scale.md").read_text()
    given = read_plain_yaml(text.partition("```yaml\n")[2].partition("```")[0].encode())
    first = plan_legs(given)[0].parts[1]
    assert [alpha for alpha, _ in vars(first)["pairs"]] == [round(0.1 * number, 9) for number in range(11)]
