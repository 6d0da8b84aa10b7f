"""`python -m tools.audit`: known vulnerabilities in the layers, and the template against cfn-lint and checkov.

Each tool has its own environment (.venv-audit, .venv-checkov, .venv-sam), because its pins differ from ours. First the
advisory database is asked about a version with known vulnerabilities. If it reports none, or does not answer, nothing
was audited: this says so and fails.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tools.lock import CLOSURES
from tools.sam.__main__ import install_sam
from tools.sam.shell import capture, say

ROOT = Path(__file__).parents[1]
TOOLS = {
    "pip-audit": (ROOT / ".venv-audit", "pip-audit==2.10.1"),
    "checkov": (ROOT / ".venv-checkov", "checkov==3.3.30"),
}
CANARY = "jinja2==2.10"
"""CVE-2019-10906, an escape from a sandbox; every advisory database knows it."""


def program(name: str) -> str:
    """Return the path of a tool; install it in its own environment if it is missing."""
    folder, pin = TOOLS[name]
    if not (folder / pin).exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-qq", pin], check=True)  # noqa: S603 - a fixed command
        (folder / pin).touch()
    return str(folder / "bin" / name)


def vulnerabilities(requirements: str) -> list[str] | None:
    """Return known vulnerabilities of pinned requirements, else the packages not audited; None without an answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        options = ["--requirement", file.name, "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        done = capture(program("pip-audit"), *options, "--format", "json")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        say("\n".join(done.stderr.strip().splitlines()[-1:]))
        return None
    not_audited = [
        f"{package['name']}: not audited ({package['skip_reason']})" for package in packages if "skip_reason" in package
    ]
    known = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]
    return known or not_audited


def dependencies() -> bool:
    """Audit the layers' packages; False when one is vulnerable or nothing could be audited."""
    known = vulnerabilities(CANARY)
    if not known or "not audited" in known[0]:
        say(f"dependencies: NOT audited: the advisory database does not answer, or does not know {CANARY}")
        return False
    pinned = "".join(path.read_text(encoding="utf-8") for path in CLOSURES)
    reported = vulnerabilities(pinned)
    say(f"dependencies: {'NOT audited' if reported is None else reported or 'no known vulnerability'}")
    return reported == []


def template() -> bool:
    """Check the template with cfn-lint, and with checkov for insecure settings."""
    install_sam()
    passed = True
    for command in (["cfn-lint", "template.yaml"], [program("checkov"), "--config-file", ".checkov.yaml"]):
        done = capture(*command)
        passed = passed and done.returncode == 0
        say(f"{Path(command[0]).name}: {'no findings' if done.returncode == 0 else done.stdout + done.stderr}")
    return passed


def main() -> None:
    """Do both; exit with 1 when one fails."""
    os.chdir(ROOT)
    results = [dependencies(), template()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
