"""The live panel on a page without Gradio: an answer without numbers leaves those on screen what they are."""

from pathlib import Path
from typing import Any

import pytest

import ui
from tests.browser import driving
from ui.live.live_panel import SCRIPTS, answer
from ui.live.subject import asked

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><meta charset="utf-8">
<div id="panel"><div class="lx-live"><div data-slot="line"></div><div data-slot="subject"></div></div></div>
<script>
window.controls = ["equal"];
window.lxAddress = {{ values: () => window.controls, moves: 0 }};
window.panel = {{ props: {{
  fixed: JSON.stringify({{
    palette: {{}}, words: {{}}, subject: [0], moves: [0], quiet: 20, late: 400, silence: 10000,
  }}),
  value: JSON.stringify({{ version: -1, state: "empty", slots: {{}} }}),
}}, watch: (_, came) => (window.panel.came = came), trigger() {{}} }};
const element = document.getElementById("panel"), {{ props, watch, trigger }} = window.panel;
{scripts}
window.moved = (value) => {{
  window.controls = [value];
  window.dispatchEvent(new Event("lx-named"));
  window.dispatchEvent(new CustomEvent("lx-moved", {{ detail: 0 }}));
}};
window.receive = async (answer) => {{
  window.panel.props.value = JSON.stringify(answer);
  window.panel.came();
  while (document.querySelector(".lx-live").dataset.version !== String(answer.version))
    await new Promise((later) => setTimeout(later));
  return document.querySelector(".lx-live").classList.contains("lx-stale");
}};
</script>"""


def test_numbers_fade_until_those_asked_for_are_drawn(browser: Any) -> None:
    """Merge clears its waiting line with an answer of its own: the old numbers looked like new ones."""
    scripts = "".join((Path(ui.__path__[0]) / "live" / name).read_text("utf-8") for name in SCRIPTS)
    page = driving.patient(browser.new_context().new_page())
    page.set_content(PAGE.format(scripts=scripts))

    def stale(version: int, state: str, about: str, **slots: str) -> bool:
        value = asked(answer(version=version, state=state, slots=slots), [about])
        return bool(page.evaluate("(answer) => receive(answer)", value))

    assert not stale(1, "complete", "equal", subject="equal")
    page.evaluate("moved('digits 0.5')")
    assert stale(2, "waiting", "digits 0.5", line="merging")
    assert stale(3, "partial", "digits 0.5")
    assert not stale(4, "partial", "digits 0.5", subject="digits × 0.5")
    page.context.close()
