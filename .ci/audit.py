"""Known vulnerabilities of the pinned requirements: fails on those that a newer version has fixed.

python .ci/audit.py requirements.txt [options of pip-audit]

Where the index has no such data to give, or cannot be reached, it says so and passes: that is no fault of the
requirements. pip-audit itself ends with 1 for a vulnerability, a broken connection and a broken file alike.
"""

import json
import re
import subprocess
import sys

PATIENCE = 60
"""Seconds for the whole audit."""
OPTIONS = ("--no-deps", "--disable-pip", "--timeout=15", "--format=json", "--progress-spinner=off")
UNREACHED = re.compile(
    r"^requests\.exceptions\.\w+|^pip_audit\S*\.ServiceError|vulnerability feed$|not redirecting properly$",
    re.MULTILINE,
)
"""How pip-audit's standard error tells that its source of vulnerabilities did not answer as it should."""


def audit(requirements: str, options: list[str]) -> str:
    """One line on how it went. Exits: with what there is to do, if there is."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", requirements, *OPTIONS, *options]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"Not audited: no answer within {PATIENCE} s."
    if not ended.stdout.strip():
        if reason := UNREACHED.search(ended.stderr):
            return f"Not audited: the vulnerability data cannot be reached ({reason[0]})."
        sys.exit(ended.stderr)
    packages = json.loads(ended.stdout)["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return f"Not audited: the index has no vulnerability data on any of {len(packages)} requirements."
    found = [(package, flaw) for package in audited for flaw in package["vulns"]]
    fixed = [
        f"{package['name']} {package['version']}: {flaw['id']} is fixed in {', '.join(flaw['fix_versions'])}"
        for package, flaw in found
        if flaw["fix_versions"]
    ]
    if fixed:
        sys.exit("\n".join(fixed))
    known = f", {len(found)} without a fix yet" if found else ""
    return f"Audited {len(audited)} of {len(packages)} requirements: nothing to update{known}."


if __name__ == "__main__":
    sys.stdout.write(audit(sys.argv[1], sys.argv[2:]) + "\n")
