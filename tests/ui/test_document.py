"""The document at ``/``: our tags, and small on the wire where the browser can unpack it."""

import asyncio
import gzip
from typing import Any

import pytest

from ui.address.document import Document

PLAIN = (
    b'<html><head><meta property="og:title" content="Gradio" /></head><body>'
    + b"script; " * 9000
    + b"</body>"
)


async def gradio(scope: Any, receive: Any, send: Any) -> None:
    """Sends its document in two pieces, with the query that it was asked with."""
    headers = [(b"content-type", b"text/html"), (b"content-length", str(len(PLAIN)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PLAIN[:100], "more_body": True})
    await send({"type": "http.response.body", "body": PLAIN[100:]})
    scope["asked"].append(scope["query_string"])


def asked(encoding: bytes, method: str = "GET") -> tuple[dict[str, str], bytes, bytes]:
    """Headers and body of the answer, and the query that reached Gradio."""
    sent: list[Any] = []
    queries: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("a document has no body to read")

    scope = {
        "type": "http",
        "path": "/",
        "method": method,
        "query_string": b"page=merge&task=faces",
        "headers": [(b"accept-encoding", encoding)],
        "asked": queries,
    }
    asyncio.run(Document(gradio)(scope, receive, send))
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in sent[1:]), queries[0]


@pytest.mark.parametrize(("encoding", "packed"), [(b"gzip, br", True), (b"identity", False), (b"", False)])
def test_it_is_packed_where_the_browser_says_so(encoding: bytes, packed: bool) -> None:
    headers, body, query = asked(encoding)
    assert headers["content-length"] == str(len(body))
    assert headers["vary"] == "Accept-Encoding"
    assert (headers.get("content-encoding") == "gzip") is packed
    plain = gzip.decompress(body) if packed else body
    assert b'content="Gradio"' not in plain
    assert b'property="og:title" content="LiNeS Explorer"' in plain
    assert plain.endswith(b"script; </body>")
    assert not packed or len(body) < len(plain) / 10
    assert query == b"task=faces"
