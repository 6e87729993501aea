"""A real cluster of two nodes counts what one process counts, whatever dies on the way.

The tests run in the order of this file: the last one takes the head away, and starts another.
"""

import json
import re
import signal
import sqlite3
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_cli import sweep_command
from lines_cli.__main__ import main
from tests.cluster.driver import Driver
from tests.cluster.ray_nodes import INSTALLED, NODE, RayNodes, loopback
from tests.deploy.starting import free_port, started, visiting
from tests.held_sweep import held_at
from tests.paths import ASSETS, ROOT

pytestmark = pytest.mark.skipif(not INSTALLED, reason="Ray is not installed")

GRID = "--gamma 0:1:0.04 --split val,test --images 42".split()
POSITIONS = 104
"""26 gammas on two splits of two checkpoints."""
KILLED = 80
"""Those of them after which the driver is killed at the latest."""

SWEEP = """
import sys
from pathlib import Path
import torch
from lines_cli import sweep_command
from lines_cli.__main__ import main
torch.set_num_threads(1)
sweep_command.app_folder = lambda: Path(sys.argv[1])
sys.exit(main(["sweep", "--cache", "cache", "--device", "cpu", *sys.argv[2:]]))
"""

PAGE = """
import json, os, sys, threading
import app
import psutil
import torch
from evaluators import EditSpec, Studio
from evaluators.engine import ray_pool
from evaluators.engine.ray_cluster import RayCluster
from evaluators.engine.ray_link import RayLink
from serving.health import health
from tests.waiting import WATCHDOG, soon

torch.set_num_threads(1)
lab, address, images = sys.argv[1], sys.argv[2], int(sys.argv[3])
answers, sys.stdout = sys.stdout, sys.stderr  # Ray prints there when a node has died
def say(**what): print(json.dumps(what), file=answers, flush=True)

code = ray_pool.code_identity
ray_pool.code_identity = lambda: "another"
skewed = ray_pool.RayPool(RayCluster(address), "cpu", 1)
soon(lambda: skewed.problem.startswith("The worker"), WATCHDOG)
second = ray_pool.RayPool(skewed._cluster, "cpu", 1)
soon(lambda: "cannot start yet" in second.problem, WATCHDOG)
say(skew=skewed.problem, ready=skewed.ready, second=second.problem)
second._closed.set()
skewed.close()
ray_pool.code_identity = code

def links():
    threads = [one.name for one in threading.enumerate() if one.name.startswith("ray")]
    return threads + [one.name() for one in psutil.Process().children()]

pool = RayLink(address, "cpu", 1)
assert pool.wait(WATCHDOG)
studio = Studio(lab, None, chunk=12, workers=pool)
def counts(one): return [[task.key, task.correct, task.n] for task in one.tasks]
specs = [EditSpec.lines(key, gamma, images=images) for key in ("digits", "faces") for gamma in (0, 0.5, 1)]
found = {}
def visit(number):
    for spec in specs[number % 2:]:
        found[number, spec] = counts(studio.evaluate(spec, studio.ticket(f"visitor {number}")))
threads = [threading.Thread(target=visit, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
first = studio.first(EditSpec.lines("digits", 0.3, images=images))
def counted(): return sum(one.counted for one in pool.status())
soon(lambda: counted() >= pool.sent["orders"], WATCHDOG)  # it is told once a second
orders = dict(pool.sent)
say(found=[[number, spec.as_dict(), one] for (number, spec), one in found.items()], first=counts(first),
    workers=[worker.state for worker in pool.status()], counted=counted(),
    bytes=orders["bytes"] / orders["orders"], health=health(studio.status(), False, 0.0))
soon(lambda: not pool.ready, WATCHDOG)
alone = studio.evaluate(EditSpec.lines("faces", 0.3, images=images))
say(alone=counts(alone), health=health(studio.status(), False, 0.0))
assert pool.wait(WATCHDOG)
again = studio.evaluate(EditSpec.lines("faces", 0.7, images=images))
soon(counted, WATCHDOG)
say(again=counts(again), health=health(studio.status(), False, 0.0),
    links=len(links()))
studio.close()
pool.close()
say(left=links())
"""

GPUS = """
import json, sys
from evaluators.engine.ray_cluster import RayCluster
from evaluators.engine.ray_pool import RayPool
from tests.waiting import WATCHDOG, soon

answers, sys.stdout = sys.stdout, sys.stderr  # Ray prints there when a node has died
pool = RayPool(RayCluster(sys.argv[1]), "auto", 1)
soon(lambda: sum(bool(one.problem) for one in pool.status()) >= 2, WATCHDOG)
workers = [[one.node, one.state, one.problem] for one in pool.status()]
print(json.dumps([pool.device, pool.ready, workers]), file=answers)
pool.close()
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    nodes = RayNodes()
    try:
        nodes.start()
        nodes.start()
        yield nodes
    finally:
        nodes.close()


def stored(path: Path) -> int:
    """Complete evaluations in a store."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:  # not created yet
        return 0


def rows(path: Path) -> list[dict[str, object]]:
    """A sweep's result, without what differs from run to run."""
    columns = ("spec", "task", "correct", "n", "accuracy", "device", "dtype")
    found: list[dict[str, object]] = pyarrow.parquet.read_table(path).select(columns).to_pylist()
    return found


def test_a_sweep_survives_the_death_of_a_worker_a_node_and_its_driver(
    nodes: RayNodes, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """104 positions equal those of one process bit for bit; nothing is lost, nothing counted twice."""
    (tmp_path / "assets").symlink_to(lab)
    store = tmp_path / "cache" / "results.sqlite"
    arguments = [str(tmp_path), *GRID, "--ray", nodes.address, "--ray-cores", "1"]

    with Driver(nodes, tmp_path, held_at(KILLED) + SWEEP, arguments) as sweep:
        sweep.until(lambda: stored(store) >= 5)
        sweep.until(lambda: len(nodes.workers()) == 2)
        assert loopback(nodes.remote_addresses())
        nodes.workers()[0].send_signal(signal.SIGKILL)
        before = stored(store)
        sweep.until(lambda: stored(store) >= min(before + 10, KILLED))
        nodes.kill(1)
        before = stored(store)
        sweep.until(lambda: stored(store) >= min(before + 5, KILLED))
        sweep.kill()
    kept = stored(store)
    assert kept < POSITIONS, "the sweep was over before its driver was killed"

    with Driver(nodes, tmp_path, SWEEP, arguments) as again:
        late = nodes.start()
        again.end()
        assert f"{kept} known, {POSITIONS - kept} to count" in again.errors()
    assert late == 2
    assert stored(store) == POSITIONS

    monkeypatch.setattr(sweep_command, "app_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "--cache", "alone", "--device", "cpu", *GRID, "-o", "alone.parquet"]) == 0
    assert rows(tmp_path / "sweep.parquet") == rows(tmp_path / "alone.parquet")
    assert len({row["spec"] for row in rows(tmp_path / "sweep.parquet")}) == POSITIONS


def test_the_app_counts_on_it_and_ends_as_usual(nodes: RayNodes, tmp_path: Path) -> None:
    """Ray takes over SIGTERM, and would abort the app three seconds after it."""
    port = free_port()
    options = ["--ray", nodes.address, "--port", f"{port}", "--device", "cpu", "--cache", str(tmp_path)]
    command = [sys.executable, "app.py", *options]
    with started(command, port, ROOT, nodes.environment, tmp_path / "output.txt") as page:

        def health() -> dict[str, Any]:
            with urllib.request.urlopen(f"{page.address}/health") as answer:
                told: dict[str, Any] = json.load(answer)
                return told

        page.wait_until(lambda: health()["status"] == "ok")
        client = visiting(page.address)
        found = client.predict(checkpoint="faces", alpha=0.4, beta=0.5, mix=0.9, api_name="/evaluate")
        client.close()
        counted = sum(worker["counted"] for worker in health()["workers"])
        assert page.stop() == 0, page.log()
    alone = Studio(ASSETS, None)
    spec = EditSpec(checkpoint="faces", alpha=0.4, beta=0.5, mix=0.9)
    assert {name: task["correct"] for name, task in found["tasks"].items()} == {
        task.key: task.correct for task in alone.evaluate(spec).tasks
    }
    assert counted >= len(alone.lab.images("tasks", "test").chunks(spec.images))


def test_each_gpu_gets_a_worker_that_sees_it_alone(nodes: RayNodes, tmp_path: Path) -> None:
    """Ray is told of two GPUs that are not there; the nodes without any get no worker then."""
    node = nodes.start(gpus=2)
    try:
        with Driver(nodes, tmp_path, GPUS, [nodes.address]) as program:
            device, ready, workers = program.told()
            program.end()
        assert (device, ready) == ("cuda", 0)
        assert [(node, state) for node, state, _ in workers] == 2 * [(NODE, "refused")]
        seen = [re.findall(r"PyTorch finds no GPU there.*\(number (.*)\)", said) for _, _, said in workers]
        assert sorted(seen) == [["0"], ["1"]]
    finally:
        nodes.kill(node)


def test_the_page_counts_on_it_and_without_it_and_on_it_again(
    nodes: RayNodes, lab: Path, tmp_path: Path
) -> None:
    """Visitors in parallel; workers of another version; then the head is gone, and comes back."""
    alone = Studio(lab, None, chunk=12)

    def counts(spec: EditSpec, *, first: bool = False) -> list[list[object]]:
        found = alone.first(spec) if first else alone.evaluate(spec)
        return [[task.key, task.correct, task.n] for task in found.tasks]

    with Driver(nodes, tmp_path, PAGE, [str(lab), nodes.address, "42"]) as page:
        skew = page.told()
        assert "runs other code" in skew["skew"]
        assert "install the same version" in skew["skew"]
        assert skew["ready"] == 0
        assert "Another page or sweep keeps what it counts on until it ends" in skew["second"]

        answer = page.told()
        assert len(answer["found"]) == 4 * 6 - 2
        for _, plain, found in answer["found"]:
            assert found == counts(EditSpec.from_dict(plain))
        assert answer["first"] == counts(EditSpec.lines("digits", 0.3, images=42), first=True)
        assert "ready" in answer["workers"]
        chunks = len(alone.lab.images("tasks", "test").chunks(42))
        assert answer["counted"] <= 6 * chunks + 1, "what several visitors ask for is counted once"
        assert answer["bytes"] <= 10_000
        assert [worker["device"] for worker in answer["health"]["workers"]]
        assert (answer["health"]["status"], answer["health"]["local"]) == ("ok", "")

        nodes.kill_all()
        without = page.told()
        assert without["alone"] == counts(EditSpec.lines("faces", 0.3, images=42))
        assert without["health"]["status"] == "degraded"
        assert "does not answer any more" in without["health"]["local"]

        nodes.start_again()
        again = page.told()
        assert again["again"] == counts(EditSpec.lines("faces", 0.7, images=42))
        assert (again["health"]["status"], again["health"]["local"]) == ("ok", "")
        assert again["links"] == 2, "a thread and a process; none of the first connection is left"
        assert page.told() == {"left": []}
        page.end()
