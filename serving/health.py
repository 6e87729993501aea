"""Whether the server is well, for whoever restarts it: it answers while the model is busy."""

import re
import time
from collections.abc import Callable
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
    """The page that tells how the server is, as JSON; 503 once it is stopping or its device has failed.

    Args:
        status: of the studio; must not wait for anything.
        stopping: whether the server finishes what is under way and takes nothing new.
    """
    started = time.monotonic()

    async def read(request: Request) -> Response:
        told = health(status(), stopping(), time.monotonic() - started)
        code = 503 if told["status"] in (STOPPING, FAILED) else 200
        return JSONResponse(told, code, headers={"cache-control": "no-store"})

    return Route(path, read, methods=["GET"], include_in_schema=False)


def health(now: ServiceStatus, stopping: bool, uptime: float) -> dict[str, Any]:
    """What the page tells: nothing about visitors, and no path of this machine.

    Args:
        uptime: seconds since the server began.
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
        "guests": {"checkpoints": now.added, "bytes": now.added_bytes},
    }


def _status(now: ServiceStatus, stopping: bool) -> str:
    """In one word; "failed" is what only another start mends."""
    if stopping:
        return STOPPING
    return FAILED if now.failure else DEGRADED if now.problem else OK


def without_paths(said: str, *known: str) -> str:
    """A text with every absolute path in it replaced by an ellipsis.

    Args:
        known: paths that are hidden with their folders even where they hold spaces.

    >>> without_paths("unable to open '/data/my cache/results.sqlite': read-only")
    'unable to open …: read-only'
    """
    for path in filter(None, known):
        for folder in (PurePath(path), *PurePath(path).parents):
            if len(folder.parts) > 1:
                said = said.replace(str(folder), _HIDDEN)
    said = _QUOTED_PATH.sub(_HIDDEN, said)
    return _PATH.sub(_HIDDEN, said)
