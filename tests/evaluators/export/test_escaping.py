"""Text from elsewhere, such as a file's name, in card and recipe."""

import dataclasses
import re
from dataclasses import replace

import pytest

from evaluators.export import LAYOUTS
from evaluators.export.edit_sources import BaseModel, SourceCheckpoint, base_of, sources_of
from evaluators.export.escaping import one_line
from evaluators.export.mergekit_recipe import recipe
from evaluators.export.model_card import card
from evaluators.service.studio import Studio
from evaluators.specs.evaluation import Evaluation
from tests.evaluators.export.exported_specs import (
    SPECS,
    parsed,
)

EVIL = 'a`|\n# <script>alert("1")</script> {x: y}\x1b\u2028\ud800'


@pytest.fixture
def strangers(studio: Studio) -> tuple[BaseModel, list[SourceCheckpoint]]:
    (source,) = sources_of(studio.lab, SPECS["gamma 0"])
    return base_of(studio.lab), [replace(source, title=EVIL, origin=EVIL, open_clip=False)]


def test_a_strangers_file_name_does_no_harm(
    studio: Studio, strangers: tuple[BaseModel, list[SourceCheckpoint]], measured: list[Evaluation]
) -> None:
    spec, (base, sources) = SPECS["gamma 0.4"], strangers
    scales, names = spec.scales(4), LAYOUTS["open_clip"]
    tasks = [replace(task, title=EVIL) for task in measured[0].tasks]
    evaluation = replace(measured[0], tasks=tuple(tasks))
    text = card(spec, scales, base, sources, names, (1, 1), "gelu", [evaluation])
    text.encode("utf-8")
    outside = re.sub(r"`[^`\n]*`", "", text.replace("```", ""))
    assert "<script>" in text
    assert "<script>" not in outside
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| ") and "script" in line}
    assert widths == {1, 2}
    plan = recipe(spec, scales, base, sources, names)
    plan.encode("utf-8")
    assert parsed(plan)["models"][0]["model"] == one_line(EVIL)
    assert "mergekit 0.1.5 runs it once base_model and models are local" in plan


def test_a_head_of_its_own_is_mentioned(
    strangers: tuple[BaseModel, list[SourceCheckpoint]], measured: list[Evaluation]
) -> None:
    """Model soups were fine-tuned together with a head, which no image tower holds."""
    spec, (base, sources) = SPECS["gamma 0.4"], strangers
    arguments = (LAYOUTS["open_clip"], (1, 1), "gelu", measured[:1])
    without = card(spec, spec.scales(4), base, sources, *arguments)
    own = [dataclasses.replace(source, head=True) for source in sources]
    with_head = card(spec, spec.scales(4), base, own, *arguments)
    assert "it is not in the file" not in without
    assert "a classification head too" in with_head
