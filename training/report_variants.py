"""The report on variants of fine-tuning: Tables 10 and 11, the paper's numbers beside ours."""

from collections.abc import Iterator
from pathlib import Path

from evaluators.experiments.finetuning_variants import LORA, RATES, USUAL, VariantResult
from evaluators.specs.checkpoint_means import Estimate
from training.comparisons import RANKS, variants
from training.report_tables import markdown, with_interval
from training.study import Study
from training.variants_study import FILE, measured_result, tuned_specs

PAPER = {
    USUAL.key: ("90.5 / 38.0", "90.3 / 48.0"),
    "linlr": ("90.7 / 46.9", "–"),
    "explr": ("89.6 / 46.0", "–"),
    "halfft": ("90.4 / 46.8", "–"),
    "lastft": ("85.6 / 46.6", "–"),
    "lora-1": ("84.4 / 44.2", "84.3 / 46.7"),
    "lora-2": ("85.8 / 42.8", "85.5 / 46.7"),
    "lora-4": ("86.6 / 41.6", "86.4 / 46.2"),
    "lora-8": ("87.5 / 41.6", "87.2 / 46.3"),
}
"""Without LiNeS and with it. Table 11 has four ranks; which ones is lost in our copy of the paper."""


def variants_section(assets: Path) -> Iterator[str]:
    """The lines of the section."""
    study = Study(assets / "report" / FILE)
    compared = (USUAL, *(variant for variant in variants() if variant.kind in (RATES, LORA)))
    results = [measured_result(study, tuned_specs(study, variant)[0]) for variant in compared]
    yield from ("## Variants of fine-tuning, with and without LiNeS", "")
    yield (
        "Mean target / mean control accuracy over the eight checkpoints on all test images (%), γ by C.1 "
        "on 200 validation images per task for each checkpoint; beside them the paper's Tables 10 and 11."
    )
    yield ""
    rows = [
        [
            "fine-tuned" if result.variant == USUAL else result.variant.title,
            _pair(result.target, result.control),
            PAPER[result.variant.key][0],
            _pair(result.lines_target, result.lines_control),
            PAPER[result.variant.key][1],
        ]
        for result in results
    ]
    yield from markdown(["variant", "plain", "paper", "with LiNeS", "paper"], rows)
    yield ""
    yield _comparison(results[0], [result for result in results if result.variant.kind == RATES])
    yield ""
    yield WHY
    yield ""
    low_rank = [result for result in results if result.variant.kind == LORA]
    gains = ", ".join(f"{100 * (found.lines_control.mean - found.control.mean):+.1f}" for found in low_rank)
    costs = ", ".join(f"{100 * (found.lines_target.mean - found.target.mean):+.1f}" for found in low_rank)
    yield (
        f"On LoRA of rank {', '.join(map(str, RANKS))} LiNeS changes control accuracy by {gains} points and "
        f"target accuracy by {costs}."
    )


def _pair(target: Estimate, control: Estimate) -> str:
    return f"{with_interval(target)} / {with_interval(control)}"


def _comparison(usual: VariantResult, others: list[VariantResult]) -> str:
    titles: dict[int, list[str]] = {0: [], 1: [], 2: []}  # by the number of accuracies that are higher
    for other in others:
        higher = other.target.mean > usual.lines_target.mean, other.control.mean > usual.lines_control.mean
        titles[sum(higher)].append(other.variant.title)
    below, mixed, above = titles.values()
    parts = []
    if below:
        parts.append(f"is better than {', '.join(below)} in both")
    if above:
        parts.append(f"is worse than {', '.join(above)} in both")
    if mixed:
        parts.append(f"trades one for the other with {', '.join(mixed)}")
    return f"The usual fine-tuning edited by LiNeS {'; it '.join(parts)}."


WHY = (
    "In the paper LiNeS after training forgets less than every regularised fine-tuning; here the regularised "
    "variants are about as good or better. The lab's usual fine-tuning takes few and large steps, chosen so "
    "that it forgets visibly; how much of the task these put into the shallow layers is measured below, "
    "among the questions a reviewer asks. LiNeS still adds control accuracy to each of them."
)
"""What differs from the paper, in words; the numbers around it are measured."""
