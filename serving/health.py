"""Health check route: state of the server as JSON, answered while the model is busy."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evaluators.service.request_stats import ServiceStatus
from serving.memory import accelerator_bytes, resident_bytes
from serving.version import VERSION

PATH = "/health"
OK, DEGRADED, FAILED, STOPPING = "ok", "degraded", "failed", "stopping"
_QUOTED_PATH = re.compile(r"""(['"])(?:/|~|[A-Za-z]:[\\/]).*?\1""")
_PATH = re.compile(r"""(?<![\w:/.])(?:~?/|[A-Za-z]:[\\/])[^\s'",;)]*[^\s'",;).:]""")
_HIDDEN = "…"


def health_route(
    status: Callable[[], ServiceStatus], stopping: Callable[[], bool], path: str = PATH
) -> Route:
    """Route of the health check; its status is 503 once the server is stopping or its device has failed.

    Args:
        status: state of the studio; must not block.
        stopping: whether the server is shutting down.
    """
    started = time.monotonic()

    async def read(request: Request) -> Response:
        answer = health(status(), stopping(), time.monotonic() - started)
        code = 503 if answer["status"] in (STOPPING, FAILED) else 200
        return JSONResponse(answer, code, headers={"cache-control": "no-store"})

    return Route(path, read, methods=["GET"], include_in_schema=False)


def health(now: ServiceStatus, stopping: bool, uptime: float) -> dict[str, Any]:
    """Fields of the health check: nothing about visitors, and no path of this machine.

    Args:
        uptime: seconds since the start.
    """
    cache = "failed" if now.problem else "disk" if now.store else "memory"
    return {
        "status": _status(now, stopping),
        "version": VERSION,
        "device": now.device,
        "failure": without_paths(now.failure),
        "memory": {"resident_bytes": resident_bytes(), "accelerator_bytes": accelerator_bytes()},
        "uptime_seconds": round(uptime, 1),
        "queue": {
            "running": now.running,
            "waiting": now.waiting,
            "expected_wait_seconds": round(now.wait, 3),
        },
        "cache": {"kept": cache, "problem": without_paths(now.problem, now.store), "known": now.results},
        "models": list(now.models),
        "session_checkpoints": {
            "count": now.session_checkpoints,
            "bytes": now.session_checkpoint_bytes,
        },
        **(_workers(now) if now.workers or now.local else {}),
    }


ALWAYS_LOCAL = ("checkpoints, images and pictures of visitors", "texts")
"""What workers of a cluster never get."""


def _workers(now: ServiceStatus) -> dict[str, Any]:
    """The workers of a cluster, and why this process counts in their place."""
    workers = [asdict(worker) | {"problem": without_paths(worker.problem)} for worker in now.workers]
    return {"workers": workers, "local": without_paths(now.local), "always_local": ALWAYS_LOCAL}


def _status(now: ServiceStatus, stopping: bool) -> str:
    """State in one word; "failed" needs a restart."""
    if stopping:
        return STOPPING
    return FAILED if now.failure else DEGRADED if now.problem or now.local else OK


def without_paths(text: str, *known: str) -> str:
    """The text with every absolute path replaced by an ellipsis.

    Args:
        known: paths that are hidden, like their folders, even if they contain spaces.

    >>> without_paths("unable to open '/data/my cache/results.sqlite': read-only")
    'unable to open …: read-only'
    """
    for path in filter(None, known):
        for folder in (PurePath(path), *PurePath(path).parents):
            if len(folder.parts) > 1:
                text = text.replace(str(folder), _HIDDEN)
    return _PATH.sub(_HIDDEN, _QUOTED_PATH.sub(_HIDDEN, text))
