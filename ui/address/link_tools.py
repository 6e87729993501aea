"""Buttons for the link of what is on the page: copy it, show it as a QR code, present or embed a chart."""

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
    const link = %s;
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
LINK = "window.lxAddress.link()"
SNIPPET = """`<iframe src="${window.lxAddress.alone('embed').replaceAll('&', '&amp;')}" title="%s"
  width="900" height="600" style="border: 0"></iframe>`"""
PRESENT = "() => void window.open(window.lxAddress.alone('present'), '_blank', 'noopener')"
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
    present = gr.Button(text.LINK["present"], size="sm", scale=0, min_width=80, elem_id="lx-present")
    embed = gr.Button(text.LINK["embed"], size="sm", scale=0, min_width=80, elem_id="lx-embed")
    for button, copies, label in ((copy, LINK, "copy"), (embed, SNIPPET % text.TITLE, "embed")):
        copied = button.click(None, None, button, js=COPY % (copies, text.LINK["copied"]), **PRIVATE)
        copied.then(None, None, button, js=COPY_AGAIN % text.LINK[label], **PRIVATE)
    present.click(None, None, None, js=PRESENT, **PRIVATE)
    show.click(qr_code, link, code, js=ASK_CODE, **PRIVATE)
