import threading

import pytest

from serving.periodic_tasks import keep_house


def test_chores_are_done_again_and_again_whatever_one_of_them_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[None] = []
    thrice = threading.Event()

    def fails() -> None:
        raise OSError("disk on fire")

    def counts() -> None:
        done.append(None)
        if len(done) == 3:
            thrice.set()

    ended = keep_house([fails, counts], every=0.01)
    assert thrice.wait(10)
    ended.set()
    assert "disk on fire" in caplog.text
