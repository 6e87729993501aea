"""Server-side name of a browser session, and what the browser keeps for the session after a reload."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

KEPT_TOKEN = """(() => {
    try { return sessionStorage.getItem("lx-own") || ""; } catch { return ""; }
})()"""
"""The token of this tab, empty if it has none. A browser may forbid storage to a page inside another."""
KEEP_TOKEN = """(token) => {
    try { if (token) sessionStorage.setItem("lx-own", token); } catch {}
    return [];
}"""
"""Keeps the token by which the page will name itself after a reload, see ``Studio.resume``."""


def session_key(request: gr.Request) -> str:
    """The session that a request belongs to, under a name that no client can choose.

    The browser makes up a session hash for each page it opens; a client that sends none gets a session for
    this one request.
    """
    given = request.session_hash
    return sha256(str(given).encode("utf-8", "replace")).hexdigest()[:32] if given else token_hex(16)
