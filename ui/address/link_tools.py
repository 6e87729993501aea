"""Two buttons for the link of what is on the page: copy it, or show it as a QR code."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import segno

from ui.address.address_bar import PRIVATE
from ui.shell import text

LONGEST = 2000
"""Characters of a link that fit into a QR code which a phone still reads from a screen."""
COPY = """async () => {
    const link = window.lxAddress.link();
    try {
        await navigator.clipboard.writeText(link);
    } catch {  // no permission, or not a secure address
        const field = Object.assign(document.createElement("textarea"), { value: link });
        document.body.append(field);
        field.select();
        document.execCommand("copy");
        field.remove();
    }
    return { __type__: "update", value: "%s" };
}"""
COPY_AGAIN = """() => new Promise((done) =>
    setTimeout(() => done({ __type__: "update", value: "%s" }), 2000))"""
ASK_CODE = "() => [document.querySelector('#lx-qr svg') ? '' : window.lxAddress.link()]"
"""The link, or nothing if its code is to be closed."""


def qr_code(link: str) -> Any:
    """Update of the panel with the code of a link, dark on light in either theme; an empty link closes it."""
    if not link:
        return gr.update(value="", visible=False)
    if len(link) > LONGEST:
        return gr.update(value=f"<p>{text.LINK['long']}</p>", visible=True)
    code = segno.make(link, error="m", micro=False)
    image = code.svg_inline(scale=5, border=4, dark="black", light="white", title=text.LINK["code"])
    return gr.update(value=f"<figure>{image}<figcaption>{escape(link)}</figcaption></figure>", visible=True)


def link_tools() -> None:
    """Lay the buttons out in the current row."""
    copy = gr.Button(text.LINK["copy"], size="sm", scale=0, min_width=110, elem_id="lx-copy-link")
    show = gr.Button(text.LINK["code"], size="sm", scale=0, min_width=90, elem_id="lx-show-qr")
    code = gr.HTML("", visible=False, elem_id="lx-qr", apply_default_css=False)
    link = gr.Textbox("", visible=False)
    copied = copy.click(None, None, copy, js=COPY % text.LINK["copied"], **PRIVATE)
    copied.then(None, None, copy, js=COPY_AGAIN % text.LINK["copy"], **PRIVATE)
    show.click(qr_code, link, code, js=ASK_CODE, **PRIVATE)
