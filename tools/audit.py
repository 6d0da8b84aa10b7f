"""`python -m tools.audit`: known flaws in what Lambda gets, and the template against cfn-lint and checkov.

Each tool has an environment of its own (.venv-audit, .venv-checkov, .venv-sam): their pins are not ours. First the
advisory database is asked about a version with known flaws: where that answer is clean or does not come, nothing was
audited, and this says so and fails.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tools.lock import CLOSURES
from tools.sam.__main__ import tool
from tools.sam.shell import ask, say

ROOT = Path(__file__).parents[1]
TOOLS = {
    "pip-audit": (ROOT / ".venv-audit", "pip-audit==2.10.1"),
    "checkov": (ROOT / ".venv-checkov", "checkov==3.3.30"),
}
CANARY = "jinja2==2.10"
"""CVE-2019-10906: a sandbox that can be left; every advisory database knows it."""


def program(name: str) -> str:
    """Return the path of a tool, installed in its own environment when first asked for."""
    home, pin = TOOLS[name]
    if not (home / pin).exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-qq", pin], check=True)  # noqa: S603 - our words
        (home / pin).touch()
    return str(home / "bin" / name)


def flaws(requirements: str) -> list[str] | None:
    """Return the known flaws of pinned requirements, or else which of them nobody knows; None without any answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        options = ["--requirement", file.name, "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        done = ask(program("pip-audit"), *options, "--format", "json")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        say("\n".join(done.stderr.strip().splitlines()[-1:]))
        return None
    skipped = [f"{one['name']}: not audited ({one['skip_reason']})" for one in packages if "skip_reason" in one]
    known = [f"{one['name']} {one['version']}: {flaw['id']}" for one in packages for flaw in one.get("vulns", [])]
    return known or skipped


def dependencies() -> bool:
    """Audit the layers' closure; False when something is wrong or nothing could be audited."""
    known = flaws(CANARY)
    if not known or "not audited" in known[0]:
        say(f"dependencies: NOT audited: the advisory database does not answer here, or knows nothing of {CANARY}")
        return False
    pinned = "".join(path.read_text(encoding="utf-8") for path in CLOSURES)
    found = flaws(pinned)
    say(f"dependencies: {'NOT audited' if found is None else found or 'no known flaw'}")
    return found == []


def template() -> bool:
    """Lint the template and check it for what leaves a door open."""
    tool()
    good = True
    for command in (["cfn-lint", "template.yaml"], [program("checkov"), "--config-file", ".checkov.yaml"]):
        done = ask(*command)
        good = good and done.returncode == 0
        say(f"{Path(command[0]).name}: {'nothing wrong' if done.returncode == 0 else done.stdout + done.stderr}")
    return good


def main() -> None:
    """Do both; leave with 1 when one of them is not good."""
    os.chdir(ROOT)
    results = [dependencies(), template()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
