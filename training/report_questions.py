"""The questions a reviewer asks, for REPORT.md and for the page: words chosen by the intervals."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

from evaluators.experiments.reviewer_questions import QUESTIONS, ReviewerQuestion, save_questions
from evaluators.specs.image_hits import TaskHits, accuracy, change
from evaluators.specs.paired_counts import Change
from lines_core.merging import METHODS
from training.alpha_study import FILE as ALPHA
from training.alpha_study import REFINED, AlphaFinding, read_alpha
from training.careful_study import FILE as CAREFUL
from training.careful_study import careful_question, read_careful
from training.repeated_study import LARGE, SEEDS_FILE, SMALL, STEPS_FILE, SetHits, read_sets
from training.report_change import accuracy_cell, change_cell, change_words
from training.report_soups_ample import soups_question
from training.report_tables import markdown
from training.soup_ample import FILE as SOUPS
from training.soup_ample import LONG_FILE, read_soups
from training.trimming_study import FILE as TRIMMING
from training.trimming_study import read_trimming, trimming_question
from ui.shell.text import signed

STUDENT = {2: 12.706, 3: 4.303}
"""97.5 % quantile of Student's t for the mean of so many values."""


def alpha_question(found: Mapping[str, AlphaFinding]) -> ReviewerQuestion:
    """Eq. 2 against a tuned alpha."""
    changes = {
        METHODS[method].title: change(finding.equation_hits, finding.tuned_hits)
        for method, finding in found.items()
    }
    measurable = {title: gain for title, gain in changes.items() if not gain[1] <= 0 <= gain[2]}
    said = "; ".join(f"{title} {change_words(gain)}" for title, gain in measurable.items())
    same = ", ".join(title for title in changes if title not in measurable)
    if not measurable:
        answer = f"No: for none of {same} is there a measurable difference to an α tuned together with β."
    else:
        answer = f"Tuning α too changes test accuracy measurably: {said}."
        answer += f" No measurable difference for {same}." if same else ""
    return ReviewerQuestion(
        question="Does it cost accuracy to take α from Eq. 2 instead of tuning it?",
        answer=answer,
        how="Eight tasks merged, everything chosen on validation: β alone, or α and β, of the 121 cells of "
        f"the map the {REFINED} best on 100 images a task and of these the best on all. Accuracy on all test "
        "images, the difference image by image, in points with 95 % intervals.",
        header=("method", "Eq. 2: α, β", "test (%)", "tuned: α, β", "test (%)", "tuned − Eq. 2"),
        rows=tuple(
            (
                METHODS[method].title,
                "{:.3f}, {:g}".format(*finding.by_equation),
                accuracy_cell(finding.equation_hits),
                "{:g}, {:g}".format(*finding.tuned),
                accuracy_cell(finding.tuned_hits),
                change_cell(changes[METHODS[method].title]),
            )
            for method, finding in found.items()
        ),
    )


def common_tasks(sets: Mapping[str, SetHits]) -> tuple[str, ...]:
    """Tasks that every set has fine-tuned."""
    first, *rest = sets.values()
    return tuple(key for key in first.models if "." not in key and all(key in other.models for other in rest))


def _controls(hits: TaskHits, target: str) -> tuple[str, ...]:
    return tuple(task for task in hits if task != target)


def single_task_means(found: SetHits, tasks: Sequence[str]) -> dict[str, float]:
    """Mean target and control accuracy over checkpoints, without LiNeS and with it; the share regained."""

    def over(select: str, control: bool) -> float:
        values = []
        for task in tasks:
            hits: TaskHits = getattr(found.models[task], select)
            values.append(accuracy(hits, _controls(hits, task) if control else [task]).mean)
        return mean(values)

    zero_shot = mean(accuracy(found.pretrained, _controls(found.pretrained, task)).mean for task in tasks)
    control, lines_control = over("finetuned", True), over("lines", True)
    return {
        "target, fine-tuned": over("finetuned", False),
        "target, LiNeS": over("lines", False),
        "control, fine-tuned": control,
        "control, LiNeS": lines_control,
        "γ, mean": mean(found.models[task].gamma for task in tasks),
        "lost control accuracy given back": (lines_control - control) / (zero_shot - control),
    }


def _seed_metrics(found: SetHits, tasks: Sequence[str]) -> dict[str, float]:
    metrics = single_task_means(found, tasks)
    for method, merge in found.merges.items():
        title = METHODS[method].title
        plain, lines = accuracy(merge.plain).mean, accuracy(merge.lines).mean
        metrics |= {title: plain, f"{title} + LiNeS": lines, f"{title}, gain": lines - plain}
    return metrics


def gains_over_seeds(spread: Mapping[str, Sequence[float]]) -> dict[str, Change]:
    """What LiNeS adds to each method, with its 95 % interval over seeds; by title."""
    found = {}
    for name, values in spread.items():
        if name.endswith(", gain"):
            reach = STUDENT[len(values)] * stdev(values) / sqrt(len(values))
            found[name.removesuffix(", gain")] = mean(values), mean(values) - reach, mean(values) + reach
    return found


def seed_spread(sets: Mapping[str, SetHits]) -> dict[str, list[float]]:
    """The values of each metric, seed by seed."""
    tasks = common_tasks(sets)
    metrics = [_seed_metrics(found, tasks) for found in sets.values()]
    return {name: [one[name] for one in metrics] for name in metrics[0]}


def untold_over_seeds(sets: Mapping[str, SetHits]) -> list[str]:
    """Titles of the methods for which no gain can be told from seed to seed; none without repetitions."""
    if len(sets) < 2:
        return []
    gains = gains_over_seeds(seed_spread(sets))
    return [title for title, (_, low, high) in gains.items() if low <= 0 <= high]


def seeds_question(sets: Mapping[str, SetHits]) -> ReviewerQuestion:
    """The spread over fine-tuning seeds."""
    tasks = common_tasks(sets)
    spread = seed_spread(sets)
    clear: list[str] = []
    unclear: list[str] = []
    for title, found in gains_over_seeds(spread).items():
        (unclear if found[1] <= 0 <= found[2] else clear).append(f"{title} {change_words(found)}")
    answer = f"LiNeS's gain over {len(sets)} seeds, with its 95 % interval over seeds: "
    answer += "; ".join([*clear, *unclear]) + "."
    rows = [
        (
            name,
            *(_cell(name, value) for value in values),
            f"{_cell(name, mean(values))} ± {_cell(name, stdev(values), difference=False)}",
        )
        for name, values in spread.items()
    ]
    return ReviewerQuestion(
        question="How far do the numbers move with the seed of fine-tuning?",
        answer=answer,
        how=f"{len(tasks)} tasks fine-tuned from {len(sets)} seeds each ({', '.join(tasks)}); means over "
        "the tasks on all test images in %, coefficients chosen on validation for each seed; last column: "
        "mean ± standard deviation over seeds.",
        header=("mean over tasks", *(f"seed {seed}" for seed in sets), "mean ± sd"),
        rows=tuple(rows),
    )


def _cell(name: str, value: float, difference: bool = True) -> str:
    if name.startswith("γ"):
        return f"{value:.2f}"
    if name.endswith(", gain") and difference:
        return signed(value)
    return f"{100 * value:.1f}"


def steps_question(sets: Mapping[str, SetHits]) -> ReviewerQuestion:
    """Few large steps against many small ones."""
    large, small = sets[LARGE], sets[SMALL]
    tasks = common_tasks(sets)
    columns = {name: single_task_means(found, tasks) for name, found in sets.items()}
    rows = [(name, *(_cell(name, columns[key][name]) for key in (LARGE, SMALL))) for name in columns[LARGE]]
    for variant in sorted({key.rpartition(".")[0] for key in small.models} - {""}):
        keys = [f"{variant}.{task}" for task in tasks if f"{variant}.{task}" in small.models]
        rows.append(
            (
                f"{variant}: target / control ({len(keys)} tasks)",
                *(_target_and_control(found, keys) for found in (large, small)),
            )
        )
    for method in large.merges:
        for name in ("plain", "lines"):
            label = METHODS[method].title + (" + LiNeS" if name == "lines" else "")
            rows.append(
                (label, *(accuracy_cell(getattr(found.merges[method], name)) for found in (large, small)))
            )
    orders = {
        key: {
            method: change(found.merges["sum"].plain, found.merges[method].plain)
            for method in ("ties", "consensus")
        }
        for key, found in sets.items()
    }
    for method in ("ties", "consensus"):
        rows.append(
            (
                f"{METHODS[method].title} − {METHODS['sum'].title}, plain",
                *(change_cell(orders[key][method]) for key in (LARGE, SMALL)),
            )
        )
    said = "; ".join(
        f"{METHODS[method].title} against task arithmetic {change_words(orders[SMALL][method])}, with large "
        f"steps {change_words(orders[LARGE][method])}"
        for method in ("ties", "consensus")
    )
    return ReviewerQuestion(
        question="Are few large steps the reason why the order of the methods differs from the paper's?",
        answer=f"With many small steps {said}.",
        how=f"{len(tasks)} tasks ({', '.join(tasks)}) fine-tuned again with ten times the steps at a tenth "
        "of the rate, on five times the images; means on all test images (%), differences in points image "
        "by image, coefficients chosen on validation.",
        header=("mean over the tasks", "few large steps (shipped)", "many small steps"),
        rows=tuple(rows),
    )


def _target_and_control(found: SetHits, keys: Sequence[str]) -> str:
    if any(key not in found.models for key in keys):
        return "–"
    models = {key: found.models[key].finetuned for key in keys}
    target = mean(accuracy(hits, [key.rpartition(".")[2]]).mean for key, hits in models.items())
    control = mean(
        accuracy(hits, _controls(hits, key.rpartition(".")[2])).mean for key, hits in models.items()
    )
    return f"{100 * target:.1f} / {100 * control:.1f}"


def reviewer_questions(assets: Path) -> list[ReviewerQuestion]:
    """Those whose measurements ship."""
    report = assets / "report"
    found = []
    if (report / ALPHA).exists():
        found.append(alpha_question(read_alpha(report / ALPHA)))
    if (report / TRIMMING).exists():
        found.append(trimming_question(read_trimming(report / TRIMMING)))
    if (report / CAREFUL).exists():
        found.append(careful_question(read_careful(report / CAREFUL)))
    if len(seeds := read_sets(report / SEEDS_FILE)) > 1:
        found.append(seeds_question(seeds))
    if len(steps := read_sets(report / STEPS_FILE)) > 1:
        found.append(steps_question(steps))
    if (report / SOUPS).exists():
        soups = {f"{name} soup": soup for name, soup in read_soups(report / SOUPS).items()}
        if (report / LONG_FILE).exists():
            long = read_soups(report / LONG_FILE)
            soups |= {f"{name} soup of long members": soup for name, soup in long.items()}
        found.append(soups_question(soups))
    return found


def questions_section(assets: Path) -> Iterator[str]:
    """The lines of the report's section; writes what the page shows."""
    questions = reviewer_questions(assets)
    save_questions(assets / QUESTIONS, questions)
    if questions:
        yield from ("## Questions a reviewer asks", "")
    for question in questions:
        yield from (f"### {question.question}", "", question.answer, "")
        yield from markdown(question.header, question.rows)
        yield from ("", question.how, "")
