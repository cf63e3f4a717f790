"""The generated reference is as the source says, and links lead somewhere."""

from __future__ import annotations

import doctest
import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "wayside").rglob("README.md")]


def test_the_reference_is_as_generated() -> None:
    source = ROOT / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("docs_generate", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_generate"] = module
    spec.loader.exec_module(module)
    for name, text in module.pages().items():
        if name == "commands.md" and sys.version_info[:2] != (3, 11):
            continue  # the layout of argparse's help differs between versions of Python
        assert (ROOT / "docs" / "reference" / name).read_text("utf-8") == text, f"{name} is old: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not missing


def test_the_tour_runs() -> None:
    results = doctest.testfile(
        str(ROOT / "docs" / "tour.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert results.attempted > 20 and results.failed == 0


def test_every_line_of_a_standard_that_is_done_names_a_test_that_is_there() -> None:
    for source in sorted((ROOT / "standards").glob("*.toml")):
        for item in tomllib.loads(source.read_text("utf-8"))["item"]:
            assert item["status"] in {"done", "partly", "no"}, (source.name, item)
            if item["status"] == "no":
                continue
            path, _, name = item["test"].partition("::")
            text = (ROOT / path).read_text("utf-8")
            assert not name or f"def {name}(" in text, (source.name, item)
