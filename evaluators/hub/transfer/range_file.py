"""Byte ranges of a file on the Hub as a seekable stream."""

import io
from typing import Any

from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from evaluators.errors import HubError
from evaluators.hub.transfer.hub_errors import hub_errors
from evaluators.hub.transfer.parallel_calls import Traffic

PIECE = 4 << 20
"""Bytes a request: what is lost when a connection breaks, and what an abandoned thread still reads."""
_EXPIRED = (400, 401, 403, 404, 410)
"""Statuses of a signed address that has expired."""


# Not HfFileSystem: it asks the Hub, which limits that, for every range, and checks neither status nor length.
class RangeFile(io.RawIOBase):
    """A file that is read by HTTP range requests: only the requested bytes are transferred.

    Nothing is cached, so reading twice transfers twice. Not thread-safe.

    Args:
        repo: "owner/name" of the data set, for messages.
        path: of the file in it, for messages.
        url: of the file, as ``huggingface_hub.hf_hub_url`` gives it.
        size: of the file in bytes.
        traffic: counts the bytes and stops the reading.
        public: read it as anybody may, without this machine's token.
    """

    def __init__(
        self, repo: str, path: str, url: str, size: int, traffic: Traffic, public: bool = False
    ) -> None:
        super().__init__()
        self._repo = repo
        self._path = path
        self._url = url
        self._size = size
        self._traffic = traffic
        self._token = False if public else None
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position of the next read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, count: int | None = -1) -> bytes:
        """The next ``count`` bytes, or all that are left.

        Raises: HubError if the Hub refuses, fails or cannot be reached; Cancelled if the traffic has ended.
        """
        end = self._size if count is None or count < 0 else min(self._size, self._position + count)
        pieces = []
        while self._position < end:
            stop = min(end, self._position + PIECE)
            pieces.append(self._piece(self._position, stop))
            self._position = stop
        return b"".join(pieces)

    def _piece(self, start: int, stop: int) -> bytes:
        span = {"Range": f"bytes={start}-{stop - 1}"}
        with hub_errors(self._repo, self._path, kind="dataset"), self._traffic.request(stop - start):
            direct = self._traffic.redirected.get(self._url)
            response = None if direct is None else _get(direct, span)
            if response is None or response.status_code in _EXPIRED:
                response = _get(self._url, build_hf_headers(token=self._token) | span)
                hf_raise_for_status(response)
                self._traffic.redirected[self._url] = str(response.url)
        content: bytes = response.content
        if response.status_code != 206 or len(content) != stop - start:
            raise HubError(
                f"{self._url} was asked for bytes {start} to {stop - 1} and gave {len(content)} bytes with "
                f"status {response.status_code}: it has changed, or a proxy cannot serve parts of a file."
            )
        self._traffic.arrived(len(content))
        return content


def _get(url: str, headers: dict[str, str]) -> Any:
    return http_backoff("GET", url, headers=headers, max_retries=0)  # TimeoutClient retries
