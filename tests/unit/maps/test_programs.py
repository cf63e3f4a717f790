"""Signal programs and their groups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.maps.programs import LETTERS, Program, groups_of, light_of, tables_of
from wayside.signals.tables import Light

letters = st.sampled_from(sorted(LETTERS))


@st.composite
def made_up_programs(draw: st.DrawFn) -> Program:
    links = draw(st.integers(1, 12))
    states = draw(st.lists(st.text(letters, min_size=links, max_size=links), min_size=1, max_size=6))
    return Program((10.0,) * len(states), tuple(states))


@given(program=made_up_programs(), data=st.data())
def test_links_share_a_group_exactly_if_they_show_and_serve_the_same(
    program: Program, data: st.DataObject
) -> None:
    links = range(len(program.states[0]))
    on_foot = data.draw(st.sets(st.sampled_from(links)))
    groups = groups_of(program, links, on_foot)

    def role(link: int) -> tuple[object, ...]:
        return (link in on_foot, *(light_of(state[link]) for state in program.states))

    for one in links:
        for other in links:
            assert (groups[one] == groups[other]) == (role(one) == role(other))
    assert sorted(set(groups.values())) == list(range(1, max(groups.values()) + 1))


@given(program=made_up_programs())
def test_the_tables_give_back_the_light_of_every_link(program: Program) -> None:
    groups = groups_of(program, range(len(program.states[0])), ())
    phases, links = tables_of({5: program}, {5: groups})
    lights = {(p, g): light for p, g, light in zip(phases.phase, phases.group, phases.light, strict=True)}
    for link, group in zip(links.link, links.group, strict=True):
        for phase, state in enumerate(program.states):
            assert lights[phase, group] == light_of(state[link])
    assert set(phases.controller) == set(links.controller) == {5}
    assert phases.canonical() == phases.canonical().canonical()  # no key twice


def test_links_out_of_use_have_no_group() -> None:
    assert groups_of(Program((30.0,), ("Grr",)), used=[2], on_foot=[]) == {2: 1}


def test_a_link_beyond_the_state_is_refused() -> None:
    with pytest.raises(ValueError, match="link 3 is beyond its state strings of 3 letters"):
        groups_of(Program((30.0,), ("Grr",)), used=[3], on_foot=[])


@pytest.mark.parametrize("states", [(), ("Gr", "Grr")])
def test_programs_of_no_or_uneven_phases_are_refused(states: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="state strings of lengths"):
        groups_of(Program((1.0,) * len(states), states), used=[0], on_foot=[])


def test_an_unknown_letter_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'x'"):
        light_of("x")
    assert light_of("y") == Light.YELLOW
