"""The story's words in every language, and the numbers that it tells."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.start.start_page import story_words
from ui.start.story_steps import STEPS
from ui.start.story_values import TASK, story_values

WORDS = story_words()
SAID_BY_THE_BROWSER = {
    "best_control", "best_gamma", "control", "gamma", "guess", "kept", "not_everywhere", "off",
    "related", "step", "steps", "wise_measurable",
}  # fmt: skip


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text under its path, so that two languages can be compared entry by entry."""
    if isinstance(value, str):
        yield path, value
    else:
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            yield from texts(entry, f"{path}/{key}")


def marks(text: str) -> tuple[list[str], list[str]]:
    """Placeholders and glossary terms of a text."""
    return sorted(re.findall(r"\{(\w+)\}", text)), sorted(re.findall(r"\[\[(\w+)\|", text))


@pytest.mark.parametrize("language", ["de", "es", "fr", "zh"])
def test_no_text_number_or_term_is_missing_in_a_language(language: str) -> None:
    english, other = dict(texts(WORDS["en"])), dict(texts(WORDS[language]))
    assert other.keys() == english.keys()
    for path, text in english.items():
        assert other[path].strip(), path
        assert marks(other[path]) == marks(text), path


def test_every_step_has_its_words() -> None:
    assert [step.id for step in STEPS] == list(WORDS["en"]["steps"])
    for step in STEPS:
        told = WORDS["en"]["steps"][step.id]
        assert (step.kind == "quiz") == ("options" in told)
        if step.kind == "quiz":
            assert len(told["options"]) == len(told["feedback"])
            assert step.right in range(len(told["options"]))
    for term in {term for _, text in texts(WORDS["en"]) for term in marks(text)[1]}:
        assert term in WORDS["en"]["glossary"]


def test_the_numbers_are_those_of_the_evaluations(studio: ZeroCostStudio) -> None:
    values = story_values(cast(Studio, studio))
    assert values is not None
    for name, spec in {
        "pre": EditSpec.pretrained(TASK),
        "ft": EditSpec.finetuned(TASK),
        "mid": EditSpec.lines(TASK, 0.4),
        "rev": EditSpec.lines(TASK, 0.4, shape="reverse", outside="depth"),
    }.items():
        evaluation = studio.evaluate(spec)
        assert (values[f"{name}_target"], values[f"{name}_control"]) == (
            evaluation.target,
            evaluation.control,
        )
    assert values["needed"] == 0.95 * values["ft_target"]
    assert values["chance"] == 0.1, "ten digits"
    assert (values["digits_pre"], values["digits_ft"]) == tuple(
        next(task.accuracy for task in studio.evaluate(spec).tasks if task.key == "digits")
        for spec in (EditSpec.pretrained(TASK), EditSpec.finetuned(TASK))
    )
    said = {name for _, text in texts(WORDS["en"]) for name in marks(text)[0]}
    assert said <= values.keys() | SAID_BY_THE_BROWSER
    assert {step.answer for step in STEPS} - {None} <= values.keys()


def test_the_links_of_the_lesson_are_those_of_the_steps() -> None:
    lesson = (Path(__file__).parents[2] / "docs" / "lesson.md").read_text(encoding="utf-8")
    links = re.findall(r"`\?story=(\d+)&(page=\S+)`", lesson)
    assert len(links) >= 3
    for number, link in links:
        step = STEPS[int(number) - 1]
        assert link == step.link, step.id


def test_without_known_numbers_there_is_no_story(cold: ZeroCostStudio) -> None:
    assert story_values(cast(Studio, cold)) is None


def test_every_step_keeps_the_checkpoint() -> None:
    """The last two steps led to pages without it, and the story ended with another task chosen."""
    assert all(f"task={TASK}" in link for step in STEPS for link in (step.link, step.reveal) if link)
