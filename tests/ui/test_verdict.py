"""Words follow intervals: a difference is claimed only if its 95 % interval leaves out zero."""

from dataclasses import replace

import pytest

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from ui.explore.verdict import verdict

SHIFTS = ("digits_blur", "digits_noise")
OTHERS = ("faces", "signs")


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


@pytest.mark.parametrize(
    ("target", "control", "said"),
    [
        (88, 55, "Keeps 97.8\u202f% of the fine-tuned accuracy on digits and gets back 75\u202f% of what it"),
        (91, 61, "Keeps all of the fine-tuned accuracy on digits and gets back all of what it forgot."),
        (97, 41, "Beats the fine-tuned model on digits (90.0\u202f% → 97.0\u202f%) and gets back nothing"),
        (90, 80, "knows more about the other tasks than before fine-tuning (60.0\u202f% → 80.0\u202f%)."),
        (90, 20, "but forgets even more than the fine-tuned model."),
    ],
)  # fmt: skip
def test_an_edit(target: int, control: int, said: str) -> None:
    assert said in verdict(result(EDIT, target, control), PRETRAINED, FINETUNED)


def test_better_than_before_is_said_only_beyond_the_interval() -> None:
    """62 against 60 % of 800 images: the interval of the difference holds zero."""
    assert "gets back all" in verdict(result(EDIT, 90, 62), PRETRAINED, FINETUNED)


def test_the_untouched_model_keeps_nothing() -> None:
    """It used to say "Keeps 56 % of what it learned", its accuracy over the fine-tuned model's."""
    said = verdict(PRETRAINED, PRETRAINED, FINETUNED)
    assert said.startswith("The pre-trained model: it has not learned digits (50.0\u202f%)")
    for zero in (EditSpec(alpha=0.0, beta=0.0), EditSpec.lines(gamma=0.3, mix=0.0)):
        assert verdict(replace(PRETRAINED, spec=zero), PRETRAINED, FINETUNED) == said


def test_the_fine_tuned_model() -> None:
    assert verdict(FINETUNED, PRETRAINED, FINETUNED) == (
        "The fine-tuned model: it learned digits (50.0\u202f% → 90.0\u202f%) and forgot part of the other "
        "tasks (60.0\u202f% → 40.0\u202f%)."
    )


def test_random_weights_keep_nothing() -> None:
    """A checkpoint that learned nothing: 10 % before and after are no "Keeps 100 %"."""
    before, after = result(EditSpec.pretrained(), 10, 10), result(EditSpec.finetuned(), 11, 10)
    said = verdict(result(EDIT, 11, 10), before, after)
    assert said.startswith("Fine-tuning did not measurably improve on digits (10.0\u202f% → 11.0\u202f%)")
    assert "forget nothing measurable" in said
    assert "Keeps" not in said


@pytest.mark.parametrize(
    ("control", "said"), [(80, "is better than the fine-tuned model"), (60, "falls behind"), (70, "does as")]
)
def test_shifted_sets_that_fine_tuning_improved(control: int, said: str) -> None:
    before = result(EditSpec.pretrained(), 50, 40, controls=SHIFTS)
    after = result(EditSpec.finetuned(), 90, 70, controls=SHIFTS)
    found = verdict(result(EDIT, 90, control, controls=SHIFTS), before, after)
    assert said in found
    assert "its shifted sets" in found


def test_nothing_is_concluded_from_a_part() -> None:
    partial = replace(result(EDIT, 100, 0, n=8), complete=False)
    assert verdict(partial, PRETRAINED, FINETUNED) == (
        "So far 100.0\u202f% on digits and 0.0\u202f% on the other tasks …"
    )
    assert verdict(partial, None, FINETUNED).startswith("Comparing")
