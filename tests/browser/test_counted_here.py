"""Counts of the visitor's browser are drawn, in whatever order the server had answered."""

from pathlib import Path
from typing import Any

import pytest

import static
from tests.browser import driving

pytestmark = pytest.mark.browser
SCRIPT = Path(static.__path__[0]) / "page" / "runtime" / "counted_here.js"
ADDRESS = "http://lines.test/"
PAGE = """<!doctype html><meta charset="utf-8"><script>
const factorsOfSpecs = () => null, shippedAnswers = () => null, lazyEngine = () => null;
const browserSource = () => ({
  known: async (values, version) => ({ state: "partial", values, version }),
  async *stream(values, signal, version) { yield { state: "complete", values, version }; },
});
</script><script src="counted_here.js"></script><script>
// What is drawn after each of several moves, whose answers from the server are given.
window.drawn = async (moves) => {
  const found = [];
  for (const answers of moves) {
    const server = { async *stream() { yield* answers; } }, source = window.lxSource({ moves: [] }, server);
    for await (const answer of source.stream("values", new AbortController().signal)) found.push(answer);
  }
  return found;
};
</script>"""
SITE = {"shipped": {}, "engine": {"base": "engine/"}, "source": {}}


def test_an_answer_that_was_overtaken_hides_nothing(browser: Any) -> None:
    """Counts took its version, older than what the page showed: nothing was drawn until the next move."""
    page = driving.patient(browser.new_context().new_page())
    page.route(f"{ADDRESS}**", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.route("**/counted_here.js", lambda route: route.fulfill(path=SCRIPT))
    page.route("**/data/site.json", lambda route: route.fulfill(json=SITE))
    page.goto(ADDRESS)
    moves = [[{"state": "complete", "version": 5}], [{"state": "partial", "version": 3, "browser": True}]]
    drawn = page.evaluate("(moves) => drawn(moves)", moves)
    page.context.close()
    assert [answer["state"] for answer in drawn] == ["complete", "partial", "complete"]
    assert all(answer["version"] >= 5 for answer in drawn)
