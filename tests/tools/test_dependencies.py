"""Declared dependencies: what the code imports, what the layers ship, and that its licences are listed."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

from tools.lock import ROOT, canonical, lambda_requirements
from tools.third_party import PAGE, RULE, shipped

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("layers/core/python/regulars", "training/regulars_training", "workbench/regulars_workbench")
BASE, EXTRAS = PROJECT["dependencies"], PROJECT["optional-dependencies"]
ON_LAMBDA = {"boto3", "snapshot-restore-py"}
"""Lambda's own Python has these."""
OFF_LAMBDA = {"python-calamine"}
"""Functions refuse workbooks with a message."""
TRANSITIVE = {"botocore", "urllib3", "starlette", "pydantic-core", "typing-extensions"}
"""Parts of boto3's, FastAPI's and pydantic's interfaces."""
NEVER_IMPORTED = {"vl-convert-python"}
"""altair imports it to write pictures."""


def names(requirements: Iterable[str]) -> set[str]:
    return {canonical(Requirement(line).name) for line in requirements}


def imported(folder: str) -> set[str]:
    """Return the distributions that the modules of a folder import, anywhere in them."""
    providers = packages_distributions()
    modules = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    third_party = modules - set(sys.stdlib_module_names) - {Path(package).name for package in PACKAGES}
    return {canonical(name) for module in third_party for name in providers.get(module, [module])}


def test_the_base_install_has_what_the_packages_import() -> None:
    used = set().union(*map(imported, PACKAGES)) - TRANSITIVE - names(EXTRAS["postgres"]) - {"snapshot-restore-py"}
    assert used == names(BASE) - NEVER_IMPORTED


def test_lambda_has_what_its_package_imports() -> None:
    assert imported(PACKAGES[0]) - TRANSITIVE - ON_LAMBDA - OFF_LAMBDA == names(lambda_requirements())


def test_lambdas_list_is_a_part_of_the_base_install() -> None:
    """The same lower bounds, so that what was tested here runs there."""
    assert set(lambda_requirements()) <= set(BASE)


def test_every_shipped_package_has_its_licence_listed() -> None:
    heading = rf"^{RULE}\n(\S+) (\S+)\nLicence: .+\n{RULE}\n\n--- "
    headings = re.findall(heading, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {canonical(name): version for name, version in headings}
    assert listed == shipped(), "run python -m tools.third_party"
