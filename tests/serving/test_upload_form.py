"""An upload's multipart form: a few files of harmless names, and nothing else."""

from pathlib import Path

import pytest

from tests.serving.conftest import FORM, HEAD, TAIL, UPLOAD, Page, files, send


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (HEAD + b"x" + (b"\r\n" + HEAD) * 2 + TAIL, 413, "at most 2 files"),
        (b"".join([HEAD, (b"\r\n" + HEAD) * 1000, TAIL]), 413, "2 files"),
        (b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\nx' + TAIL, 400, "no other fields"),
        (b'--cut\r\nContent-Disposition: form-data; name="files"\r\n\r\nx' + TAIL, 400, "no other fields"),
        (HEAD.replace(b"files", b"other") + TAIL, 400, "no other fields"),
        (b"--cut\r\nContent-Type: text/plain\r\n\r\nx" + TAIL, 400, "no other fields"),
        (b"--cut\r\n" + b"A: " + b"x" * 6000 + b"\r\n\r\n" + TAIL, 400, "not a valid form"),
        (b"--cut\r\n" + b"A: b\r\n" * 20 + b"\r\n" + TAIL, 400, "not a valid form"),
        (b"not a form", 400, "not a valid form"),
    ],
)
def test_a_form_has_only_a_few_files(fresh: Page, body: bytes, status: int, said: str) -> None:
    with fresh.client() as client:
        answer = client.post(UPLOAD, content=body, headers=FORM)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert files(fresh) == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "",
        "text/plain; boundary=cut",
    ],
)
def test_an_upload_must_be_a_form(page: Page, kind: str) -> None:
    with page.client() as client:
        assert client.post(UPLOAD, content=b"{}", headers={"content-type": kind}).status_code == 400


@pytest.mark.parametrize(
    "name",
    [
        "../../../x.pt",
        "/etc/x.pt",
        "..",
        ".",
        "a\x00b.pt",
        "\u202egnp.tp",
        "💣" * 300,
        "a" * 5000,
        "a\\..\\b",
        "con",
        "",
    ],
)
def test_file_names_cannot_leave_the_folder(fresh: Page, name: str) -> None:
    answer = send(fresh, b"x", name)
    assert answer.status_code in (200, 400), answer.text
    home = fresh.folder.resolve()
    assert all(home in path.resolve().parents for path in files(fresh))
    assert not (home.parent / "x.pt").exists()
    if answer.status_code == 200:
        (path,) = answer.json()
        assert Path(path).parent.parent == home
