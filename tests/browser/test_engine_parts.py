"""Parts of the browser's engine against Python's, on the small lab: features, texts, merges, errors."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluators.data.image_batches import TaskSlice
from evaluators.data.task_list import read_tasks
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.open_clip_folder import load_model
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.editing import LayerEditor
from lines_core.flat import FlatLayout
from lines_core.merging import METHODS, complete_settings, merge
from static.export.engine_folder import write_engine
from tests.browser.engine_site import (
    COUNT,
    NEAR_TIE,
    OPEN,
    Site,
    differences,
    factors_of,
    open_engine,
    open_lab,
    open_site,
    python_predictions,
    request_of,
    runtime_archive,
    served,
)
from tests.paths import ASSETS

pytestmark = pytest.mark.browser
CAUGHT = "() => (%s)().then(() => 'opened', ({code, message}) => [code, message])"
GIVEN = """async ({checkpoint, factors, pixels, classifier}, call) => {
    const edit = Float32Array.from(factors), given = {checkpoint, pixels: Uint8ClampedArray.from(pixels)};
    if (classifier === undefined) return Array.from(await engine.features({...given, factors: edit}));
    const rows = Array.isArray(classifier) ? classifier.map((row) => Float32Array.from(row)) : classifier;
    return engine.classify({...given, factorsList: [edit], classifier: rows});
}"""
TOGETHER = """(all) => Promise.all(all.map(async (asked) => {
    const given = {...asked, factors: Float32Array.from(asked.factors)}, parts = [];
    for await (const {done} of engine.count(given)) parts.push(done);
    return parts;
}))"""
TEXTS = "async (prompts) => (await engine.texts(prompts)).map((one) => Array.from(one))"
AWKWARD = (
    "",
    "   a   photo\tof \n a Cat ",
    "it's they're we've I'm you'll he'd DON'T",
    "3 zebras, 42 lions & 7 ants!!! (really?) #1 50% a-b_c",
    "Größe naïve café déjà-vu ÅNGSTRÖM Ñandú",
    "日本語 Русский ελληνικά עברית العربية हिन्दी",
    "emoji 🙂👍🏽 and – dashes — “quotes” ‘single’ … €5",
    "&lt;b&gt; &amp;amp; &quot;x&quot; &#65;",
    "<start_of_text> inside <end_of_text> <Start_Of_Text>",
    "ﬁne ｆｕｌｌ ½ x² №",
    "an extraordinarily long sentence about hats and keys and trees that goes on until no token is left",
)


@pytest.fixture(scope="module")
def embedded(lab: Path) -> EmbeddedLab:
    return open_lab(lab)


@pytest.fixture(scope="module")
def site(browser: Any, lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the engine of the small lab."""
    folder = tmp_path_factory.mktemp("site")
    write_engine(lab, folder / "engine", runtime_archive(), suites=("tasks", "objects"))
    with served(folder) as site:
        yield site


@pytest.fixture(scope="module")
def shared_page(browser: Any, site: Site) -> Iterator[Any]:
    page, _ = open_engine(browser, site)
    yield page
    page.context.close()


@pytest.fixture
def page(shared_page: Any) -> Any:
    return shared_page


@pytest.fixture
def faulty(browser: Any, site: Site) -> Iterator[Any]:
    """A page without an engine, and after the test a site without faults."""
    page, _ = open_site(browser, site)
    yield page
    page.context.close()
    site.faults.clear()


def rgba(pixels: Tensor) -> list[int]:
    """What a canvas returns for images (n, 3, S, S), one below the other."""
    opaque = torch.full_like(pixels[:, :1], 255)
    flat: list[int] = torch.cat([pixels, opaque], dim=1).permute(0, 2, 3, 1).flatten().tolist()
    return flat


@pytest.mark.parametrize(
    "spec",
    [
        EditSpec.lines("faces", 0.3, split="val"),
        EditSpec.lines("objects", 0.6),
        EditSpec.merged(MergeSpec(("digits", "faces"), "ties"), 0.5, 0.3),
        EditSpec.merged(MergeSpec(("digits", "faces"), "consensus"), 0.4, 0.4),
    ],
    ids=["val", "shifted data sets", "ties", "consensus"],
)
def test_any_suite_split_and_merge_is_counted_as_in_python(
    page: Any, embedded: EmbeddedLab, spec: EditSpec
) -> None:
    counted = page.evaluate(COUNT, request_of(embedded, spec))
    python = python_predictions(embedded, spec)
    differing = differences(embedded, spec, python, counted["predicted"])
    assert [one for one in differing if one.margin > NEAR_TIE] == []
    assert len({*python[0]}) > 1


def test_an_edit_is_rounded_as_in_python(page: Any) -> None:
    """Equal bits where torch adds with a fused multiply-add, as it does on every processor of today."""
    blocks = [f"visual.transformer.resblocks.{block}.mlp.c_fc.bias" for block in range(4)]
    named = dict.fromkeys(["visual.class_embedding", *blocks, "visual.proj"], torch.zeros(300))
    layout = FlatLayout.of(named)
    pretrained, residual = torch.randn(2, layout.numel, generator=torch.Generator().manual_seed(0))
    live, factors = torch.empty(layout.numel), torch.tensor([0.0, 1.0, 0.3, -0.7, 1 / 3, 2.0])
    LayerEditor(layout, pretrained.contiguous(), live).apply(
        residual.contiguous(), factors[1:-1].double(), float(factors[0]), float(factors[-1])
    )
    edited = page.evaluate(
        """async ([pretrained, residual, factors, bounds]) => {
            const {writeEdit} = await import("./engine/write_edit.js");
            const vectors = [pretrained, residual, factors].map((one) => Float32Array.from(one));
            const live = new Float32Array(pretrained.length);
            writeEdit(live, ...vectors, bounds);
            return Array.from(live);
        }""",
        [pretrained.tolist(), residual.tolist(), factors.tolist(), list(layout.bounds)],
    )
    torch.testing.assert_close(torch.tensor(edited), live, rtol=0.0, atol=2e-7)


def test_two_threads_count_the_same(faulty: Any, page: Any, embedded: EmbeddedLab) -> None:
    faulty.evaluate(OPEN.replace("openEngine()", "openEngine({threads: 2})"))
    asked = request_of(embedded, EditSpec.lines("digits", 0.7))
    assert faulty.evaluate("() => crossOriginIsolated")
    assert faulty.evaluate(COUNT, asked) == page.evaluate(COUNT, asked)


def test_features_and_probabilities_of_a_picture(page: Any, embedded: EmbeddedLab) -> None:
    spec = EditSpec.lines("digits", 0.4)
    resolved, images = embedded.resolve(spec), embedded.images("tasks", "test")
    pixels = images.pixels(TaskSlice(0, 0, 3))
    given = {"checkpoint": "digits", "factors": factors_of(spec, 4), "pixels": rgba(pixels)}
    embedded.encoder.write_edit(resolved.residual, resolved.scales)
    features = embedded.encoder.encode(images.normalise(pixels))
    in_browser = torch.tensor(page.evaluate(GIVEN, given)).view(3, -1)
    assert float((in_browser - features).abs().max()) < 1e-5

    head, temperature = ClassifierHead(embedded.heads("tasks")[0]), embedded.encoder.temperature
    expected = head.probabilities(features[:1], temperature)
    one = {**given, "pixels": rgba(pixels[:1])}
    for classifier in ("digits", head.weight.T.tolist()):
        said = torch.tensor(page.evaluate(GIVEN, {**one, "classifier": classifier}))
        assert float((said - expected).abs().max()) < 1e-5


def test_features_of_texts(page: Any, embedded: EmbeddedLab) -> None:
    loaded = embedded.encoder.loaded
    expected = loaded.clip.encode_text(loaded.tokenizer(list(AWKWARD)), normalize=True)
    assert float((torch.tensor(page.evaluate(TEXTS, list(AWKWARD))) - expected).abs().max()) < 1e-5


def test_tokens_of_some_hundred_texts(page: Any, site: Site) -> None:
    """All class names of the shipped tasks in all prompts, and texts with all kinds of letters and signs."""
    tokenizer = load_model(ASSETS / "tiny_clip").tokenizer
    prompts = [
        prompt.format(name)
        for task in read_tasks(ASSETS / "eval" / "tasks.json")
        for name in task.classes
        for prompt in task.prompts
    ]
    texts = [*dict.fromkeys(prompts), *AWKWARD]
    assert len(texts) > 300
    merges = gzip.decompress((ASSETS / "tiny_clip" / "bpe_merges.txt.gz").read_bytes()).decode()
    found = page.evaluate(
        """async ([merges, texts]) => {
            const {clipTokenizer} = await import("./engine/clip_tokenizer.js");
            const tokens = clipTokenizer(merges, 20);
            return texts.map((text) => Array.from(tokens(text)));
        }""",
        [merges, texts],
    )
    expected = tokenizer(texts).tolist()
    assert [text for text, one, other in zip(texts, found, expected, strict=True) if one != other] == []


def task_vectors() -> list[Tensor]:
    """Four vectors with zeros, equal magnitudes, and entries that cancel each other exactly."""
    vectors = torch.randn(4, 3000, generator=torch.Generator().manual_seed(0)) - 0.1
    vectors[:, :100] = 0.0
    vectors[:, 100:200] = torch.tensor([1.0, -1.0, 0.5, -0.5])[:, None]
    vectors[1, 200:400] = 0.25
    return [*vectors.contiguous()]


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("sum", {}),
        ("average", {}),
        ("ties", {}),
        ("ties", {"density": 0.5, "agg": 1.0}),
        ("ties", {"density": 1.0}),
        ("ties", {"density": 0.4, "reference_size": 5000.0}),
        ("ties", {"density": 0.0}),
        ("consensus", {}),
        ("consensus", {"k": 0.0}),
        ("consensus", {"k": 3.0, "tall_lambda": 0.2, "use_ties": 1.0, "density": 0.6}),
        ("slerp", {"t": 0.3}),
    ],
)
def test_merges_are_python_s_bit_for_bit(page: Any, method: str, settings: dict[str, float]) -> None:
    vectors = task_vectors()[: METHODS[method].count or None]
    merged = page.evaluate(
        """async ([vectors, method, settings]) => {
            const {METHODS} = await import("./engine/merging.js");
            return Array.from(METHODS[method](vectors.map((one) => Float32Array.from(one)), settings));
        }""",
        [[one.tolist() for one in vectors], method, complete_settings(method, settings)],
    )
    assert torch.equal(torch.tensor(merged), merge(method, vectors, settings))


STORED = """async (merge) => {
    const {openFiles} = await import("./engine/fetched_files.js");
    const {unpackWeights} = await import("./engine/packed_vectors.js");
    const {residualStore} = await import("./engine/residual_store.js");
    const files = await openFiles(new URL("engine/", location.href), () => {});
    const {file, form} = files.manifest.pretrained;
    const pretrained = files.unpack(file).then((planes) => unpackWeights(planes, form));
    return Array.from(await residualStore(files, pretrained)(merge));
}"""


@pytest.mark.parametrize(
    "merged",
    [
        MergeSpec(("digits", "faces"), weights=(0.3, -2.0)),
        MergeSpec(("digits", "faces"), "average", weights=(1.0, 0.1)),
        MergeSpec(("digits", "faces"), "ties", (("density", 0.4),), weights=(0.7, 1.3)),
        MergeSpec(("digits", "faces"), "consensus", weights=(0.0, 0.7)),
        MergeSpec(("digits", "faces"), "slerp", (("t", 0.3),), weights=(-0.5, 2.0)),
    ],
    ids=lambda merged: merged.method,
)
def test_a_weighted_merge_is_python_s_bit_for_bit(
    page: Any, embedded: EmbeddedLab, merged: MergeSpec
) -> None:
    found = torch.tensor(page.evaluate(STORED, merged.as_dict()))
    assert torch.equal(found, embedded.encoder.residual(merged).cpu())
    unweighted = replace(merged, weights=())
    assert not torch.equal(found, embedded.encoder.residual(unweighted).cpu())


def test_a_digest_is_sha_256_without_the_browser_s_own(page: Any) -> None:
    """On a web server without HTTPS the browser offers none."""
    lengths = [0, 1, 55, 56, 63, 64, 119, 120, 1000]
    found = page.evaluate(
        """async (lengths) => {
            const {sha256InScript} = await import("./engine/sha256.js");
            return lengths.map((length) =>
                Array.from(sha256InScript(Uint8Array.from({length}, (_, i) => (7 * i) & 255))));
        }""",
        lengths,
    )
    expected = [list(hashlib.sha256(bytes(7 * i & 255 for i in range(n))).digest()) for n in lengths]
    assert found == expected


@pytest.mark.parametrize(
    ("path", "fault", "code", "message"),
    [
        ("theta_0.pack", (200, b"damaged"), "damaged", "theta_0.pack arrived damaged"),
        ("theta_0.pack", (404, b""), "network", "theta_0.pack could not be loaded (status 404)"),
        ("engine.json", (200, b"{"), "damaged", "engine.json is not a manifest"),
        ("engine.json", (200, b'{"version": 2}'), "damaged", "engine.json has version 2, this page reads 1"),
        ("engine_worker.js", (404, b""), "network", "The model could not be loaded: check the connection"),
    ],
)
def test_what_goes_wrong_while_it_loads_is_said(
    faulty: Any, site: Site, path: str, fault: tuple[int, bytes], code: str, message: str
) -> None:
    site.faults[f"/engine/{path}"] = fault
    said = faulty.evaluate(CAUGHT % OPEN)
    assert said[0] == code
    assert message in said[1]


@pytest.mark.parametrize("name", ["WebAssembly", "Worker"])
def test_a_browser_that_lacks_something(faulty: Any, name: str) -> None:
    faulty.evaluate(f"() => {{ delete globalThis.{name}; }}")
    said = faulty.evaluate(CAUGHT % OPEN)
    assert said == ["unsupported", f"This browser has no {name}, which the model needs to run here."]


def test_a_checkpoint_that_failed_to_load_is_fetched_again(faulty: Any, site: Site) -> None:
    faulty.evaluate(OPEN)
    fetch = CAUGHT % "async () => await engine.open('faces')"
    site.faults["/engine/residuals/faces.pack"] = (503, b"")
    assert faulty.evaluate(fetch)[0] == "network"
    site.faults.clear()
    assert faulty.evaluate(fetch) == "opened"
    unknown = CAUGHT % "async () => await engine.open('moon')"
    assert faulty.evaluate(unknown) == ["request", "There is no checkpoint moon here."]
    other = json.dumps(MergeSpec(("digits", "faces"), "dare").as_dict())
    refused = CAUGHT % f"async () => await engine.open({other})"
    assert faulty.evaluate(refused) == ["request", "Merges by dare cannot be computed in the browser."]
    ranked = json.dumps(MergeSpec(("digits", "faces"), "ties", (("scope", 1.0),)).as_dict())
    refused = CAUGHT % f"async () => await engine.open({ranked})"
    assert faulty.evaluate(refused) == ["request", "Merges tensor by tensor are made on a server only."]
    faulty.evaluate("() => engine.close()")
    assert faulty.evaluate(fetch) == ["request", "The engine was closed."]


def test_a_count_that_a_newer_one_follows_already_does_not_begin(
    faulty: Any, site: Site, embedded: EmbeddedLab
) -> None:
    """A drag cost a chunk for each of its moves: the last one's numbers came seconds after it."""
    faulty.evaluate(OPEN)
    site.faults["/engine/residuals/faces.pack"] = (503, b"")
    asked = [request_of(embedded, EditSpec.lines(key, 0.5)) for key in ("digits", "faces", "digits")]
    first, second, last = faulty.evaluate(TOGETHER, asked)
    assert (first, second) == ([], [])
    assert last


def test_a_module_that_was_lost_is_asked_for_again(faulty: Any, site: Site) -> None:
    """Of one that open_engine.js imports: browsers remember the failure, so that only a reload helped."""
    opens = """(query) => import(`./engine/open_engine.js${query}`)
        .then(({openEngine}) => typeof openEngine, () => "lost")"""
    site.faults["/engine/engine_error.js"] = (503, b"")
    assert faulty.evaluate(opens, "") == "lost"
    site.faults.clear()
    assert faulty.evaluate(opens, "?2") == "function"


def test_a_worker_that_is_lost_ends_all_calls(faulty: Any, site: Site) -> None:
    """As when the browser's own code fails in it: what was asked must not wait for ever."""
    faulty.evaluate(
        "() => { const Before = Worker; window.Worker = class extends Before {"
        "constructor(...given) { super(...given); window.worker = this; } }; }"
    )
    faulty.evaluate(OPEN)
    waiting = CAUGHT % (
        "async () => { const asked = engine.open('faces');"
        "worker.dispatchEvent(new ErrorEvent('error', {message: 'gone'})); await asked; }"
    )
    assert faulty.evaluate(waiting) == [
        "worker",
        "The background process of the model ended (gone): reload the page.",
    ]


def test_memory_that_runs_out_and_pictures_that_are_altered(page: Any) -> None:
    codes = page.evaluate(
        """async () => {
            const {asEngineError} = await import("./engine/engine_error.js");
            const {decodeSheet} = await import("./engine/image_sheets.js");
            const {sheets: [sheet]} = engine.manifest.suites.tasks.splits.test;
            const bytes = await (await fetch(`./engine/${sheet.file}`)).arrayBuffer();
            const other = {...sheet, pixels_sha256: "0"};
            const noisy = await decodeSheet(bytes, other, 24).catch((problem) => problem);
            const full = [new RangeError("Array buffer allocation failed"), new Error("std::bad_alloc")];
            return [noisy, ...full, "odd"].map((problem) => asEngineError(problem).code);
        }"""
    )
    assert codes == ["images", "memory", "memory", "fault"]
