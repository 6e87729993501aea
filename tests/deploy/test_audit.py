"""The audit through the real pip-audit, against a vulnerability service of the test."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.clean_environment import ROOT
from tests.deploy.starting import free_port

VULNERABLE = {"old": ["2.0"], "hopeless": []}
"""Projects with a vulnerability, and the versions that fix it."""


class VulnerabilityService(BaseHTTPRequestHandler):
    """The part of osv.dev that pip-audit asks for; requests to /broken fail with status 500."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["content-length"])))
        project = query["package"]["name"]
        answer: dict[str, Any] = {}
        if project in VULNERABLE:
            events = [{"introduced": "0"}, *({"fixed": version} for version in VULNERABLE[project])]
            affected = {
                "package": {"name": project, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
            answer = {
                "vulns": [{"id": f"FLAW-{project}", "summary": "A vulnerability.", "affected": [affected]}]
            }
        body = json.dumps(answer).encode()
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *given: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), VulnerabilityService)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def audited(tmp_path: Path, requirements: str, address: str, constraints: str = "") -> tuple[int, str]:
    """Exit code of the audit of some requirements under some constraints, and its output."""
    file = tmp_path / "requirements.txt"
    file.write_text(requirements)
    constrained = tmp_path / "constraints.txt"
    constrained.write_text(constraints)
    own = ["--vulnerability-service=osv", f"--osv-url={address}", f"--cache-dir={tmp_path / 'cache'}"]
    command = [sys.executable, str(ROOT / ".ci/audit.py"), str(file), str(constrained), *own]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.returncode, result.stdout.strip()


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("sound==1.0\n", (0, "Audited 1 of 1 requirements: nothing to update.")),
        ("hopeless==1.0\n", (0, "Audited 1 of 1 requirements: nothing to update, 1 without a fix yet.")),
        ("hopeless==1.0\nold==1.0\n", (1, "old 1.0: FLAW-old is fixed in 2.0")),
    ],
    ids=["none", "without a fix", "with and without a fix"],
)
def test_only_a_vulnerability_with_a_fix_fails(
    requirements: str, expected: tuple[int, str], tmp_path: Path, service: str
) -> None:
    assert audited(tmp_path, requirements, service) == expected


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(False, "requests.exceptions.ConnectionError"), (True, "requests.exceptions.HTTPError")],
    ids=["no server", "error 500"],
)
def test_an_unreachable_service_is_no_failure(
    broken: bool, reason: str, tmp_path: Path, service: str
) -> None:
    address = f"{service}/broken" if broken else f"http://127.0.0.1:{free_port()}"
    expected = f"Not audited: the vulnerability data cannot be reached ({reason})."
    assert audited(tmp_path, "old==1.0\n", address) == (0, expected)


def test_requirements_that_cannot_be_read_fail(tmp_path: Path, service: str) -> None:
    code, output = audited(tmp_path, "old\n", service)
    assert code == 1
    assert "is not pinned" in output


def test_a_range_is_audited_in_the_version_that_the_constraints_give(tmp_path: Path, service: str) -> None:
    """pip-audit alone refuses a file with a range, and `old` is not `older`."""
    constraints = "# exact\nold==1.0\n"
    assert audited(tmp_path, "older==1.0\nold>=1,<2  # range\n", service, constraints) == (
        1,
        "old 1.0: FLAW-old is fixed in 2.0",
    )
    assert audited(tmp_path, "older==1.0\nsound>=1\n", service, "sound==1.0\n") == (
        0,
        "Audited 2 of 2 requirements: nothing to update.",
    )
