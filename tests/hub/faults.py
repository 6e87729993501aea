"""Requests that the local Hub has seen, and faults that a test puts on some of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

FaultKind = Literal["status", "expire", "drop", "slow", "cut", "reset", "stall", "drip", "wrong", "short"]
IN_THE_BODY = ("cut", "reset", "stall", "drip", "wrong", "short")


@dataclass
class Request:
    """One request as it came, and what became of it.

    Args:
        origin: "hub", or "cdn" for the other origin that large files are sent from.
        path: as asked, without percent signs and query.
        repo: "owner/name", empty where the path names none.
        name: of the file inside the repository, empty where the path names none.
        range: (first byte, last byte or None) of a Range header.
        token: of the Authorization header.
        status: of the answer, 0 if there was none.
        sent: bytes of the file that were handed to the network.
    """

    origin: str
    method: str
    path: str
    query: str
    repo: str
    name: str
    range: tuple[int, int | None] | None
    token: str | None
    headers: Mapping[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class Fault:
    pattern: str
    kind: FaultKind
    times: int | None
    skip: int
    origin: str | None
    status: int
    retry_after: float | None
    after: int
    rate: int

    def hits(self, request: Request, canonical: str, in_the_body: bool) -> bool:
        """Whether it is on a request at this stage."""
        return (
            self.times != 0
            and (self.kind in IN_THE_BODY) is in_the_body
            and self.origin in (None, request.origin)
            and fnmatchcase(canonical, f"*{self.pattern}*")
        )
