import threading

import pytest

from serving.periodic_tasks import run_periodically


def test_tasks_are_repeated_though_one_of_them_raises(
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

    ended = run_periodically([fails, counts], seconds=0.01)
    assert thrice.wait(60)
    ended.set()
    assert "disk on fire" in caplog.text
