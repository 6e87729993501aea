"""Audit of the pinned requirements: fails on vulnerabilities that a newer version has fixed.

python .ci/audit.py requirements.txt constraints.txt [options of pip-audit]

torch, which has a range in the first file, is audited in the version of the second one.

If the index has no vulnerability data or cannot be reached, the audit prints that and passes. pip-audit
itself ends with 1 for a vulnerability, a broken connection and a broken file alike.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TIMEOUT = 60
"""Seconds for the whole audit."""
OPTIONS = ("--no-deps", "--disable-pip", "--timeout=15", "--format=json", "--progress-spinner=off")
UNREACHED = re.compile(
    r"^requests\.exceptions\.\w+|^pip_audit\S*\.ServiceError|vulnerability feed$|not redirecting properly$",
    re.MULTILINE,
)
"""What pip-audit writes to standard error if the vulnerability service fails."""


def exact(requirements: str, constraints: str) -> str:
    """The lines of some requirements, those of a constrained project replaced by its constraint."""

    def project(line: str) -> str:
        return re.split(r"[^\w.-]", line, maxsplit=1)[0].lower()

    pins = constraints.splitlines()
    pinned = {project(line) for line in pins} - {""}
    return "\n".join(
        [*pins, *(line for line in requirements.splitlines() if project(line) not in pinned), ""]
    )


def audit(requirements: str, options: list[str]) -> str:
    """A summary in one line of the audit of some requirements, each of them exact.

    Exits with the list of needed updates if there are any.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements, "utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(file), *OPTIONS, *options]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return f"Not audited: no answer within {TIMEOUT} s."
    if not result.stdout.strip():
        if reason := UNREACHED.search(result.stderr):
            return f"Not audited: the vulnerability data cannot be reached ({reason[0]})."
        sys.exit(result.stderr)
    packages = json.loads(result.stdout)["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return f"Not audited: the index has no vulnerability data on any of {len(packages)} requirements."
    vulnerabilities = [(package, vuln) for package in audited for vuln in package["vulns"]]
    fixed = [
        f"{package['name']} {package['version']}: {vuln['id']} is fixed in {', '.join(vuln['fix_versions'])}"
        for package, vuln in vulnerabilities
        if vuln["fix_versions"]
    ]
    if fixed:
        sys.exit("\n".join(fixed))
    known = f", {len(vulnerabilities)} without a fix yet" if vulnerabilities else ""
    return f"Audited {len(audited)} of {len(packages)} requirements: nothing to update{known}."


if __name__ == "__main__":
    first, second = (Path(name).read_text("utf-8") for name in sys.argv[1:3])
    sys.stdout.write(audit(exact(first, second), sys.argv[3:]) + "\n")
