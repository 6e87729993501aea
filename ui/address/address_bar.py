"""The address of every page: opening a link sets page and controls, moving them writes the link.

The browser writes (`address.js`), because it has the values of all controls; Python reads, because it knows
which models and checkpoints there are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MethodType
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency, EventListener

from evaluators.service.studio import Studio
from ui.address.page_link import LinkRow, PageLink, read_query, unknown
from ui.live.session_key import KEPT_TOKEN, session_key
from ui.shell import markup, text

SCRIPT = (Path(__file__).parent / "address.js").read_text(encoding="utf-8")
LONGEST = 4000
"""Characters of a link that are read."""
SEARCH = f"() => [window.lxAddress?.asks() ?? window.location.search, {KEPT_TOKEN}]"
MOVED = "(value) => { window.lxAddress?.moved(%d, value); return []; }"
ALONE = ("tradeoff", "schedule", "tasks", "pictures")
"""Charts of Explore that ``present`` and ``embed`` show alone."""
KEPT = ("pins",)
"""Names in a link that *Reset all* leaves."""
OPENED = '(...values) => { window.lxAddress?.opened("%s", values); return []; }'
READ = "(text) => window.lxAddress.read(text)"
RESTORED = "(page, ...values) => { window.lxAddress?.set(page, values); return []; }"

PRIVATE: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
    "queue": False,
}

Choose = Callable[[Studio, Mapping[str, str], bool], tuple[str, str, list[str]]]
"""(studio, link, whether what this tab had added is deleted) -> the model and the checkpoint that the link
names or implies, and complaints."""


class AddressBar:
    """The link of the page. Laid out where it is made; its notice says what was wrong in a link.

    Args:
        pages: key -> title; the first one is opened without a link.
        default: page of a link that names none.
    """

    def __init__(self, pages: Mapping[str, str], default: str) -> None:
        self._default = default
        self._pages = dict(pages)
        self._links: list[PageLink] = []
        self._controls: list[Component] = []
        opens = ", ".join(f'"{page}": () => trigger("open_{page}")' for page in pages)
        charts = f"const alone_charts = {json.dumps(ALONE)}, kept = {json.dumps(KEPT)};\n"
        script = f"const pages = {json.dumps(self._pages)}, opens = {{{opens}}};\n{charts}{SCRIPT}"
        self._bar = gr.HTML("", js_on_load=script, elem_id="lx-address", apply_default_css=False, fixed="")
        self._opened_page = gr.Textbox("", visible=False)
        self._search = gr.Textbox("", visible=False)
        self._token = gr.Textbox("", visible=False)
        self._read = gr.Textbox("", visible=False)
        self._notice = gr.HTML("", elem_id="lx-notice", elem_classes="lx-notice", visible=False)

    def opened(self, page: str) -> Callable[..., Dependency]:
        """The event that a page has been opened, by its tab or by a link; its controls are set by then.

        To be used as any Gradio event. A bound method, because ``gr.on`` reads its attributes.
        """
        return MethodType(EventListener(f"open_{page}").listener, self._bar)

    def says(self, link: PageLink) -> None:
        """Put controls of a page into its link.

        To be called before other listeners of the controls are made: Gradio calls them one after the other,
        and waits for the server's answers in between.
        """
        self._links.append(link)
        self.places(link.controls)

    def places(self, controls: Sequence[Component]) -> list[int]:
        """Places of controls among the values that `address.js` knows."""
        for control in controls:
            if control not in self._controls:
                js = MOVED % len(self._controls)
                self._controls.append(control)
                control.change(None, control, None, js=js, **PRIVATE)  # type: ignore[attr-defined]
        return [self._controls.index(control) for control in controls]

    def connect(
        self,
        studio: Studio,
        blocks: gr.Blocks,
        tabs: gr.Tabs,
        shared: Sequence[LinkRow],
        choose: Choose,
    ) -> None:
        """Wire everything once all pages are laid out.

        Args:
            tabs: of the pages; the id of a tab is the key of its page.
            shared: rows of the model and of the checkpoint, which every page has.
        """
        model, checkpoint = (row.control for row in shared)
        controls = self._controls
        rows = [_plain("", row, controls) for row in shared]
        rows += [_plain(link.page, row, controls) for link in self._links for row in link.rows]
        names = {"page", "present", "embed", *(row["name"] for row in rows)}
        for tab in tabs.children:
            assert isinstance(tab, gr.Tab)
            tab.select(None, controls, None, js=OPENED % tab.id, **PRIVATE)

        def read(request: gr.Request, search: str, token: str, always: bool) -> list[Any]:
            seen = studio.seen_by(session_key(request))
            deleted = bool(token) and not seen.resume(str(token)[:LONGEST])
            query, twice = read_query(str(search)[:LONGEST], names)
            complaints = [*text.faults(studio.status()), *twice]
            if not always and not query.keys() & names:
                quiet = dict.fromkeys(controls, gr.skip()) | {model: _offered(seen)}
                return [gr.skip(), "", *quiet.values(), _notice(complaints)]
            page = query.get("page", "")
            if page not in self._pages:
                complaints += [unknown("page", page, list(self._pages))] if "page" in query else []
                page = self._default if query.keys() & names else next(iter(self._pages))
            for name in ("present", "embed"):
                if query.get(name) in ("1", *ALONE):
                    page = self._default
                elif name in query:
                    complaints.append(unknown(name, query[name], ALONE))
            chosen, task, wrong = choose(seen, query, deleted)
            complaints += wrong
            values: dict[Component, Any] = dict.fromkeys(controls, gr.skip())
            for link in self._links:
                if link.page == page:
                    found, wrong = link.read(seen, query, chosen, task)
                    values.update(zip(link.controls, found, strict=True))
                    complaints += wrong
            values[model] = _offered(seen) | {"value": chosen}
            tasks = [(one.title, one.key) for one in seen.checkpoints(chosen)]
            values[checkpoint] = gr.update(choices=tasks, value=task)
            return [gr.update(selected=page), page, *values.values(), _notice(complaints)]

        def load(request: gr.Request, search: str, token: str) -> str:
            """A page without a link stays as it opened: a visitor may have moved a control already."""
            return json.dumps({"search": search, "values": read(request, search, token, always=False)})

        def visit(request: gr.Request, search: str, token: str) -> str:
            return json.dumps({"search": search, "values": read(request, search, token, always=True)})

        # Set in the browser: Gradio copies all properties of whatever was once an output of the server, again
        # with each event, 100 ms a move of a slider for these sixty.
        outputs = [tabs, self._opened_page, *controls, self._notice]
        self._bar.props["fixed"] = json.dumps({"rows": rows, "controls": [one._id for one in controls]})
        for event, listener in ((blocks.load, load), (self._bar.visit, visit)):
            done = event(listener, [self._search, self._token], self._read, js=SEARCH, **PRIVATE)
            done = done.then(None, self._read, outputs, js=READ, **PRIVATE)
            done.then(None, [self._opened_page, *controls], None, js=RESTORED, **PRIVATE)


def _plain(page: str, row: LinkRow, controls: Sequence[Component]) -> dict[str, Any]:
    """A row as address.js reads it."""
    only = None if row.only is None else [controls.index(row.only[0]), row.only[1]]
    starts = None if row.starts is None else [controls.index(row.starts[0]), row.starts[1]]
    return {
        "page": page,
        "name": row.name,
        "at": controls.index(row.control),
        "start": row.start,
        "only": only,
        "starts": starts,
    }


def _offered(studio: Studio) -> Any:
    return gr.update(choices=[(info.title, info.key) for info in studio.models()])


def _notice(complaints: Sequence[str]) -> Any:
    return gr.update(value=markup.notice(complaints), visible=bool(complaints))
