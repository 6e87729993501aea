"""Which engine counts what, and where its results are kept."""

from pathlib import Path
from typing import NamedTuple

import torch

from evaluators.engine.engine import EncodingEngine, Engine
from evaluators.engine.local_engine import LocalEngine
from evaluators.engine.ray_counter import RayCounter
from evaluators.engine.ray_link import RayLink
from evaluators.engine.zero_gpu import ZeroGpu, ZeroGpuHost
from evaluators.hub.loader import Loader
from evaluators.service.scheduler import Scheduler


class Engines(NamedTuple):
    """The engines of a studio.

    Args:
        local: of this process; encodes visitors' pictures.
        quick: counts first numbers.
        full: counts streams.
        results: name of the file for results, one for each kind of device that is not this process's.
        workers: of a cluster, if it counts.
    """

    local: EncodingEngine
    quick: Engine
    full: Engine
    results: str = "results.sqlite"
    workers: RayLink | None = None


def engines(
    local: LocalEngine,
    scheduler: Scheduler,
    loader: Loader,
    folder: Path | None,
    device: torch.device,
    zero_gpu: ZeroGpuHost | None = None,
    workers: RayLink | None = None,
) -> Engines:
    """The engines for a device, with workers of one kind at most.

    Args:
        local: of this process.
        scheduler: of which as many turns are given as there are workers.
    """
    if zero_gpu is not None:
        return Engines(local, local, ZeroGpu(zero_gpu, folder, loader), "results-zero-gpu.sqlite")
    if workers is None:
        return Engines(local, local, local)
    counter = RayCounter(workers, local, folder)
    workers.on_change = scheduler.resize
    scheduler.resize(workers.ready)
    name = "results.sqlite" if workers.device == device.type else f"results-ray-{workers.device}.sqlite"
    return Engines(local, counter, counter, name, workers)
