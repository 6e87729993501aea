"""Writes the folder of the static edition: one page, what ships with it, and the engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import plotly

from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.gamma_grid import grid_path
from evaluators.specs.picture_states import STATES, state_of
from lines_core.schedules import SHAPES
from static.errors import StaticError
from static.export.engine_folder import write_engine
from static.page.download import ARCHIVE, LIST, ROOT, write_list
from static.page.hosting import write_host_files
from static.page.live_engine import write_live_engine
from static.page.offline import PAGE, WORKER, digests, service_worker, version_of
from static.page.page_tree import PageTree, page_tree
from static.page.recorded import VARIED, recorded
from static.page.static_document import VERSION, document
from static.page.words import DOWNLOAD_WORDS, ENGINE_WORDS, FIXED_CONTROLS, MISSING, PAGE_WORDS
from ui.explore.explore_controls import Controls, images_of
from ui.explore.explore_json import landmarks_json
from ui.explore.presets import tuned_gamma
from ui.explore.references import anchors, references_of
from ui.layout import build
from ui.live.subject import about
from ui.pictures.own_picture import CLASSES_SHOWN
from ui.pictures.picture_words import PICTURE_WORDS
from ui.pictures.sprites import EACH, Sprites, sprite_folder
from ui.pictures.strip_panel import GAMMAS, TOP

MARK = ".lines-static"
"""File that says that a folder was written here."""
Json = dict[str, Any]


def write_site(
    assets: Path,
    folder: Path,
    runtime: Path,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Write the static edition into a folder.

    Args:
        assets: folder of the embedded lab.
        folder: absent, empty, or a site written before, which is replaced.
        runtime: archive of onnxruntime-web, as ``static.runtime.fetch_runtime`` returns it.
        cache: folder for decoded images.
        report: is told what is done next, a line a step.
    Raises: OSError if a file cannot be written; StaticError if the folder holds something
        else; as ``write_engine``.
    Cost: about a minute.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise StaticError(f"{folder} is not empty and holds no site of this program: name another folder.")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    (folder / MARK).touch()
    report("Laying out the page ...")
    studio = Studio(assets, cache, models=(TINY_CLIP,))  # the engine in the browser knows no other
    try:
        blocks = build(studio, uploads=False)
        tree = page_tree(blocks)
        report("Writing the engine: graphs, weights and test images ...")
        suites = dict.fromkeys(one.suite for one in studio.lab_of(TINY_CLIP).checkpoints())
        manifest = write_engine(assets, folder / "engine", runtime, suites=tuple(suites), cache=cache)
        report("Writing what ships with the page ...")
        listeners = _recorded(blocks, tree, folder)
        site = {
            "recorded": listeners,
            "fixed": _fixed(tree, listeners),
            "shipped": {
                "landmarks": _landmarks(studio),
                "grid": _grid(assets, folder),
                "strips": _strips(studio, folder),
                "states": _states(),
                "missing": MISSING,
            },
            "engine": {"base": "engine/", "words": ENGINE_WORDS, "bytes": _first_bytes(manifest)},
            "source": {"images": images_of(TINY_CLIP), "pictures": EACH, "words": ENGINE_WORDS},
            "download": {"list": LIST, "archive": ARCHIVE, "folder": ROOT, "words": DOWNLOAD_WORDS},
            "pictures": {"gammas": GAMMAS, "top": TOP, "shown": CLASSES_SHOWN, "words": ENGINE_WORDS},
            "words": {**PAGE_WORDS, "fixed": FIXED_CONTROLS, "confusion": PICTURE_WORDS["confusion"]},
        }
        report("Writing the page ...")
        write_live_engine(site, folder)
        shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", folder)
        write_host_files(folder)
        _write_page(tree, site, folder)
    finally:
        studio.close()


def _write_page(tree: PageTree, site: Json, folder: Path) -> None:
    """Write the list of the site's files, the page, and its service worker."""
    plain = document(tree, site, write_list(folder))
    files = digests(folder)
    version = version_of(plain, files)
    (folder / PAGE).write_text(plain.replace(VERSION, version), encoding="utf-8")
    (folder / WORKER).write_text(service_worker(version, files), encoding="utf-8")


def _landmarks(studio: Studio) -> Json:
    """By checkpoint what stands still, as the server sends it."""
    found = {}
    for one in studio.checkpoints(TINY_CLIP):
        spec = EditSpec.finetuned(one.key, images=images_of(TINY_CLIP))
        references, here = references_of(studio, spec), Controls(checkpoint=one.key)
        said = about(studio, TINY_CLIP, one.key)
        found[one.key] = landmarks_json(
            references, _measured(references.finetuned).tasks, said, tuned_gamma(studio, here)
        )
    return found


def _measured(evaluation: Evaluation | None) -> Evaluation:
    if evaluation is None:
        raise StaticError("The lab ships no evaluation of a fine-tuned model: make its assets anew.")
    return evaluation


def _strips(studio: Studio, folder: Path) -> Json:
    """By checkpoint the address of its images' description, which is written, and what the two models say."""
    sprites, found = Sprites(), {}
    for one in studio.checkpoints(TINY_CLIP):
        spec = EditSpec.finetuned(one.key, images=images_of(TINY_CLIP))
        address, tasks = sprites.of(studio, spec, studio.fingerprint(spec))
        pair = [studio.pictured(model, EACH) for model in anchors(spec)]
        said = [[list(model.predicted(row)[:EACH]) for row in range(len(tasks))] for model in pair]
        stem = Path(address).stem
        described = json.loads((sprite_folder() / f"{stem}.json").read_text(encoding="utf-8"))
        described["sprite"] = f"{stem}.webp"
        shutil.copy(sprite_folder() / f"{stem}.webp", folder / "data")
        (folder / "data" / f"{stem}.json").write_text(json.dumps(described), encoding="utf-8")
        found[one.key] = {
            "images": f"data/{stem}.json",
            "truth": [list(task.labels) for task in tasks],
            "pretrained": said[0],
            "finetuned": said[1],
        }
    return found


def _grid(assets: Path, folder: Path) -> dict[str, str]:
    """By scaling function the address of its gamma grid on test images, for those that ship."""
    found = {}
    for shape in SHAPES:
        path = grid_path(assets, shape, "test")
        if path.exists():
            found[shape] = f"data/{shape}-test.pack"  # some servers would unpack a .gz on the way
            shutil.copy(path, folder / found[shape])
    return found


def _states() -> list[str]:
    """Places in ``STATES`` by 4 (pre-trained right) + 2 (fine-tuned right) + (edit right)."""
    places = []
    for number in range(8):
        said = (0 if number & bit else 1 for bit in (4, 2, 1))  # class 0 is the right one
        places.append(str(STATES.index(state_of(0, *said))))
    return places


def _recorded(blocks: gr.Blocks, tree: PageTree, folder: Path) -> list[Json]:
    """Listeners of the panels with the addresses of their answers, which are written."""
    found: list[Json] = []
    for listener, answers in recorded(blocks, tree):
        number = len(found)
        addresses = {}
        for place, (values, answer) in enumerate(answers.items()):
            addresses[values] = f"data/panel-{number}-{place}.json"
            (folder / addresses[values]).write_text(json.dumps(answer), encoding="utf-8")
        found.append({**listener, "answers": addresses})
    return found


def _fixed(tree: PageTree, listeners: Sequence[Json]) -> list[int]:
    """Controls that the recorded answers depend on, and that therefore stay as they are."""
    varied = {part.id for part in tree.walk() if part.name in (*VARIED, "lx-model")}
    return sorted({number for one in listeners for number in one["inputs"]} - varied)


def _first_bytes(manifest: Json) -> int:
    """Bytes that the first edit fetches: runtime, graph, weights, one checkpoint, images of one split."""
    files = manifest["files"]
    sheets = manifest["suites"]["tasks"]["splits"]["test"]["sheets"]
    names = [
        *manifest["runtime"].values(),
        manifest["image_graph"],
        manifest["pretrained"]["file"],
        next(iter(manifest["checkpoints"].values()))["file"],
        *(sheet["file"] for sheet in sheets),
    ]
    return sum(int(files[name]["size"]) for name in names)
