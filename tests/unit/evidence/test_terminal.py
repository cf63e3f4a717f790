"""Requirement lines in the terminal."""

import io

import pytest
from rich.console import Console

from wayside.evidence.terminal import failures_first, print_lines, print_report


def printed(function, *args, width, language, color=False):
    out = io.StringIO()
    screen = Console(file=out, width=width, force_terminal=color, color_system="standard" if color else None)
    function(*args, screen, language)
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 109, 110, 200])
@pytest.mark.parametrize(
    ("language", "words"), [("en", ("NOT MET", "unknown", "met")), ("zh", ("不符合", "未知", "符合"))]
)
def test_every_line_is_there_at_any_width_and_failures_are_first(reports, width, language, words):
    text = printed(print_lines, reports, width=width, language=language)
    places = [text.index(name) for name in ("A9-bad", "D3-open", "A10-good")]
    assert places == sorted(places)
    assert all(word in text for word in words)
    assert max(len(line) for line in text.splitlines()) <= width


def test_failures_are_red_and_marked_by_more_than_colour(reports):
    text = printed(print_lines, reports, width=120, language="en", color=True)
    assert "\x1b[1;31m✗ NOT MET" in text


def test_the_last_line_counts_each_verdict(reports):
    assert (
        printed(print_lines, reports, width=100, language="en").splitlines()[-1]
        == "✗ 1 NOT MET   ? 1 unknown   ✓ 1 met"
    )


def test_a_report_prints_its_tables_and_notes(reports):
    text = printed(print_report, reports[0], width=140, language="zh")
    assert "公交车" in text and "前" not in text.splitlines()[0] and "20 拍" in text


def test_order_is_that_of_verdicts_then_of_people(reports):
    assert [line.id for line in failures_first(reports[0].lines)] == ["A9-bad", "D3-open", "A10-good"]
