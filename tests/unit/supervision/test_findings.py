"""When a condition becomes a finding."""

from wayside.supervision.findings import PermitFindingsConfig, permit_findings
from wayside.supervision.tables import Rule, Watch

SECOND = 1_000_000_000


def watched(*rows):
    """Make conditions of (sender, rule, held seconds)."""
    count = len(rows)
    return Watch(
        sender=[r[0] for r in rows], rule=[r[1] for r in rows], x=[4.0] * count, y=[5.0] * count,
        since_ns=[100 * SECOND] * count, last_ns=[round((100 + r[2]) * SECOND) for r in rows],
        value=[9.0] * count, limit=[float("nan")] * count,
    )  # fmt: skip


def test_each_rule_waits_its_own_time():
    conditions = watched(
        (1, Rule.OUTSIDE_ZONE, 1.0), (2, Rule.OUTSIDE_ZONE, 0.9), (3, Rule.SPEED_ABOVE_PERMIT, 1.9),
        (4, Rule.SPEED_ABOVE_PERMIT, 2.0), (5, Rule.SILENT, 2.9), (6, Rule.SILENT, 3.0),
        (7, Rule.VISIBILITY_BELOW_PERMIT, 59.0), (8, Rule.VISIBILITY_BELOW_PERMIT, 60.0),
    )  # fmt: skip
    found = permit_findings(conditions, config=PermitFindingsConfig())
    assert found.subject.tolist() == [1, 4, 6, 8]
    assert set(found.since_ns.tolist()) == {100 * SECOND}
    assert found.limit[found.rule == Rule.SILENT].tolist() == [3.0]


def test_a_rule_of_another_room_is_never_found_here():
    assert len(permit_findings(watched((1, Rule.POLE_MISALIGNED, 1e6)), config=PermitFindingsConfig())) == 0


def test_nothing_noted_is_nothing_found():
    assert len(permit_findings(Watch.empty(), config=PermitFindingsConfig())) == 0
