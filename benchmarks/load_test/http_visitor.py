"""Visitor over HTTP: sends the requests of the page's script, and takes their answers."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from gradio_client import Client

from benchmarks.load_test.answer_listener import AnswerListener
from evaluators.specs.edit_spec import EditSpec
from ui.explore.explore_controls import Controls
from ui.live.live_panel import LATE, QUIET, SILENCE

TIMEOUT = 60.0
"""Seconds after which a request counts as timed out."""
KEEP_ALIVE = 2.0
"""Seconds a connection may be idle: below the server's five, so that a request is seldom sent again."""

Counts = tuple[tuple[int, int], ...]
"""Correct and all images of each task, in the page's order."""

NO_PINS = ""


@dataclass
class Move:
    """A position of the controls, and when its numbers came, in seconds of ``time.monotonic``.

    Args:
        number: of the move on this page.
        settled: whether the first answer left nothing to be counted, so that the page asks for no more.
    """

    spec: EditSpec
    made: float
    number: int = 0
    first: float | None = None
    final: float | None = None
    settled: bool = False


@dataclass
class Observations:
    """What one visitor observed.

    Args:
        moves: that were sent to the server, in order.
        awaited: moves after which the visitor waited for numbers.
        returned: (spec, counts) of every answer with numbers.
        queue_notices: how often the page showed the queue position.
        late: seconds by which each move was late, for want of processor time.
        errors: invalid answers and failed requests.
    """

    moves: list[Move] = field(default_factory=list)
    awaited: list[Move] = field(default_factory=list)
    returned: list[tuple[EditSpec, Counts]] = field(default_factory=list)
    queue_notices: int = 0
    late: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def counts_of(value: dict[str, Any]) -> Counts:
    """The counts in an answer of the page's head."""
    return tuple((correct, n) for correct, n in value["evaluation"]["counts"])


class HttpVisitor:
    """One open page. Its session is that of a ``gradio_client``, which also keeps the heartbeat.

    The first tier is a plain POST that keeps the last move while one is on its way, the second a job of the
    client once the controls rest, as in the browser.

    Args:
        address: of the page.
        listener: takes the jobs' answers.
    """

    def __init__(self, address: str, listener: AnswerListener) -> None:
        self.seen = Observations()
        self._listener = listener
        self._client = Client(
            address,
            verbose=False,
            analytics_enabled=False,
            download_files=False,
            ssl_verify=False,  # or it reads all certificates anew for each request, over plain HTTP too
            httpx_kwargs={"timeout": TIMEOUT},  # or five seconds; a browser has no limit
        )
        self._http = httpx.Client(timeout=TIMEOUT, limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE))
        self._quick, self._settle = _listeners(self._client.config)
        settle = self._client.endpoints[self._settle]
        settle.is_valid = True  # private: left out of the API's description only
        self._changed = threading.Condition()
        self._newest: tuple[Controls, Move] | None = None
        self._wanted: tuple[Controls, Move] | None = None
        self._open = True
        self._refining = 0
        self._landmarks = ""
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._ask, self._rest)]
        for thread in self._threads:
            thread.start()

    def move(self, controls: Controls) -> Move:
        """Set the controls. While a request is pending, only the last move is kept."""
        with self._changed:
            if self._newest is not None and self._newest[0] == controls:
                return self._newest[1]
            number = 1 if self._newest is None else self._newest[1].number + 1
            made = Move(controls.spec(), time.monotonic(), number)
            self._newest = self._wanted = controls, made
            self._changed.notify_all()
        return made

    def wait(self, move: Move, final: bool, seconds: float) -> bool:
        """Wait for the first or the final numbers of a move; whether they came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: _came(move, final), seconds)

    def close(self) -> None:
        """Close the page."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(TIMEOUT)
        with self._changed:
            self._changed.wait_for(lambda: not self._refining, TIMEOUT)
        self._client.close()
        self._http.close()

    def _ask(self) -> None:
        """Tier 1: one request at a time, the newest move next."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None or not self._open)
                if not self._open:
                    return
                assert self._wanted is not None
                controls, move = self._wanted
                self._wanted = None
            self.seen.moves.append(move)
            body = {
                "data": [*controls.values(), NO_PINS, move.number, self._landmarks],
                "fn_index": self._quick,
                "session_hash": self._client.session_hash,
                "event_data": None,
                "trigger_id": None,
            }
            try:
                self._take(self._post(body).json()["data"][0], move)
            except (httpx.HTTPError, LookupError, ValueError) as error:
                self.seen.errors.append(f"{type(error).__name__}: {error}")

    def _post(self, body: dict[str, Any]) -> httpx.Response:
        """The answer to a request; a browser too sends it again where the server just closed an idle line."""
        address = f"{self._client.src_prefixed}run/predict"
        try:
            answer = self._http.post(address, json=body)
        except httpx.RemoteProtocolError:
            answer = self._http.post(address, json=body)
        return answer.raise_for_status()

    def _rest(self) -> None:
        """Begin tier 2 wherever the controls rest, unless tier 1 has settled the position."""
        rested = None
        while self._open:
            with self._changed:
                self._moves_on(rested)
                newest = self._newest
                if newest is None or self._moves_on(newest, QUIET):
                    continue
                self._answers(newest[1], LATE - QUIET)
                if newest is not self._newest:
                    continue
            rested = newest
            if not newest[1].settled:
                self._refine(rested)

    def _moves_on(self, position: tuple[Controls, Move] | None, seconds: float | None = None) -> bool:
        """Wait until the controls are moved from a position or the page is closed; whether they were."""
        return self._changed.wait_for(lambda: self._newest is not position or not self._open, seconds)

    def _answers(self, move: Move, seconds: float) -> None:
        """Wait until tier 1 has answered a move."""
        self._changed.wait_for(lambda: move.first is not None or not self._open, seconds)

    def _refine(self, position: tuple[Controls, Move], again: bool = True) -> None:
        """Tier 2: take answers until they are complete, or the server stops because the visitor moves on."""
        controls, move = position
        with self._changed:
            self._refining += 1
        job = self._client.submit(
            *controls.values(), NO_PINS, move.number, self._landmarks, fn_index=self._settle
        )
        self._listener.listen(job, partial(self._take, move=move), partial(self._refined, position, again))

    def _refined(self, position: tuple[Controls, Move], again: bool, error: BaseException | None) -> None:
        """Tier 2 is over. The client can lose an answer if its stream of answers closes just as it asks."""
        if isinstance(error, CancelledError):
            threading.Timer(SILENCE, self._refine_again, [position, again]).start()
            return
        if error is not None:
            self.seen.errors.append(f"{type(error).__name__}: {error}")
        self._ended()

    def _refine_again(self, position: tuple[Controls, Move], again: bool) -> None:
        """After some silence, ask once more as the page does, unless the visitor has moved on."""
        if self._newest is position and self._open:
            if again:
                self._refine(position, again=False)
            else:
                self.seen.errors.append("an answer was lost twice")
        self._ended()

    def _ended(self) -> None:
        with self._changed:
            self._refining -= 1
            self._changed.notify_all()

    def _take(self, packed: Any, move: Move) -> None:
        """Read an answer, and note when it came; the page skips what is older than what it shows."""
        now = time.monotonic()
        value = json.loads(packed)
        if value["state"] == "nothing":
            return
        if value["state"] == "waiting":
            self.seen.queue_notices += 1
        elif value["state"] == "error":
            self.seen.errors.append(value["words"]["sentence"])
        elif value["key"] == move.spec.key():
            with self._changed:
                if move.first is None:
                    move.first, move.settled = now, value["settled"]
                if value["state"] == "complete":
                    move.final = move.final or now
                self._changed.notify_all()
            self._landmarks = value["landmarks"]["id"]
            self.seen.returned.append((move.spec, counts_of(value)))
        else:
            self.seen.errors.append(f"asked for {move.spec.key()}, got {value['key']}")


def _came(move: Move, final: bool) -> bool:
    return (move.final if final else move.first) is not None


def _listeners(config: dict[str, Any]) -> tuple[int, int]:
    """Ids of the two live listeners of the page's head: of all controls' changes, and of their rest."""
    gamma = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "lx-gamma")
    quick = next(
        one
        for one in config["dependencies"]
        if [gamma, "change"] in [list(target) for target in one["targets"]]
        and one["backend_fn"]
        and one["trigger_mode"] == "always_last"
        and len(one["inputs"]) == len(Controls().values()) + 3
    )
    rest = [quick["outputs"][0], "rest"]
    settle = next(one for one in config["dependencies"] if rest in [list(to) for to in one["targets"]])
    return quick["id"], settle["id"]
