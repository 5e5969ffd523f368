"""Links of the README and of docs/ lead to a file, and to a heading of it; so do names of files."""

import re
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "examples/paper/RESULTS.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """The names that GitHub and the site give to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = (page.parent / target) if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


def test_tests_of_reliability_exist():
    text = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([\w/]*test_\w+\.py)", text):
        rooms = (REPOSITORY, REPOSITORY / "tests/unit", REPOSITORY / "tests/commands")
        assert any((room / name).is_file() for room in rooms), name


def test_files_of_architecture_exist():
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([\w/]+(?:/|\.py))`", text):
        name = name.replace("COMMAND", "chat").removeprefix("emo_mtl/")
        rooms = (REPOSITORY, REPOSITORY / "emo_mtl", REPOSITORY / "tests")
        assert any((room / name).exists() for room in rooms), name
