"""The question about soups: does a beta above 0 help on thousands of images?"""

from collections.abc import Mapping

from evaluators.experiments.reviewer_questions import ReviewerQuestion
from evaluators.specs.image_hits import change
from training.report_change import accuracy_cell, change_cell, change_words
from training.soup_ample import SHIFTED, TESTED, VALIDATION, SoupHits


def soups_question(soups: Mapping[str, SoupHits]) -> ReviewerQuestion:
    """Whether a beta above 0 helps a soup, and why not.

    Args:
        soups: by their names, such as "uniform soup".
    """
    rows, gains = [], {}
    for name, soup in soups.items():
        plain = soup.lines[0.0]
        best = max(soup.lines, key=lambda beta: (soup.lines[beta][VALIDATION].correct, -beta))
        gains[name] = best, change(plain, soup.lines[best], [TESTED])
        for beta, hits in soup.lines.items():
            cells = (
                accuracy_cell(hits, data) if beta == 0 else change_cell(change(plain, hits, data))
                for data in ([VALIDATION], [TESTED], SHIFTED)
            )
            rows.append((f"{name}: {len(soup.members)} members, β = {beta:g}", *cells))
    helped = [f"the {name}" for name, (_, (_, low, _)) in gains.items() if low > 0]
    chosen = "; ".join(
        f"{name} β = {best:g}" + (f", on test {change_words(gain)}" if best else "")
        for name, (best, gain) in gains.items()
    )
    shapes = ", ".join(
        f"{100 * (1 - soup.shrinkage):.0f} % in the {name} ({soup.cosine:.2f})"
        for name, soup in soups.items()
    )
    others = (
        "; long ones are others, of more and smaller steps" if any("long" in name for name in soups) else ""
    )
    return ReviewerQuestion(
        question="Does LiNeS help a soup (Table 4), and would more images show it?",
        answer=f"On test images it measurably helps {' and '.join(helped) or 'none'}. β = 0 is the plain "
        f"soup; 2,000 validation images choose: {chosen}. Averaging, which LiNeS would make up for, shrinks "
        f"the change by {shapes}; in brackets the mean cosine of two members' changes.",
        how="The shipped members on images drawn beyond those that ship: 2,000 for validation, 3,000 for "
        "test, 500 of each shift; rows with β > 0 are differences to the plain soup in points, image by "
        f"image, with 95 % intervals{others}.",
        header=("soup", "validation", "test", "mean of the shifts"),
        rows=tuple(rows),
    )
