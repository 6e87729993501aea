"""The live panel of Explore on a page without Gradio and without a server: only its scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ui
from evaluators.specs.evaluation import Evaluation
from tests.browser import driving
from ui.explore.explore_charts import ANSWER_SCRIPTS, CHART_SCRIPTS, view_settings
from ui.explore.explore_json import evaluation_json, landmarks_json, live_answer
from ui.explore.references import References
from ui.layout import STYLE_SHEETS
from ui.live.schedule_tables import affine_tables
from ui.shell.theme import style_variables

UI = Path(ui.__path__[0])
PAGE = """<!doctype html><meta charset="utf-8"><style>{styles}</style>
<div class="lx-live" data-version="-1"></div>
<script>{scripts}
const settings = {settings};
window.went = [];
window.reader = answerReader(settings);
window.view = exploreView(document.querySelector(".lx-live"), settings, {
    go: (edit) => window.went.push(edit),
    pin: (letter) => window.went.push(letter),
    visit: (link) => window.went.push(link),
});
</script>"""


@contextmanager
def bare_charts(browser: Any) -> Iterator[Any]:
    """The page; fails at its end if a script failed."""
    page = driving.patient(browser.new_context(viewport={"width": 1200, "height": 900}).new_page())
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    styles = style_variables() + "".join(sheet.read_text("utf-8") for sheet in STYLE_SHEETS)
    scripts = "".join((UI / "live" / name).read_text("utf-8") for name in (*CHART_SCRIPTS, *ANSWER_SCRIPTS))
    settings = {**view_settings(), "affine": affine_tables([("tiny-clip", 12)])}
    page.set_content(
        PAGE.replace("{styles}", styles)
        .replace("{scripts}", scripts)
        .replace("{settings}", json.dumps(settings))
    )
    yield page
    assert problems == []
    page.context.close()


def answer_to(
    evaluation: Evaluation, references: References, version: int = 1, **rest: Any
) -> dict[str, Any]:
    """An answer as the server sends it."""
    return live_answer(
        version=version,
        state="complete" if evaluation.complete else "partial",
        key=evaluation.spec.key(),
        evaluation=evaluation_json(evaluation, 1600),
        landmarks=landmarks_json(
            references,
            evaluation.tasks,
            f"Tiny <i>CLIP</i>, fine-tuned on {evaluation.target_task.title}",
            0.4,
        ),
        **rest,
    )


def read(page: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """What the browser makes of an answer."""
    found: dict[str, Any] = page.evaluate("(answer) => window.reader.read(answer)", answer)
    return found
