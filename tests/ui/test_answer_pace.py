"""First and complete answers are always sent; those between share a part of the app's time."""

import pytest

from ui.live.answer_pace import ANSWER_SECONDS, SHARE, AnswerPace


@pytest.mark.parametrize("running", [0, 1, 8, 64])
def test_refinements_of_all_requests_take_no_more_than_their_share(running: int) -> None:
    now, chunk, seconds = 0.0, 0.001, 20.0
    pace = AnswerPace(lambda: running, lambda: now)
    sent = [pace.due(complete=False)]
    for number in range(1, int(seconds / chunk)):
        now = number * chunk
        sent.append(pace.due(complete=False))
    assert sent[0], "first numbers do not wait"
    taken = running * sum(sent) * ANSWER_SECONDS / seconds
    assert taken <= SHARE + running * ANSWER_SECONDS / seconds
    assert taken >= 0.9 * SHARE or all(sent), "and no less if there is enough to send"
    assert pace.due(complete=True)


def test_one_visitor_sees_every_chunk_of_a_device() -> None:
    now = 0.0
    pace = AnswerPace(lambda: 1, lambda: now)
    for number in range(11):
        now = 0.1 * number
        assert pace.due(complete=number == 10)
