"""A flooded endpoint refuses further requests in words, and leaves those of others alone."""

import asyncio

import gradio as gr
import pytest
from gradio.events import api
from gradio.routes import App
from starlette.testclient import TestClient

from serving.queue_limit import limit_queue

MOST = 3


@pytest.fixture
def client() -> TestClient:
    """A page whose queue is never served."""

    def double(number: int = 0) -> int:
        return 2 * number

    async def made() -> TestClient:
        with gr.Blocks(analytics_enabled=False) as page:
            for name in ("flooded", "other"):
                api(double, api_name=name, concurrency_id=name, concurrency_limit=2)
        limit_queue(page, MOST)
        return TestClient(App.create_app(page))

    return asyncio.run(made())


def test_a_full_queue_is_refused_in_words_and_other_endpoints_go_on(client: TestClient) -> None:
    def ask(name: str) -> tuple[int, str]:
        reply = client.post(f"/gradio_api/call/{name}", json={"data": [1]})
        return reply.status_code, reply.json().get("detail", "")

    assert [ask("flooded") for _ in range(MOST)] == [(200, "")] * MOST
    refused = "3 requests wait already, the most that may: try again later."
    assert [ask("flooded"), ask("flooded")] == [(503, refused)] * 2
    assert ask("other") == (200, "")
