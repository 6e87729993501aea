"""What the browser makes of an answer's counts: intervals, roles, and words that follow the intervals."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import difference_interval, mean_interval, wilson_interval
from tests.browser.bare_charts import answer_to, bare_charts, read
from ui.explore.explore_controls import Controls
from ui.explore.presets import PLACES, TUNED_PLACES
from ui.explore.references import References
from ui.shell.roles import role_of

pytestmark = pytest.mark.browser
SHIFTS = ("digits_blur", "digits_noise")
OTHERS = ("faces", "signs")
SPACE = "\u202f"


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Any]:
    with bare_charts(browser) as page:
        yield page


def result(
    spec: EditSpec, target: int, control: int, n: int = 400, controls: tuple[str, ...] = OTHERS
) -> Evaluation:
    """Percentages of n images: of the target, and of each control task."""
    tasks = [TaskResult("digits", "Digits", "target", target * n // 100, n)]
    tasks += [TaskResult(key, key, "control", control * n // 100, n) for key in controls]
    return Evaluation(spec, tuple(tasks), True, 1.0, "float32", "cpu")


EDIT = EditSpec.lines(gamma=0.5)
PRETRAINED = result(EditSpec.pretrained(), 50, 60)
FINETUNED = result(EditSpec.finetuned(), 90, 40)


def verdict(
    page: Any, evaluation: Evaluation, pretrained: Evaluation | None, finetuned: Evaluation | None
) -> str:
    found = read(page, answer_to(evaluation, References(pretrained, finetuned)))
    return str(found["words"]["sentence"])


def test_intervals_are_those_of_python(opened: Any) -> None:
    rng = random.Random(0)
    sides = []
    for _ in range(60):
        sizes = [rng.randint(1, 400) for _ in range(rng.randint(1, 8))]
        sides.append([[[rng.randint(0, n), n] for n in sizes] for _ in range(2)])
    sides.append([[[0, 5], [7, 7]], [[5, 5], [0, 7]]])
    found = opened.evaluate(
        """(sides) => sides.map(([before, after]) => {
            const { value, low, high } = accuracyOf(after), change = differenceOf(before, after);
            return [value, low, high, ...wilson(after[0]), change.low, change.high];
        })""",
        sides,
    )
    for (before, after), numbers in zip(sides, found, strict=True):
        b, a = ([(correct, n) for correct, n in side] for side in (before, after))
        expected = [sum(correct / n for correct, n in a) / len(a), *mean_interval(a), *wilson_interval(*a[0])]
        assert numbers == pytest.approx([*expected, *difference_interval(b, a)], abs=1e-12)


def test_the_paired_interval_by_hand(opened: Any) -> None:
    """3 gained, 1 lost of 8: p = 4/10, q = 2/10, so 0.2 -+ z sqrt((0.6 - 0.04) / 10)."""
    paired = "(pairs) => Object.values(pairedDifferenceOf(pairs))"
    value, low, high = opened.evaluate(paired, [[3, 1, 8]])
    spread = 1.959963984540054 * (0.56 / 10) ** 0.5
    assert (value, low, high) == pytest.approx((0.25, 0.2 - spread, 0.2 + spread))
    there = opened.evaluate(paired, [[7, 2, 50], [0, 3, 40]])
    back = opened.evaluate(paired, [[2, 7, 50], [3, 0, 40]])
    assert back == pytest.approx([-there[0], -there[2], -there[1]])
    one, four = (opened.evaluate(paired, [[9, 3, 100]] * k) for k in (1, 4))
    assert (four[2] - four[1]) * 2 == pytest.approx(one[2] - one[1])


def test_pairing_tells_more_than_two_accuracies_do(opened: Any) -> None:
    """60 to 68 of 100: 8 gained and none lost is measurable, two independent accuracies are not."""
    assert difference_interval([(60, 100)], [(68, 100)])[0] < 0
    assert opened.evaluate("pairedDifferenceOf([[8, 0, 100]]).low") > 0


def test_nineteen_of_twenty_paired_intervals_hold_the_true_difference(opened: Any) -> None:
    rng = random.Random(0)
    trials = []
    for _ in range(2000):
        draws = rng.choices(("gained", "lost", "same"), (0.12, 0.05, 0.83), k=200)
        trials.append([draws.count("gained"), draws.count("lost"), 200])
    ends = opened.evaluate("(trials) => trials.map((one) => pairedDifferenceOf([one]))", trials)
    inside = sum(one["low"] <= 0.07 <= one["high"] for one in ends)
    assert 0.93 < inside / len(trials) < 0.975


@pytest.mark.parametrize(
    ("target", "control", "said"),
    [
        (88, 55, f"Keeps 97.8{SPACE}% of the fine-tuned accuracy on digits and gets back 75{SPACE}% of the"),
        (91, 55, f"that the other tasks had lost on average (40.0{SPACE}% → 55.0{SPACE}%)."),
        (91, 61, f"back at the level from before fine-tuning (60.0{SPACE}%, now 61.0{SPACE}%)."),
        (91, 57, f"back at the level from before fine-tuning (60.0{SPACE}%, now 57.0{SPACE}%)."),
        (97, 41, f"Beats the fine-tuned model on digits (90.0{SPACE}% → 97.0{SPACE}%) and gets back nothing"),
        (90, 80, f"the other tasks do better than before fine-tuning (60.0{SPACE}% → 80.0{SPACE}%)."),
        (90, 20, "but forgets even more than the fine-tuned model."),
    ],
)  # fmt: skip
def test_an_edit(opened: Any, target: int, control: int, said: str) -> None:
    assert said in verdict(opened, result(EDIT, target, control), PRETRAINED, FINETUNED)


def test_the_untouched_model_keeps_nothing(opened: Any) -> None:
    """It used to say "Keeps 56 % of what it learned", its accuracy over the fine-tuned model's."""
    said = verdict(opened, PRETRAINED, PRETRAINED, FINETUNED)
    assert said.startswith(f"The pre-trained model: it has not learned digits (50.0{SPACE}%)")
    for zero in (EditSpec(alpha=0.0, beta=0.0), EditSpec.lines(gamma=0.3, mix=0.0)):
        assert verdict(opened, replace(PRETRAINED, spec=zero), PRETRAINED, FINETUNED) == said


def test_the_fine_tuned_model(opened: Any) -> None:
    assert verdict(opened, FINETUNED, PRETRAINED, FINETUNED) == (
        f"The fine-tuned model: it learned digits (50.0{SPACE}% → 90.0{SPACE}%) and forgot part of the other "
        f"tasks (60.0{SPACE}% → 40.0{SPACE}%)."
    )


def test_random_weights_keep_nothing(opened: Any) -> None:
    """A checkpoint that learned nothing: 10 % before and after are no "Keeps 100 %"."""
    before, after = result(EditSpec.pretrained(), 10, 10), result(EditSpec.finetuned(), 11, 10)
    said = verdict(opened, result(EDIT, 11, 10), before, after)
    assert said.startswith(f"Fine-tuning did not measurably improve on digits (10.0{SPACE}% → 11.0{SPACE}%)")
    assert "nothing measurable there" in said
    assert "Keeps" not in said


@pytest.mark.parametrize(
    ("control", "said"),
    [(80, "is better than the fine-tuned model"), (60, "falls behind"), (70, "does as well as")],
)
def test_shifted_sets_that_fine_tuning_improved(opened: Any, control: int, said: str) -> None:
    before = result(EditSpec.pretrained(), 50, 40, controls=SHIFTS)
    after = result(EditSpec.finetuned(), 90, 70, controls=SHIFTS)
    edit = result(EDIT, 90, control, controls=SHIFTS)
    found = verdict(opened, edit, before, after)
    assert said in found
    assert "its shifted sets" in found
    words = read(opened, answer_to(edit, References(before, after)))["words"]
    assert words["controls"] == "mean of the 2 shifted sets"


def test_nothing_is_concluded_from_a_part(opened: Any) -> None:
    partial = replace(result(EDIT, 100, 0, n=8), complete=False)
    assert verdict(opened, partial, PRETRAINED, FINETUNED) == (
        f"So far 100.0{SPACE}% on digits and 0.0{SPACE}% on the other tasks …"
    )
    assert verdict(opened, partial, None, FINETUNED).startswith("Comparing")
    words = read(opened, answer_to(partial, References(PRETRAINED, FINETUNED)))["words"]
    assert words["evidence"].endswith(", linear, α = 0.5, β = 0.5: first 24 of 1,600 images, still counting")
    whole = read(opened, answer_to(result(EDIT, 90, 50), References(PRETRAINED, FINETUNED)))
    assert whole["words"]["controls"] == "mean of the 2 other tasks"


def test_a_flat_setting_has_no_beta(opened: Any) -> None:
    """The line below the sentence said "flat, α = 1, β = 0, mix 0.5"."""
    found = read(opened, answer_to(result(EditSpec.wise_ft(mix=0.5), 90, 50), References()))
    assert found["words"]["setting"] == "flat, α = 1, mix 0.5"
    assert ", flat, α = 1, mix 0.5: " in found["words"]["evidence"]
    assert found["evaluation"]["file"] == "digits-flat-alpha1-mix0.5"


@pytest.mark.parametrize(
    ("limit", "images"),
    [
        (0, "all 1,200 test images that are loaded"),
        (400, "400 test images of each data set, 1,200 in all"),
        (500, "at most 500 test images of each data set, 1,200 in all"),
    ],
)
def test_only_a_move_that_counts_all_images_says_so(opened: Any, limit: int, images: str) -> None:
    """A quarter of Tiny ConvNeXt's test images were "all 800"; the report counts all 3,222 of them."""
    edit = result(replace(EDIT, images=limit), 90, 50)
    words = read(opened, answer_to(edit, References(PRETRAINED, FINETUNED)))["words"]
    assert words["evidence"].endswith(f": {images}, measured in 1.0 s")
    shipped = read(opened, answer_to(replace(edit, precomputed=True), References(PRETRAINED, FINETUNED)))
    assert shipped["words"]["evidence"].endswith(f": {images}, precomputed")


def test_roles_schedules_and_files_are_those_of_python(opened: Any) -> None:
    free = (0.1, 0.25, *[0.5] * 9, 1.5)
    specs = {
        "digits-gamma0.4": EditSpec.lines(gamma=0.4),
        "digits-gamma0.3-mix0.5": EditSpec.lines(gamma=0.3, mix=0.5),
        "digits-linear-alpha0.0-beta0.0": EditSpec(alpha=0.0, beta=0.0),
        "digits-flat-alpha1": EditSpec.finetuned(),
        "digits-flat-alpha1-mix0.5": EditSpec.wise_ft(mix=0.5),
        "digits-reverse-alpha0.3-beta0.7-outside-the-blocks-by-depth": EditSpec(
            shape="reverse", alpha=0.3, beta=0.7, outside="depth"
        ),
        "digits-free-form-schedule-mix0.5": EditSpec(shape="free", alpha=0.1, free_form=free, mix=0.5),
    }
    for name, spec in specs.items():
        found = read(opened, answer_to(result(spec, 90, 50), References()))["evaluation"]
        assert found["role"] == role_of(spec), name
        scales = spec.scales(12)
        assert found["factors"] == pytest.approx([scales.before, *scales.blocks, scales.after]), name
        assert found["file"].startswith(name.replace("0.0", "0")), name
    own = replace(EDIT, checkpoint="own-0123456789abcdef.mine")
    assert "0123" not in read(opened, answer_to(result(own, 90, 50), References()))["evaluation"]["file"]
    task = "task-0123456789abcdef0123"
    own = replace(EDIT, checkpoint=f"own-0123456789abcdef.{task}")
    for title, named in (("Été: <b>cups</b>", "ete-b-cups-b-gamma0.5"), ("杯", "task-gamma0.5")):
        counted = result(own, 90, 50)
        target = replace(counted.tasks[0], key=task, title=title)
        counted = replace(counted, tasks=(target, *counted.tasks[1:]))
        assert read(opened, answer_to(counted, References()))["evaluation"]["file"] == named


def test_the_preset_that_the_weights_are_at_is_known(opened: Any) -> None:
    tuned = {name: {**place, "gamma": 0.4} for name, place in TUNED_PLACES.items()}
    for name, place in {**PLACES, **tuned}.items():
        spec = replace(Controls(), **place).spec()
        assert read(opened, answer_to(result(spec, 90, 50), References()))["preset"] == name
    alike = EditSpec(shape="flat", alpha=0.5, beta=0.3)
    assert read(opened, answer_to(result(alike, 90, 50), References()))["preset"] == "wise_ft"
    assert read(opened, answer_to(result(EDIT, 90, 50), References()))["preset"] is None


def test_a_pin_is_compared_image_by_image(opened: Any) -> None:
    edit, kept = result(EDIT, 90, 62), result(EditSpec.lines(gamma=0.9), 90, 60)
    counts = [[task.correct, task.n] for task in kept.tasks]
    spec = {"model": "tiny-clip", "checkpoint": "digits", "split": "test"}
    setting = {"shape": "linear", "alpha": 0.9, "beta": 0.1, "outside": "depth", "mix": 1.0}
    pin = {"letter": "A", "spec": spec | setting, "counts": counts}
    (found,) = read(opened, answer_to(edit, References(), pins=[pin]))["pins"]
    assert (
        found["name"]
        == "linear, α = 0.9, β = 0.1, outside the blocks by depth: first and last block's factor"
    )
    assert "difference" not in found, "what counts alone would say may change with the pairs"
    pin["pairs"] = [[4, 4, 400], [8, 0, 400], [8, 0, 400]]
    (found,) = read(opened, answer_to(edit, References(), pins=[pin]))["pins"]
    assert found["difference"]["control"][0] == pytest.approx(0.02)
    assert found["difference"]["control"][1] > 0
    assert found["difference"]["target"][0] == 0
    same = {
        "letter": "B",
        "spec": spec | setting | {"shape": "flat", "alpha": 0.5, "beta": 0.2, "outside": "alpha"},
    }
    flat = result(EditSpec(shape="flat", alpha=0.5, beta=0.0), 90, 50)
    (found,) = read(opened, answer_to(flat, References(), pins=[same]))["pins"]
    assert found["here"] is True, "flat gives every block alpha, whatever beta is"
    assert "difference" not in found
    other = {"letter": "C", "spec": pin["spec"], "about": "Tiny CLIP, fine-tuned on Faces"}
    (found,) = read(opened, answer_to(edit, References(), pins=[other]))["pins"]
    assert set(found) == {"letter", "name", "link"}
    assert found["name"].startswith("Tiny CLIP, fine-tuned on Faces, linear, α = 0.9")
    assert "task=digits&shape=linear&alpha=0.9&beta=0.1&mix=1&outside=depth" in found["link"]
