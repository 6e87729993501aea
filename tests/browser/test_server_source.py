"""When the page asks the server for the remaining answers: tier 2, without Gradio."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ui

pytestmark = pytest.mark.browser
SCRIPT = Path(ui.__path__[0]) / "live" / "server_source.js"
PAGE = """<!doctype html><meta charset="utf-8"><script>{script}
const isCurrent = () => true;
window.lxAddress = {{ moves: 2 }};
// Milliseconds after a move when the page asks for more; null if it does not. The answer comes at once.
window.asks = (answer) => new Promise((resolve) => {{
  const begin = performance.now(), gradio = {{
    props: {{}},
    watch: (_, came) => (gradio.came = came),
    trigger: () => resolve(performance.now() - begin),
  }};
  const source = serverSource(gradio, {{ quiet: 20, late: 400, silence: 10000 }});
  (async () => {{ for await (const _ of source.stream([], new AbortController().signal)); }})();
  if (answer) {{
    gradio.props.value = JSON.stringify(answer);
    gradio.came();
  }}
  setTimeout(() => resolve(null), 1000);
}});
</script>"""
SETTLED = {"state": "complete", "moves": 2, "settled": True}


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A blank page with the script."""
    page = browser.new_context().new_page()
    page.set_content(PAGE.format(script=SCRIPT.read_text("utf-8")))
    yield page
    page.context.close()


def test_nothing_is_asked_where_nothing_is_left_to_be_counted(page: Any) -> None:
    """Tier 2 was asked at every rest, which takes an event of the queue."""
    assert page.evaluate("(answer) => asks(answer)", SETTLED) is None


@pytest.mark.parametrize(
    ("answer", "least"),
    [(SETTLED | {"settled": False}, 20), (SETTLED | {"moves": 1}, 400), (None, 400)],
    ids=["unsettled", "to an older move", "no answer"],
)
def test_the_rest_is_asked_for(page: Any, answer: dict[str, Any] | None, least: float) -> None:
    waited = page.evaluate("(answer) => asks(answer)", answer)
    assert waited is not None
    assert waited >= least - 1
