"""What a visitor finds: licence, forms, and a CI that runs what the gate runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from regulars import __version__

ROOT = Path(__file__).parents[1]
FORMS = sorted((ROOT / ".github").rglob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["LICENSE", "THIRD_PARTY_LICENSES", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "llms.txt"]
)
def test_the_file_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_forms_are_yaml(form: Path) -> None:
    assert read(form)


def test_the_workflow_runs_what_the_gate_runs() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"].values()
    steps = "\n".join(step.get("run", "") for job in jobs for step in job["steps"])
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    targets = [set(re.findall(r"\bmake ([a-z-]+)", script)) for script in (steps, gate)]
    assert targets[0] == targets[1]


def test_pre_commit_calls_only_tools_of_the_environment() -> None:
    """No hook is fetched: each has the version of constraints.txt."""
    repositories = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repositories[0]["hooks"])


def test_the_changelog_has_this_version_with_its_date() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert any(re.fullmatch(rf"{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)", heading) for heading in headings)
