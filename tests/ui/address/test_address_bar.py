"""The browser learns of a move before any listener waits for the server."""

import asyncio

import gradio as gr

from evaluators.service.studio import Studio
from tests.paths import ASSETS
from ui.layout import build


def test_the_address_hears_of_each_control_first() -> None:
    """Gradio calls the listeners of an event one after the other, and waits for those on the server.

    The model of *Text* and the choice of LiNeS on *Rewarded soups* took two round trips to be answered, and
    what was shown faded after the first.
    """

    async def lay_out() -> gr.Blocks:
        return build(studio)

    studio = Studio(ASSETS, None)
    page = asyncio.run(lay_out())
    studio.close()
    said = [one for one in page.fns.values() if "lxAddress?.moved(" in str(one.js)]
    assert len(said) > 50
    for one in said:
        for target in one.targets:
            first = next(other for other in page.fns.values() if target in other.targets)
            assert first is one, page.blocks[target[0]].elem_id  # type: ignore[index]
