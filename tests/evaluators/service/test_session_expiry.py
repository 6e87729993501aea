"""How long visitors' checkpoints stay: unused ones, those of a reloaded page, of pages that share a token."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluators.service.session_checkpoints import MOST_PAGES, SessionCheckpoints
from evaluators.service.session_entry import Added, key_of
from evaluators.service.session_quota import QuotaError
from tests.evaluators.service.session_additions import MODEL, SMALL, added, find


def test_unused_checkpoints_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("evaluators.service.session_checkpoints.time", SimpleNamespace(monotonic=lambda: now))
    deleted: list[tuple[str, Added]] = []
    checkpoints = SessionCheckpoints(tmp_path, SMALL, lambda model, one: deleted.append((model, one)))
    used, idle = added(checkpoints, "used"), added(checkpoints, "idle")
    now += 50.0
    checkpoints.use("used")
    assert find(checkpoints, "idle", MODEL, idle.info.key) == idle, "a look is no use"
    now += 20.0
    checkpoints.expire()
    assert deleted == [(MODEL, idle)]
    assert checkpoints.of_model("idle", MODEL) == ()
    assert not idle.residual.exists()
    assert used.residual.exists()
    now += 61.0
    with checkpoints.reserve("another", 1):
        assert not used.residual.exists()


def test_a_reloaded_page_has_its_checkpoints_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload lost what the visitor had added; the old page may be reported closed before or after it."""
    now = 1000.0
    monkeypatch.setattr("evaluators.service.session_checkpoints.time", SimpleNamespace(monotonic=lambda: now))
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    assert checkpoints.token("nobody") == ""
    mine = added(checkpoints, "page 1")
    token = checkpoints.token("page 1")
    assert token == checkpoints.token("page 1")

    checkpoints.leave("page 1")
    now += 9.0
    assert checkpoints.resume("page 2", token)
    assert checkpoints.of_model("page 2", MODEL) == (mine,)
    assert checkpoints.of_model("page 1", MODEL) == ()
    assert checkpoints.resume("page 3", token)
    checkpoints.leave("page 2")
    now += 30.0
    checkpoints.expire()
    assert checkpoints.of_model("page 3", MODEL) == (mine,), "page 3 is open"
    assert (checkpoints.count, checkpoints.bytes) == (1, 100)

    checkpoints.leave("page 3")
    now += 5.0
    checkpoints.use("page 3")  # a lost connection, no new page
    now += 6.0
    checkpoints.expire()
    assert checkpoints.of_model("page 3", MODEL) == (mine,)

    checkpoints.leave("page 3")
    now += 11.0
    assert not checkpoints.resume("page 4", token)
    assert not mine.residual.parent.exists()
    assert (checkpoints.count, checkpoints.bytes) == (0, 0)


def test_a_token_opens_one_visitor_s_checkpoints_only(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    mine, yours = added(checkpoints, "mine"), added(checkpoints, "yours")
    for guess in ("", "x", "\ud800", "y" * 10**6):
        assert not checkpoints.resume("guest", guess)
    assert checkpoints.of_model("guest", MODEL) == ()
    assert not checkpoints.resume("yours", checkpoints.token("mine")), "it has others already"
    assert checkpoints.of_model("yours", MODEL) == (yours,)
    assert checkpoints.resume("mine", checkpoints.token("mine"))
    assert checkpoints.of_model("mine", MODEL) == (mine,)


def test_pages_that_share_a_token_share_its_quota_and_are_limited(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path, SMALL)
    mine = added(checkpoints, "page 0", size=600)
    token = checkpoints.token("page 0")
    for number in range(1, 3 * MOST_PAGES):
        assert checkpoints.resume(f"page {number}", token)
    assert len(checkpoints._sessions) == MOST_PAGES
    assert checkpoints.of_model("page 0", MODEL) == ()
    last = f"page {3 * MOST_PAGES - 1}"
    assert checkpoints.of_model(last, MODEL) == (mine,)
    with pytest.raises(QuotaError, match="you have used"), checkpoints.reserve(last, 500):
        pass
    assert checkpoints.bytes == 600


def test_what_closed_pages_have_left_makes_room(tmp_path: Path) -> None:
    """Nobody is refused for the sake of a page that may come back; of those the longest closed goes first."""
    deleted: list[str] = []
    checkpoints = SessionCheckpoints(tmp_path, SMALL, lambda model, one: deleted.append(key_of(one)))
    for name in ("open", "first", "second"):
        added(checkpoints, name, name, 500)
    tokens = {name: checkpoints.token(name) for name in ("first", "second")}
    for name in tokens:
        checkpoints.leave(name)
    added(checkpoints, "new", "new", 400)
    assert deleted == ["first"]
    assert checkpoints.resume("second again", tokens["second"])
    with pytest.raises(QuotaError, match="visitors together"), checkpoints.reserve("newer", 500):
        pass
    assert deleted == ["first"]


def test_closing_a_page_stops_its_imports_though_its_checkpoints_stay(tmp_path: Path) -> None:
    checkpoints = SessionCheckpoints(tmp_path)
    mine = added(checkpoints, "a")
    token = checkpoints.token("a")
    with checkpoints.reserve("a", 100) as left:
        checkpoints.leave("a")
        assert left.is_set()
    assert checkpoints.resume("b", token)
    assert checkpoints.of_model("b", MODEL) == (mine,)
    with checkpoints.reserve("b", 100) as left:
        assert not left.is_set()
