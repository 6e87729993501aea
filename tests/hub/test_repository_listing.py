"""Listing of a repository's files on the local Hub, with and without a network."""

import pytest

from evaluators.errors import HubError
from evaluators.hub.transfer.repository_files import fetch
from evaluators.hub.transfer.repository_listing import list_files
from tests.hub.large_file import QUICK, REPO
from tests.hub.server import Hub


def put(hub: Hub, *names: str) -> None:
    for name in names:
        (hub.folder(REPO) / name).write_text("")


def test_a_listing_comes_in_pages(hub: Hub) -> None:
    put(hub, *(f"{number}.txt" for number in range(7)))
    hub.page_size = 3
    assert list_files(REPO) == tuple(f"{number}.txt" for number in range(7))
    assert len(hub.requests) == 3


def test_without_the_hub_the_last_listing_is_used_or_else_the_cached_files(hub: Hub) -> None:
    put(hub, "a.bin", "b.bin")
    with hub.down(), pytest.raises(HubError, match=f"Cannot reach .*{REPO} is not on this machine"):
        list_files(REPO)
    fetch(REPO, "b.bin")
    with hub.down():
        assert list_files(REPO) == ("b.bin",)
    list_files(REPO)
    with hub.down():
        assert list_files(REPO) == ("a.bin", "b.bin")


def test_a_hub_that_keeps_failing(hub: Hub) -> None:
    put(hub, "a.bin")
    hub.fail(REPO, "status", status=502, times=None)
    with pytest.raises(HubError, match=rf"could not serve {REPO} \(502\)"):
        list_files(REPO, patience=QUICK)
    assert len(hub.requests) == QUICK.attempts


def test_names_that_lead_elsewhere_are_left_out(hub: Hub) -> None:
    put(hub, "..\\..\\evil.bin", "good.bin")
    assert list_files(REPO) == ("good.bin",)


@pytest.mark.parametrize(
    ("repo", "options", "message"),
    [
        *(
            (repo, {}, "is no name of a repo")
            for repo in ("../weights", "nobody", "a/b/c", "nobody/we ights")
        ),
        (REPO, {"kind": "space"}, "model or dataset, got 'space'"),
        (REPO, {"revision": "../main"}, "is no revision"),
    ],
)
def test_malformed_names_are_refused(hub: Hub, repo: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(HubError, match=message):
        list_files(repo, **options)  # type: ignore[arg-type]
    assert not hub.requests


@pytest.mark.parametrize(
    ("repo", "revision", "message"),
    [
        ("nobody/none", "main", "no model repository nobody/none, or it is private"),
        (REPO, "v9", f"{REPO} has no revision 'v9'"),
    ],
)
def test_repositories_and_revisions_that_do_not_exist(
    hub: Hub, repo: str, revision: str, message: str
) -> None:
    put(hub, "a.bin")
    with pytest.raises(HubError, match=message):
        list_files(repo, revision=revision)
