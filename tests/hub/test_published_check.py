from dataclasses import replace

import pytest

from evaluators import EditSpec, Evaluation, TaskResult
from evaluators.errors import EvaluationError
from evaluators.hub.published_check import self_test

# zero-shot of ViT-B/32 with FusionBench's class names: mnist 48.26 %, svhn 31.63 %; fine-tuned mnist 99.69 %
TARGET = TaskResult("mnist", "MNIST", "target", 124, 256)
CONTROL = TaskResult("svhn", "SVHN", "control", 81, 256)


def evaluation(spec: EditSpec, target: int = 124, control: int = 81) -> Evaluation:
    tasks = (replace(TARGET, correct=target), replace(CONTROL, correct=control))
    return Evaluation(replace(spec, model="ViT-B-32"), tasks, True, 1.0, "float32", "cpu")


def test_a_pre_trained_model_is_checked_on_every_task() -> None:
    checks = self_test(evaluation(EditSpec.pretrained("tall-masks.mnist")))
    assert [(check.task, check.what, check.right) for check in checks] == [
        ("mnist", "zero-shot", True),
        ("svhn", "zero-shot", True),
    ]
    assert checks[0].published == pytest.approx(0.4826)
    assert checks[0].low < 0.4826 < checks[0].high


def test_a_wrong_activation_is_detected() -> None:
    """A wrong activation costs zero-shot accuracy far more than chance can on 256 images."""
    first, second = self_test(evaluation(EditSpec.pretrained("tall-masks.mnist"), target=90))
    assert not first.right
    assert second.right


def test_a_fine_tuned_model_is_checked_on_its_target_only() -> None:
    (check,) = self_test(evaluation(EditSpec.finetuned("tall-masks.mnist"), target=255, control=3))
    assert (check.what, check.right) == ("fine-tuned", True)
    (check,) = self_test(evaluation(EditSpec.finetuned("tall-masks.mnist"), target=240))
    assert not check.right


def test_more_checks_have_wider_intervals() -> None:
    one = self_test(evaluation(EditSpec.finetuned("tall-masks.mnist"), target=124))[0]
    two = self_test(evaluation(EditSpec.pretrained("tall-masks.mnist"), target=124))[0]
    assert two.low < one.low
    assert one.high < two.high


def test_a_visitors_checkpoint_has_no_published_accuracy() -> None:
    assert self_test(evaluation(EditSpec.finetuned("own-0123.mnist"))) == ()


@pytest.mark.parametrize(
    "spec",
    [
        EditSpec.lines("tall-masks.mnist", 0.4),
        EditSpec.wise_ft("tall-masks.mnist", 0.5),
        EditSpec.pretrained("tall-masks.mnist", split="val"),
    ],
)
def test_edited_models_and_validation_have_no_published_accuracy(spec: EditSpec) -> None:
    with pytest.raises(EvaluationError, match="complete test evaluations of pre-trained or fine-tuned"):
        self_test(evaluation(spec))


def test_a_partial_evaluation_is_refused() -> None:
    whole = evaluation(EditSpec.pretrained("tall-masks.mnist"))
    with pytest.raises(EvaluationError, match="complete"):
        self_test(replace(whole, complete=False))
