"""The documents name only what exists: links, paths, make targets, commands with their options, modules."""

import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main

from regulars_workbench.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "llms.txt", "docs/*.md", "layers/README.md", "benchmarks/README.md")
    for path in ROOT.glob(pattern)
)
PACKAGES = ("layers/core/python", "training", "workbench")
TOP_LEVEL = {"docs", "sql", "layers", "training", "workbench", "tools", "tests", "functions", "examples", "benchmarks"}
GENERATED = (
    "layers/models",
    "layers/runtime/build",
    "layers/trees/build",
    "benchmarks/cold/build",
    "benchmarks/features.json",
)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> Iterator[str]:
    """Yield each line of the shell blocks, without its comment; a line that ends with a backslash goes on."""
    for block in re.findall(r"^```sh\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL):
        yield from (line.partition(" #")[0] for line in block.replace("\\\n", " ").splitlines())


def code(page: Path) -> list[str]:
    """Return each code span and each line of the shell blocks."""
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)
    return [*re.findall(r"`([^`]+)`", prose), *blocks(page)]


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in {slug(heading) for heading in re.findall(r"^#+ (.*)$", text(target), re.MULTILINE)}, link


@each_page
def test_paths_exist(page: Path) -> None:
    """Paths below a folder of the repository, or below a package by its name."""
    for path in (word for span in code(page) for word in span.split() if re.fullmatch(r"[\w.\-]+(/[\w.\-]+)+/?", word)):
        first = path.partition("/")[0]
        if first in TOP_LEVEL and not path.startswith(GENERATED):
            assert (ROOT / path).exists(), path
        elif first.startswith("regulars") and path.endswith(".py"):
            assert any((ROOT / folder / path).exists() for folder in PACKAGES), path


@each_page
def test_modules_exist(page: Path) -> None:
    for module in re.findall(r"python -m ((?:regulars|tools|benchmarks)[\w.]*)", "\n".join(code(page))):
        assert importlib.util.find_spec(module), module


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    for span in code(page):
        assert set(re.findall(r"(?<![\w-])make ([a-z][\w-]*)", span)) <= targets, span


def commands() -> dict[str, set[str]]:
    """Return the options of each command."""
    group = typer.main.get_command(app)
    listed = getattr(group, "commands")  # noqa: B009 - typer's type of a group is private
    return {
        name: {"--help", *(option for parameter in command.params for option in parameter.opts)}
        for name, command in listed.items()
    }


@each_page
def test_commands_have_the_options_named(page: Path) -> None:
    known = commands()
    for span in code(page):
        for name, arguments in re.findall(r"(?:^|[\s/])regulars ([a-z]+)\b([^;|&]*)", span):
            assert name in known, span
            assert set(re.findall(r"(?<=\s)--[a-z][\w-]*", arguments)) <= known[name], span


def test_code_names_documents_that_exist() -> None:
    """Messages, help and comments send a reader to a page by its path."""
    folders = ("layers/core", "training", "workbench", "tools", "functions", "tests", "sql", "examples")
    files = [
        file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".sql", ".toml")
    ]
    named = {page for file in files for page in re.findall(r"\bdocs/[\w\-]+\.\w+", text(file))}
    assert {page for page in named if not (ROOT / page).exists()} == set()


@pytest.mark.parametrize("index", ["docs/index.md", "llms.txt"])
def test_every_page_is_in_the_index(index: str) -> None:
    """For people, and for programs that read the documents."""
    links = set(re.findall(r"\]\(([^)#\s]+)\)", text(ROOT / index)))
    listed = {(ROOT / index).parent.joinpath(link).resolve() for link in links}
    pages = {page for page in (ROOT / "docs").iterdir() if page.suffix in (".md", ".json")}
    assert pages - {ROOT / "docs" / "index.md"} <= listed


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_a_document(command: str) -> None:
    assert any(re.search(rf"\bregulars {command}\b", span) for page in PAGES for span in code(page))
