"""The report on `text_strength`: merges after gentle and after strong fine-tuning."""

from collections.abc import Iterator
from pathlib import Path

from evaluators.experiments.merge_search import Score
from evaluators.experiments.table2 import Table2Row
from training.language.text_strength import FILE, Strength, StrengthRow, read_strength
from training.report_tables import markdown, pct, with_interval


def strength_section(assets: Path) -> Iterator[str]:
    """The lines of the section; none if it was not measured."""
    found = read_strength(assets / "report" / FILE)
    if not found:
        return
    yield from ("", "### Strength of fine-tuning, α and part", "")
    gentle, strong = found
    yield (
        "Task arithmetic again, with checkpoints of two strengths from the same pre-trained model and with "
        "each way to scale the blocks; coefficients from 60 validation questions a task, accuracies on 300 "
        f"test questions. The gentle checkpoints, which ship, moved the weights by {pct(gentle.change)} % of "
        f"their norm and reach {_own(gentle)} % on their tasks; the strong ones by {pct(strong.change)} % "
        f"and {_own(strong)} %."
    )
    yield ""
    rows = []
    for place, row in enumerate(gentle.rows):
        sides = [(one, one.rows[place]) for one in found]
        rows.append([_named(row), *(cell for side in sides for cell in _cells(*side))])
    header = ["merge", "gentle", "change", "λ or α, β", "strong", "change", "λ or α, β"]
    yield from markdown(header, rows)
    yield ""
    yield _why(gentle, strong)


def _named(row: StrengthRow) -> str:
    if not row.part:
        return "plain"
    alpha = "α of Eq. 2" if row.share == 1 else f"α = {row.share:g} · Eq. 2" if row.share else "α = 0"
    return f"LiNeS on {row.part}, {alpha}"


def _cells(of: Strength, row: StrengthRow) -> tuple[str, str, str]:
    plain = of.rows[0]
    if row is plain:
        return with_interval(row.score), "", f"{row.alpha:g}"
    low, high = Table2Row("sum", 0.0, plain.score, 0.0, 0.0, row.score).gain_interval
    change = f"{100 * (row.score.mean - plain.score.mean):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
    return with_interval(row.score), change, f"{row.alpha:.3g}, {row.beta:g}"


def _own(of: Strength) -> str:
    return with_interval(Score(tuple(of.finetuned), "test"))


def _why(gentle: Strength, strong: Strength) -> str:
    """What the table says on the paper's order, with the numbers."""

    def change(of: Strength) -> float:
        (row,) = (row for row in of.rows if (row.part, row.share) == ("decoder", 1.0))
        return 100 * (row.score.mean - of.rows[0].score.mean)

    def best(of: Strength) -> float:
        return 100 * (max(row.score.mean for row in of.rows[1:]) - of.rows[0].score.mean)

    (plain, alpha), (low_plain, low_alpha) = ((of.rows[0].alpha, of.alpha) for of in (gentle, strong))
    return (
        f"So strong fine-tuning is why LiNeS lowered these merges: validation takes λ = {low_plain:g}, below "
        f"α = {low_alpha:.3f}, where LiNeS starts; that changes {change(strong):+.1f} points, and a smaller "
        f"α or another part {best(strong):+.1f} at best. Of the gentle residuals validation takes "
        f"λ = {plain:g}; LiNeS on the decoder with α = {alpha:.3f} of Eq. 2 changes {change(gentle):+.1f} "
        f"points, and any α and part {best(gentle):+.1f} at best: nothing measurable. In the table before, "
        "with 30 questions a task to choose by, the plain merge got another λ, and differences as small as "
        "those there come from the choice. The paper's gain (4.5 points for task arithmetic) shows with "
        "neither strength. Its model starts at 44.9 %, ours at 71.4 %, which leaves less to gain; a lower "
        "start was not tried."
    )
