"""The engine in Chromium counts what Python's counts, on the shipped lab; a newer edit stops an older one."""

from collections.abc import Iterator
from typing import Any

import pytest

from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.specs.edit_spec import EditSpec
from static.export.engine_folder import CHUNK, write_engine
from tests.browser.engine_site import (
    COUNT,
    NEAR_TIE,
    differences,
    factors_of,
    open_engine,
    open_lab,
    python_predictions,
    request_of,
    runtime_archive,
    served,
)
from tests.paths import ASSETS

pytestmark = pytest.mark.browser
SPECS = {
    "pre-trained": EditSpec.pretrained("digits"),
    "lines": EditSpec.lines("digits", 0.3),
    "wise-ft": EditSpec(checkpoint="satellite", shape="sqrt", alpha=0.2, beta=0.8, outside="depth", mix=0.7),
}
RACE = """async ([older, newer]) => {
    const parts = [];
    const watch = async (asked, each) => {
        const given = {...asked, factors: Float32Array.from(asked.factors)};
        for await (const chunk of engine.count(given)) if (each(chunk) === "enough") break;
    };
    const newest = [], {port1, port2} = new MessageChannel();
    let before = 0;
    port1.onmessage = () => (before = parts.length, port1.close());
    await new Promise((resolve, reject) => {
        const first = watch(older, ({done}) => {
            parts.push(done);
            if (parts.length > 1) return;
            port2.postMessage(null); // comes after the chunks that wait here already
            const second = watch(newer, ({done}) => newest.push(done) === 6 && "enough");
            Promise.all([first, second]).then(resolve, reject);
        });
    });
    return [parts, before, newest];
}"""
ABORT = """async (asked) => {
    const abort = new AbortController(), parts = [];
    const given = {...asked, factors: Float32Array.from(asked.factors), signal: abort.signal};
    for await (const {done} of engine.count(given)) parts.push(done) === 1 && abort.abort();
    for await (const {done} of engine.count(given)) parts.push(done);
    return parts;
}"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedLab:
    return open_lab(ASSETS, tmp_path_factory.mktemp("decoded"))


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, list[str], str]]:
    """A page with the engine of Tiny CLIP, the addresses it asked for, and that of the site."""
    folder, archive = tmp_path_factory.mktemp("site"), runtime_archive()
    write_engine(ASSETS, folder / "engine", archive, splits=("test",), checkpoints=("digits", "satellite"))
    with served(folder) as site:
        page, asked = open_engine(browser, site)
        yield page, asked, site.address
        page.context.close()


@pytest.fixture
def page(opened: tuple[Any, list[str], str]) -> Any:
    return opened[0]


@pytest.mark.parametrize("name", SPECS)
def test_all_tasks_are_counted_as_in_python(page: Any, shipped: EmbeddedLab, name: str) -> None:
    """1,600 images; an answer may flip where the best two classes are as close as features may differ."""
    spec = SPECS[name]
    counted = page.evaluate(COUNT, request_of(shipped, spec))
    python = python_predictions(shipped, spec)
    assert counted["done"] == counted["total"] == 1600
    assert counted["n"] == [200] * 8
    differing = differences(shipped, spec, python, counted["predicted"])
    assert [one for one in differing if one.margin > NEAR_TIE] == []
    labels = page.evaluate("() => engine.manifest.suites.tasks.splits.test.labels")
    pairs = zip(counted["predicted"], labels, strict=True)
    assert counted["correct"] == [sum(map(int.__eq__, said, truth)) for said, truth in pairs]


def test_a_newer_edit_stops_the_older_one_within_a_chunk(page: Any, shipped: EmbeddedLab) -> None:
    older, newer = (request_of(shipped, EditSpec.lines("digits", gamma)) for gamma in (0.9, 0.1))
    stopped, before, newest = page.evaluate(RACE, [older, newer])
    assert stopped == [CHUNK * chunk for chunk in range(1, len(stopped) + 1)]
    assert len(stopped) <= before + 1, f"{before} chunks were there before the newer edit was asked for"
    assert newest == [CHUNK * chunk for chunk in range(1, 7)]


def test_an_aborted_count_yields_nothing_more(page: Any, shipped: EmbeddedLab) -> None:
    asked = request_of(shipped, EditSpec.lines("digits", 0.8))
    assert page.evaluate(ABORT, asked) == [CHUNK]


def test_nothing_is_asked_of_another_address(opened: tuple[Any, list[str], str]) -> None:
    _, asked, address = opened
    assert [one for one in asked if not one.startswith((address, "blob:"))] == []
    assert f"{address}engine/runtime/onnxruntime.pack" in asked


def test_an_edit_is_refused_that_the_tower_cannot_have(page: Any, shipped: EmbeddedLab) -> None:
    asked = request_of(shipped, EditSpec.lines("digits", 0.5))
    short = {**asked, "factors": factors_of(EditSpec.lines("digits", 0.5), 12)[:-1]}
    said = page.evaluate(f"(asked) => ({COUNT})(asked).catch(({{code, message}}) => [code, message])", short)
    assert said == ["request", "An edit has 14 finite factors."]
