"""Visitors' checkpoints and loads are private to their session; everything else is shared."""

import asyncio
import json
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
import torch
from safetensors.torch import save_file

from evaluators import EditSpec, Studio
from evaluators.errors import HubError, SpecError
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.transfer.repository_files import fetch
from evaluators.labs.lab import CheckpointInfo
from evaluators.service.session_quota import QuotaError, SessionLimits
from evaluators.specs.merge_spec import MergeSpec
from evaluators.zoo.public_encoders import Encoder
from evaluators.zoo.public_tasks import TABLE1
from tests.hub.repositories import serve_zoo, tall_masks_state
from tests.hub.server import Hub
from tests.own_images import add_task, folders, zipped
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls
from ui.layout import build
from ui.live.session_key import session_key
from ui.models.own_checkpoint import import_listener

MODEL = "ViT-B-32"
KEYS = ("mnist", "svhn", "eurosat")


@pytest.fixture
def served(hub: Hub, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, torch.Tensor]]:
    """The zoo with the small encoder in the place of ViT-B/32."""
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    return serve_zoo(hub, encoder, KEYS, 60, ("tall-masks",))


@pytest.fixture
def studio(served: dict[str, Any], tmp_path: Path, lab: Path) -> Studio:
    """A studio with the model loaded."""
    studio = Studio(lab, tmp_path / "kept", session_limits=SessionLimits(session_count=2))
    assert studio.load(LoadRequest(tasks=KEYS, images=20)).wait(60)
    return studio


@pytest.fixture
def file(served: dict[str, dict[str, torch.Tensor]], tmp_path: Path) -> Path:
    path = tmp_path / "mine.pt"
    torch.save(tall_masks_state(served["eurosat"]), path)
    return path


def finetuned(checkpoint: str) -> EditSpec:
    return EditSpec.finetuned(checkpoint, model=MODEL, images=0)


def test_other_sessions_cannot_see_or_use_it(studio: Studio, file: Path) -> None:
    anna, ben = studio.seen_by("anna"), studio.seen_by("ben")
    before = studio.checkpoints(MODEL)
    info = anna.take_file(MODEL, "mnist", file, "secret name.pt")
    mine = anna.evaluate(finetuned(info.key))
    assert mine.target_task.key == "mnist"
    assert [one.key for one in anna.checkpoints(MODEL)] == [*(one.key for one in before), info.key]

    merge = EditSpec.merged(MergeSpec((info.key, "tall-masks.svhn")), 0.3, model=MODEL, images=0)
    assert anna.evaluate(merge).complete
    for other in (ben, studio, studio.seen_by("")):
        assert other.checkpoints(MODEL) == before
        for spec in (finetuned(info.key), merge):
            for ask in (other.cached, other.first, other.stream, other.evaluate, other.fingerprint):
                with pytest.raises(SpecError, match="no checkpoint"):
                    cast(Any, ask)(spec)
        with pytest.raises(SpecError, match="no checkpoint"):
            other.merging_alpha(MODEL, MergeSpec((info.key, "tall-masks.svhn")))


def test_the_same_file_is_another_checkpoint_in_each_session(studio: Studio, file: Path) -> None:
    """Nobody finds out from a key, or from an answer that is there already, that somebody has the same."""
    anna, ben = studio.seen_by("anna"), studio.seen_by("ben")
    mine, yours = (one.take_file(MODEL, "mnist", file, "mine.pt") for one in (anna, ben))
    assert mine.key != yours.key
    assert anna.evaluate(finetuned(mine.key)).complete
    assert ben.cached(finetuned(yours.key)) is None
    studio.leave("anna")
    assert ben.evaluate(finetuned(yours.key)).complete


def test_it_is_deleted_when_the_session_ends(studio: Studio, file: Path, tmp_path: Path) -> None:
    anna = studio.seen_by("anna")
    info = anna.take_file(MODEL, "mnist", file, "mine.pt")
    assert anna.evaluate(finetuned(info.key)).complete
    there = studio.lab_of(MODEL)
    assert isinstance(there, HubLab)
    assert info.key in there.live.residuals.keys
    assert list((tmp_path / "kept" / "sessions").rglob("*.safetensors"))
    studio.leave("anna")
    assert not list((tmp_path / "kept" / "sessions").rglob("*.safetensors"))
    assert info.key not in there.live.residuals.keys
    assert info.key not in there.live.residual_paths
    assert studio.status().session_checkpoints == studio.status().session_checkpoint_bytes == 0
    with pytest.raises(SpecError, match="no checkpoint"):
        anna.evaluate(finetuned(info.key))


def test_quota_and_expiry(studio: Studio, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = studio.seen_by("anna")
    for task in KEYS[:2]:
        anna.take_file(MODEL, task, file, "mine.pt")
    with pytest.raises(QuotaError, match="added 2 checkpoints and tasks, 2 are kept"):
        anna.take_file(MODEL, KEYS[2], file, "mine.pt")
    assert studio.seen_by("ben").take_file(MODEL, KEYS[2], file, "mine.pt")
    later = time.monotonic() + 7201
    monkeypatch.setattr(
        "evaluators.service.session_checkpoints.time", SimpleNamespace(monotonic=lambda: later)
    )
    studio.expire()
    assert studio.status().session_checkpoints == 0


def test_its_results_are_not_stored(studio: Studio, file: Path, tmp_path: Path) -> None:
    anna = studio.seen_by("anna")
    info = anna.take_file(MODEL, "mnist", file, "mine.pt")
    anna.evaluate(finetuned(info.key))
    public = anna.evaluate(finetuned("tall-masks.mnist"))
    studio.close()
    with sqlite3.connect(tmp_path / "kept" / "results.sqlite") as connection:
        kept = [json.loads(value) for (value,) in connection.execute("SELECT value FROM results")]
    connection.close()
    assert [one["spec"] for one in kept] == [public.spec.as_dict()]
    left = {path.name for path in (tmp_path / "kept" / "sessions").rglob("*") if path.is_file()}
    assert left <= {"starting.lock"}


def test_a_link_to_it_does_not_work_for_others(
    studio: Studio, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.explore.explore_answers.QUICK_PATIENCE", 60.0)
    info = studio.seen_by("anna").take_file(MODEL, "mnist", file, "mine.pt")
    head = ExploreAnswers(studio)
    controls = Controls(model=MODEL, checkpoint=info.key, gamma=0.4)
    mine = head.quick("anna", controls)
    assert mine is not None
    assert mine["state"] in ("partial", "complete")
    yours = head.quick("ben", controls)
    assert yours is not None
    assert yours["state"] == "error"
    assert "evaluation" not in yours
    assert "no checkpoint" in yours["words"]["sentence"]


def test_another_load_of_the_model_takes_nothing_from_others(studio: Studio, file: Path) -> None:
    """A visitor who asked for two tasks used to take the third away from everybody who was at it."""
    ben = studio.seen_by("ben")
    own = ben.take_file(MODEL, "svhn", file, "mine.pt")
    spec = finetuned("tall-masks.eurosat")
    before = ben.evaluate(spec)
    assert studio.seen_by("anna").load(LoadRequest(tasks=KEYS[:2], images=20)).wait(60)
    assert [task.key for task in ben.evaluate(spec).tasks] == list(KEYS)
    assert [task.correct for task in ben.evaluate(spec).tasks] == [task.correct for task in before.tasks]
    assert ben.evaluate(finetuned(own.key)).complete
    studio.leave("ben")
    assert studio.seen_by("anna").load(LoadRequest(tasks=KEYS[:2], images=20)).wait(60)
    assert [one.key for one in studio.tasks(TABLE1, MODEL)] == list(KEYS[:2])


def test_only_sessions_that_asked_for_a_load_can_stop_it(
    hub: Hub, served: dict[str, Any], tmp_path: Path, lab: Path
) -> None:
    hub.fail("resolve/*/nonlinear_finetuned.pt", "drip", rate=20_000, times=None)
    studio = Studio(lab, tmp_path / "kept")
    anna, ben, cleo = (studio.seen_by(name) for name in ("anna", "ben", "cleo"))
    job = anna.load(LoadRequest(tasks=KEYS, images=20))
    assert ben.load(LoadRequest(tasks=KEYS[:2], images=20)) is job
    assert not cleo.stop_loading(MODEL)
    assert not ben.stop_loading(MODEL)
    studio.leave("anna")
    assert not cleo.stop_loading(MODEL)
    assert ben.stop_loading(MODEL)
    assert job.wait(60)
    assert "stopped" in job.problem
    assert not cleo.stop_loading("ViT-L-14")


@pytest.mark.parametrize(("uploads", "there"), [(True, True), (False, False)])
def test_without_uploads_the_page_offers_none(studio: Studio, uploads: bool, there: bool) -> None:
    async def built() -> gr.Blocks:
        return build(studio, uploads)

    page = asyncio.run(built())
    ids = {getattr(block, "elem_id", None) for block in page.blocks.values()}
    assert ({"lx-own-add", "lx-own-file", "lx-own-address"} <= ids) is there
    limits = [listener.concurrency_limit for listener in page.fns.values() if listener.name == "add"]
    assert set(limits) == ({None} if there else set()), "a slow download blocks nobody else"


def test_the_session_key_cannot_be_chosen() -> None:
    """The browser's word for a session could be another's with a purpose after a colon."""

    def asked(given: str | None) -> gr.Request:
        return cast(gr.Request, SimpleNamespace(session_hash=given))

    assert session_key(asked("abc")) == session_key(asked("abc")) != session_key(asked("abc:sweep"))
    assert ":" not in session_key(asked("abc:sweep"))
    assert session_key(asked(None)) != session_key(asked(None))
    assert session_key(asked("")) != session_key(asked(""))
    assert len(session_key(asked("\udcff" * 10**6))) == 32


def test_a_hanging_download_blocks_no_other_session_and_ends_with_its_own(
    studio: Studio, hub: Hub, file: Path
) -> None:
    anna, ben = (cast(gr.Request, SimpleNamespace(session_hash=name)) for name in ("anna", "ben"))
    for repo in ("anna/mine", "ben/mine"):
        shutil.copy(file, hub.folder(repo) / "mine.pt")
    hub.fail("anna/mine/resolve", "stall", after=1000, times=None)
    add = import_listener(studio)
    hanging = add(anna, MODEL, "mnist", "anna/mine", None)
    assert any("Downloading" in status for status, *_ in hanging)
    *_, (status, *_) = add(ben, MODEL, "mnist", "ben/mine", None)
    assert "is added and chosen in Explore" in status
    studio.leave(session_key(anna))
    *_, (status, *_) = hanging
    assert "Stopped fetching anna/mine/mine.pt" in status
    assert len(studio.seen_by(session_key(anna)).checkpoints(MODEL)) == len(KEYS)
    assert studio.status().session_checkpoints == 1


def test_a_double_click_adds_a_file_once(studio: Studio, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second click used to find the file gone, and to say so in the place of the success."""
    anna = cast(gr.Request, SimpleNamespace(session_hash="anna"))
    add = import_listener(studio)
    for _ in range(2):
        *_, (status, model, checkpoint, *_) = add(anna, MODEL, "mnist", "", str(file))
        assert "is added" in status
        assert model["value"] == MODEL
    assert not file.exists()
    own = studio.seen_by(session_key(anna)).checkpoints(MODEL)[len(KEYS) :]
    assert [one.key for one in own] == [checkpoint["value"]]
    studio.leave(session_key(anna))
    later = time.monotonic() + SessionLimits.grace + 1
    monkeypatch.setattr(
        "evaluators.service.session_checkpoints.time", SimpleNamespace(monotonic=lambda: later)
    )
    studio.expire()
    *_, (status, *_) = add(anna, MODEL, "mnist", "", str(file))
    assert "is gone: upload it again" in status


def test_two_sessions_import_the_same_file_at_once(
    studio: Studio, hub: Hub, file: Path, tmp_path: Path
) -> None:
    """Whoever is done first leaves the file in the cache for the other."""
    shutil.copy(file, hub.folder("someone/mine") / "mine.pt")
    started = threading.Barrier(2)

    def take(name: str) -> CheckpointInfo:
        started.wait()
        return studio.seen_by(name).take_address(MODEL, "mnist", "someone/mine")

    with ThreadPoolExecutor() as pool:
        infos = list(pool.map(take, ("anna", "ben")))
    assert infos[0].key != infos[1].key
    assert not list((tmp_path / "cache" / "models--someone--mine" / "blobs").iterdir())


def test_a_checkpoint_from_the_hub_leaves_no_download(
    studio: Studio, hub: Hub, file: Path, tmp_path: Path
) -> None:
    shutil.copy(file, hub.folder("someone/mine") / "mine.pt")
    info = studio.seen_by("anna").take_address(MODEL, "mnist", "someone/mine")
    assert studio.seen_by("anna").evaluate(finetuned(info.key)).complete
    assert info.key not in {one.key for one in studio.seen_by("ben").checkpoints(MODEL)}
    blobs = tmp_path / "cache" / "models--someone--mine" / "blobs"
    assert not list(blobs.iterdir())
    studio.leave("anna")
    assert studio.status().session_checkpoint_bytes == 0


def test_shards_and_an_adapter_from_the_hub_leave_no_download(
    studio: Studio, hub: Hub, served: dict[str, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    tensors = tall_masks_state(served["eurosat"])
    shards = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(tensors)}
    for shard in set(shards.values()):
        held = {name: tensors[name].clone() for name in tensors if shards[name] == shard}
        save_file(held, hub.folder("someone/shards") / shard)
    index = json.dumps({"weight_map": shards})
    (hub.folder("someone/shards") / "model.safetensors.index.json").write_text(index)
    session = studio.seen_by("anna")
    info = session.take_address(MODEL, "mnist", "someone/shards")
    theirs = session.evaluate(finetuned("tall-masks.eurosat"))
    assert [task.correct for task in session.evaluate(finetuned(info.key)).tasks] == [
        task.correct for task in theirs.tasks
    ]

    weight = next(name for name in served[""] if name.endswith("mlp.c_fc.weight") and "visual" in name)
    rows, columns = served[""][weight].shape
    module = f"base_model.model.{weight.removesuffix('.weight')}"
    factors = {
        f"{module}.lora_A.weight": torch.ones(1, columns),
        f"{module}.lora_B.weight": torch.ones(rows, 1),
    }
    save_file(factors, hub.folder("someone/lora") / "adapter_model.safetensors")
    config = json.dumps({"peft_type": "LORA", "r": 1, "lora_alpha": 1})
    (hub.folder("someone/lora") / "adapter_config.json").write_text(config)
    info = session.take_address(MODEL, "mnist", "someone/lora")
    (said,) = [note.text for note in session.reports(MODEL)[info.key].notes if note.kind == "file"]
    assert said.startswith("An adapter, merged into")
    assert session.evaluate(finetuned(info.key)).complete
    for repo in ("shards", "lora"):
        assert not list((tmp_path / "cache" / f"models--someone--{repo}" / "blobs").iterdir())


def test_a_visitor_cannot_read_what_only_this_machine_may_read(
    studio: Studio, hub: Hub, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with the token of whoever runs the app, nor from the cache that was filled with it."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    shutil.copy(file, hub.folder("owner/private") / "mine.pt")
    hub.gate("owner/private", token="hf_secret")
    with pytest.raises(HubError, match="owner/private"):
        studio.seen_by("anna").take_address(MODEL, "mnist", "owner/private")
    fetched = fetch("owner/private", "mine.pt")
    assert fetched.path.is_file()
    with pytest.raises(HubError, match="owner/private"):
        studio.seen_by("anna").take_address(MODEL, "mnist", f"owner/private/resolve/{fetched.commit}/mine.pt")
    assert fetched.path.is_file()


def test_own_images_stand_beside_the_tasks_of_a_public_model(
    studio: Studio, file: Path, tmp_path: Path
) -> None:
    anna = studio.seen_by("anna")
    own = add_task(anna, zipped(tmp_path / "a.zip", folders({"cat": 14, "dog": 14})), model=MODEL).task
    info = anna.take_file(MODEL, own.task.key, file, "mine.pt")
    counted = anna.evaluate(finetuned(info.key))
    assert [(task.key, task.role) for task in counted.tasks] == [
        *((key, "control") for key in KEYS),
        (own.task.key, "target"),
    ]
    merge = EditSpec.merged(MergeSpec((info.key, "tall-masks.svhn")), 0.3, model=MODEL, images=0)
    assert [task.key for task in anna.evaluate(merge).target_tasks] == ["svhn", own.task.key]
    known = studio.evaluate(finetuned("tall-masks.svhn"))
    assert anna.evaluate(finetuned("tall-masks.svhn")).tasks[:3] == known.tasks
    assert len(studio.tasks("tasks", MODEL)) == 3


def test_a_public_task_is_prepared_for_a_model_that_is_loaded_later(
    served: dict[str, Any], tmp_path: Path, lab: Path
) -> None:
    studio = Studio(lab, tmp_path / "kept")
    studio.add_public_task("Things", zipped(tmp_path / "a.zip", folders({"cat": 14, "dog": 14})))
    assert studio.load(LoadRequest(tasks=KEYS, images=20)).wait(60)
    assert [task.title for task in studio.tasks("tasks", MODEL)][3:] == ["Things"]
    assert studio.evaluate(finetuned("tall-masks.svhn")).tasks[3].n == 14
