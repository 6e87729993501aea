"""The HTML document of the page: own social tags, gzip, and a parameter `page` that Gradio does not read."""

from __future__ import annotations

import gzip
import json
import re
from html import escape
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.address.address_bar import ALONE
from ui.shell import text

FOREIGN = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*?/>\s*')
"""Gradio's own social tags: its name, and images from other hosts."""
OPENED = """<script>
{
  const asked = new URLSearchParams(location.search);
  const alone = ["present", "embed"].some((name) => %s.includes(asked.get(name)));
  const page = alone ? "explore" : asked.get("page");
  const tabs = gradio_config.components.find((one) => one.props.elem_id === "lx-pages");
  if (tabs && gradio_config.components.some((one) => one.type === "tabitem" && one.props.id === page))
    tabs.props.selected = page;
}
</script>"""
"""Selects the tab that the address names before Gradio builds the page, which then builds no other tab.
A chart alone (``present``, ``embed``) is one of *Explore*; %s takes their names."""
HEAD = b"</head>"
COMPRESSION = 6
"""Level of gzip: the document holds the scripts of all panels, and shrinks to a fifth in some 15 ms."""


class Document:
    """Middleware for the document at ``/``.

    The parameter ``page`` is kept from Gradio, which would look for a page of its own by that name and fail.
    The browser still has it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else through."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        kept = urlencode([(name, value) for name, value in query if name != "page"])
        start: Message = {}
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if start["status"] == 200 and scope["method"] == "GET":
                headers = MutableHeaders(scope=start)
                body = own_document(body)
                headers.add_vary_header("Accept-Encoding")
                if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
                    body = gzip.compress(body, COMPRESSION, mtime=0)
                    headers["content-encoding"] = "gzip"
                headers["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app({**scope, "query_string": kept.encode("latin-1")}, receive, changed)


def own_document(document: bytes) -> bytes:
    """Gradio's document with our social tags in place of its own."""
    tags = "".join(
        f'<meta {kind}="{name}" content="{escape(content)}" />'
        for kind, name, content in (
            ("property", "og:title", text.TITLE),
            ("property", "og:type", "website"),
            ("property", "og:description", text.DESCRIPTION),
            ("name", "description", text.DESCRIPTION),
            ("name", "twitter:card", "summary"),
        )
    )
    added = (tags + OPENED % json.dumps(["1", *ALONE])).encode()
    return FOREIGN.sub(b"", document).replace(HEAD, added + HEAD, 1)
