"""Answers to a reviewer's questions: their words follow the intervals."""

import math
from dataclasses import replace

import pytest
import torch

from evaluators.experiments.reviewer_questions import read_questions
from evaluators.specs.image_hits import Hits, accuracy, change
from tests.paths import ROOT
from training.alpha_study import AlphaFinding
from training.careful_study import CAREFUL, CUT, LINES, USUAL, careful_question
from training.hits import change_over_models
from training.repeated_study import LARGE, SMALL, MergeHits, ModelHits, SetHits, read_sets, save_sets
from training.report_questions import (
    alpha_question,
    reviewer_questions,
    seeds_question,
    steps_question,
)
from training.report_soups_ample import soups_question
from training.soup_ample import SHIFTED, TESTED, VALIDATION, SoupHits, read_soups, save_soups
from training.trimming_study import Trimmed, trimming_question

N = 400


def hits(share: float) -> Hits:
    """The first images are named correctly."""
    return Hits((1 << round(share * N)) - 1, N)


def of(**shares: float) -> dict[str, Hits]:
    """Hits by task."""
    return {task: hits(share) for task, share in shares.items()}


def made_set(ties: float, gain: float = 0.05) -> SetHits:
    """Two tasks; TIES has this accuracy, task arithmetic 0.6; LiNeS adds ``gain`` to both."""

    def merge(share: float) -> MergeHits:
        plain, lines = of(digits=share, faces=share), of(digits=share + gain, faces=share + gain)
        return MergeHits(0.5, 0.3, 0.4, plain, lines)

    model = ModelHits(0.2, of(digits=0.9, faces=0.4), of(digits=0.9, faces=0.5))
    other = ModelHits(0.2, of(digits=0.4, faces=0.9), of(digits=0.5, faces=0.9))
    merges = {"sum": merge(0.6), "ties": merge(ties), "consensus": merge(0.6)}
    return SetHits(of(digits=0.5, faces=0.5), {"digits": model, "faces": other}, merges)


def test_hits_count_and_compare_image_by_image() -> None:
    first, second = Hits.of([0, 1, 2, 1], [0, 0, 2, 1]), Hits.of([0, 1, 2, 1], [0, 1, 0, 1])
    assert (first.correct, first.n, first.plain()) == (3, 4, ("d", 4))
    assert Hits.read(first.plain()) == first
    assert change({"a": first}, {"a": second})[0] == 0
    assert accuracy({"a": first, "b": Hits(0, 4)}).mean == pytest.approx(0.375)
    assert change(of(a=0.5), of(a=0.6))[0] == pytest.approx(0.1)


def test_a_tuned_alpha_is_said_to_matter_only_where_its_interval_leaves_0() -> None:
    same = AlphaFinding((0.125, 0.3), (0.1, 0.4), of(digits=0.7), of(digits=0.7))
    better = replace(same, tuned_hits=of(digits=0.8))
    question = alpha_question({"sum": same, "ties": same})
    assert question.answer.startswith("No: for none of Task arithmetic, TIES")
    question = alpha_question({"sum": same, "ties": better})
    assert "measurably: TIES +10.0 points (" in question.answer
    assert question.answer.endswith("No measurable difference for Task arithmetic.")
    assert question.rows[0][1] == "0.125, 0.3"


def test_the_spread_over_seeds_by_hand() -> None:
    """Gains 4, 5 and 6 points: mean 5, standard deviation 1, t interval 5 -+ 4.303 / sqrt(3)."""
    sets = {str(seed): made_set(0.5, gain) for seed, gain in enumerate((0.04, 0.05, 0.06), start=1)}
    question = seeds_question(sets)
    assert "Task arithmetic +5.0 points (+2.5 to +7.5)" in question.answer
    rows = {row[0]: row[1:] for row in question.rows}
    assert rows["Task arithmetic, gain"] == ("+4.0", "+5.0", "+6.0", "+5.0 ± 1.0")
    assert rows["target, fine-tuned"] == ("90.0", "90.0", "90.0", "90.0 ± 0.0")
    assert rows["lost control accuracy given back"][0] == "100.0"
    wide = seeds_question({"1": made_set(0.5, 0.0), "2": made_set(0.5, 0.1)})
    assert "Task arithmetic no measurable difference" in wide.answer


def test_the_order_of_methods_is_said_as_measured() -> None:
    question = steps_question({LARGE: made_set(0.5), SMALL: made_set(0.7)})
    assert "With many small steps TIES against task arithmetic +10.0 points" in question.answer
    assert "with large steps −10.0 points" in question.answer
    assert "Consensus against task arithmetic no measurable difference" in question.answer


def test_a_soup_that_lines_does_not_help_is_said_so() -> None:
    plain = {VALIDATION: hits(0.9), TESTED: hits(0.9), **dict.fromkeys(SHIFTED, hits(0.5))}
    worse = plain | {VALIDATION: hits(0.8), TESTED: hits(0.8)}
    better = plain | {VALIDATION: hits(0.95), TESTED: hits(0.95)}
    soup = SoupHits(("a", "b"), {0.0: plain, 0.2: worse}, {1.0: plain}, 0.5, 0.2)
    helped = replace(soup, lines={0.0: plain, 0.2: better})
    question = soups_question({"uniform soup": soup, "greedy soup": helped})
    assert "measurably helps the greedy soup." in question.answer
    assert "choose: uniform soup β = 0; greedy soup β = 0.2, on test +5.0 points (" in question.answer
    assert "shrinks the change by 50 % in the uniform soup (0.20), 50 %" in question.answer
    assert "measurably helps none." in soups_question({"uniform soup": soup}).answer


def test_trimming_and_electing_are_told_apart() -> None:
    found = {
        "sum": Trimmed(0.3, 1.0, of(digits=0.8)),
        "0.2": Trimmed(0.8, 0.66, of(digits=0.7)),
        "1": Trimmed(1.2, 1.0, of(digits=0.8)),
    }
    question = trimming_question(found)
    assert "against TIES without trimming: −10.0 points (" in question.answer
    assert "task arithmetic: no measurable difference" in question.answer
    assert question.rows[1][:3] == ("TIES, keeps 20 % of the entries", "0.8", "66")


def test_checkpoints_share_their_control_images() -> None:
    """Two checkpoints with the same change: the interval of the control images is that of one of them."""
    before = {task: of(a=0.5, b=0.5, c=0.5) for task in ("a", "b")}
    after = {task: of(a=0.6, b=0.6, c=0.6) for task in ("a", "b")}
    value, low, high = change_over_models(before, after, control=True)
    images = torch.zeros(N)
    images[:40] = 1
    assert value == pytest.approx(0.1)
    assert high - low == pytest.approx(2 * 1.959964 * math.sqrt(3 * float(images.var()) / N) / 3)
    assert change_over_models(before, after, control=False)[0] == pytest.approx(0.1)


def test_careful_is_above_only_where_both_intervals_are() -> None:
    lines = {"digits": of(digits=0.7, faces=0.5), "faces": of(digits=0.5, faces=0.7)}
    better = {"digits": of(digits=0.8, faces=0.6), "faces": of(digits=0.6, faces=0.8)}
    found = {USUAL: lines, LINES: lines, **dict.fromkeys(CAREFUL.values(), lines)}
    worse = {"digits": of(digits=0.2, faces=0.5), "faces": of(digits=0.5, faces=0.2)}
    cut = dict.fromkeys(CUT, worse)
    assert "both accuracies: none of LinLR" in careful_question(found | cut).answer
    question = careful_question(found | {"LastFT": better} | cut)
    assert "both accuracies: LastFT." in question.answer
    assert "first 6 blocks put back, −50.0 points (" in question.answer


def test_what_is_saved_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    sets = {"1": made_set(0.5)}
    save_sets(tmp_path / "sets.json", sets)
    assert read_sets(tmp_path / "sets.json") == sets
    soups = {"uniform": SoupHits(("a",), {0.0: of(x=0.5)}, {1.0: of(x=0.5)}, 0.5, 0.2)}
    save_soups(tmp_path / "soups.json", soups)
    assert read_soups(tmp_path / "soups.json") == soups
    assert read_sets(tmp_path / "absent.json") == {}


def test_the_page_shows_what_the_report_says() -> None:
    """``report/questions.json`` is what ``python -m training report`` makes of the measurements."""
    assert tuple(reviewer_questions(ROOT / "assets")) == read_questions(ROOT / "assets")
