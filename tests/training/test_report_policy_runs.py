"""What the report says of other trainings of the policies follows their intervals."""

from typing import Any

from training.report_policy_runs import policy_runs_section
from training.report_rewarded import verdict

SCALES = {(1.0, 0.0): 0.0, (0.5, 1.0): 0.01, (1.0, 1.0): 0.01, (1.5, 0.0): -0.01}


def _run(title: str, gain: list[float], depth: list[float], supervised_steps: int = 400) -> dict[str, Any]:
    points = [{"faithful": [w, w, w], "preferred": [0.9 - w] * 3} for w in (0.3, 0.8)]
    rows = [
        {
            "alpha": alpha,
            "beta": beta,
            "points": points,
            "hypervolume": [0.5, 0.4, 0.6],
            "gain": gain,
            "over_level": depth,
        }
        for alpha, beta in SCALES
    ]
    facts = {"supervised_steps": supervised_steps, "steps": 60, "rank": 8, "rate": 2e-3, "penalty": 0.0}
    blocks = {"faithful": [0.01, 0.03], "preferred": [0.03, 0.05]}
    start = {"faithful": [supervised_steps / 1000] * 3, "preferred": [0.4] * 3}
    return (
        {"title": title, "rows": rows, "supervised": start}
        | facts
        | {
            "norms": blocks,
            "lost": blocks,
        }
    )


REPORT: dict[str, Any] = {
    "validation": 300,
    "coarse": [0.0, 1.0],
    "fronts": {"lines": {"gain": [0.0, -0.01, 0.01]}},
    "alternatives": [
        {"alpha": a, "beta": b, "hypervolume": [0.5, 0.4, 0.6], "gain": [g, g, g]}
        for (a, b), g in SCALES.items()
    ],
    "runs": [
        _run("as shipped", [0.0, -0.01, 0.01], [0.0, -0.01, 0.01]),
        _run("early", [0.02, 0.01, 0.03], [0.02, 0.01, 0.03], 800),
        _run("strong", [-0.02, -0.03, -0.01], [0.0, -0.01, 0.01]),
    ],
}


def test_each_training_has_its_numbers() -> None:
    lines = list(policy_runs_section(REPORT))
    [early] = [line for line in lines if line.startswith("| early | 800")]
    assert "| 80.0 / 60.0 | 2.0 %, 4.0 % | 50.0 (40.0 to 60.0) | +2.0 (+1.0 to +3.0) |" in early
    assert any(
        "40.0 / 40.0 after the short supervised training and 80.0 / 40.0 after the long" in x for x in lines
    )
    assert "| early, preferred | 3.0 %, -3.0 | 5.0 %, -5.0 |" in lines
    assert "| 1, 1 (LiNeS, our reading of the paper) | 1 to 2 | 1.5 | +1.0 (+1.0 to +1.0) |  |" in lines


def test_the_verdict_names_the_trainings_that_are_told_apart() -> None:
    said = verdict(REPORT)
    assert said.startswith("The effect does not show with the policies that ship and α = 0.5, β = 1")
    assert said.count("better with *early*, worse with *strong*") == 2
    assert "block: better with *early*, worse with none." in said
    assert "has the sign of both together in 3 of 3 trainings" in said
    assert "missed most by 0 of 6 policies" in said
