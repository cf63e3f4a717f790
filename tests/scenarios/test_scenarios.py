"""Every case of this folder and of the guide is played; what its file expects must be so."""

from __future__ import annotations

from pathlib import Path

import pytest

from wayside.worlds.case_file import Case
from wayside.worlds.case_reading import cases_in
from wayside.worlds.cases import play_case

FOLDER = Path(__file__).parent
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "cases"
FILES = sorted(file for root in (FOLDER, GUIDE) for file in root.rglob("*") if file.suffix in (".toml", ".json"))
# of a file that is played with several values the quick suite plays the first, `make test-all` all
CASES = [
    pytest.param(
        case, id=f"{file.parent.name}/{file.stem}[{case.variant}]", marks=[pytest.mark.slow] if number else []
    )
    for file in FILES
    for number, case in enumerate(cases_in(file))
]


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_is_what_the_case_expects(case: Case) -> None:
    assert not play_case(case).problems
