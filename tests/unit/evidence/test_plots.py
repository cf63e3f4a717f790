"""Figures as SVG."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.evidence.plots import BOTTOM, HEIGHT, LEFT, MOST_POINTS, RIGHT, TOP, WIDTH, Axis, draw, legend
from wayside.report import Figure, Series


def figure(kind, *series, log_y=False):
    return Figure("f", "evidence.figure_ticks", kind, "evidence.case", "evidence.unit", series, log_y)


def test_every_kind_of_figure_is_sound_xml_in_both_languages(reports):
    for one in reports[0].figures:
        tree = ElementTree.fromstring(draw(one, "label"))
        assert tree.get("aria-labelledby") == "label"
        said = {e.get("lang") for e in tree.iter("text") if e.get("lang")}
        assert said == {"en", "zh-CN"}


def test_an_unknown_value_is_a_gap_in_the_curve():
    path = draw(figure("line", Series("s", np.arange(5.0), np.array([1, 2, np.nan, 4, 5]))), "l")
    assert re.search(r'd="M[^M]*M[^M]*"', path)


@pytest.mark.parametrize("kind", ["line", "step", "scatter", "bar"])
@pytest.mark.parametrize(
    "values", [[], [np.nan], [0.0], [3.0, 3.0], [-2.0, 5.0], [1e-9, 1e9], [0.0, np.nan, 7.0], [-5.0, -5.0]]
)
@pytest.mark.parametrize("log_y", [False, True])
def test_odd_values_neither_stop_the_drawing_nor_leave_the_frame(kind, values, log_y):
    drawn = draw(figure(kind, Series("s", np.arange(float(len(values))), np.array(values)), log_y=log_y), "l")
    ElementTree.fromstring(drawn)
    assert "nan" not in drawn and "inf" not in drawn
    for path in re.findall(r' d="([^"]*)"', drawn):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path):
            assert LEFT - 0.1 <= float(x) <= WIDTH - RIGHT + 0.1 and TOP - 0.1 <= float(y) <= HEIGHT - BOTTOM + 0.1


def test_a_long_curve_keeps_its_peaks():
    y = np.zeros(50_000)
    y[31_234] = 10.0
    drawn = draw(figure("line", Series("s", np.arange(50_000.0), y)), "l")
    assert drawn.count("L") < 3 * MOST_POINTS and f" {TOP:.1f}" in drawn


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.booleans())
def test_an_axis_holds_all_values_and_has_a_few_rising_marks(values, zero):
    axis = Axis.over(np.array(values), 0.0, 100.0, zero=zero)
    at = axis.at(np.array(values))
    assert (at >= -1e-6).all() and (at <= 100 + 1e-6).all()
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 10 and ticks == sorted(ticks)


def test_a_single_series_needs_no_legend_and_several_differ_in_more_than_colour():
    one = Series("s", np.arange(2.0), np.arange(2.0))
    assert legend(figure("line", one)) == ""
    assert re.findall(r"curve (s\d)", legend(figure("line", one, one))) == ["s0", "s1"]
