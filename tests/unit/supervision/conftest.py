"""A small city to supervise."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.admission.tables import Permits, ZoneCorners, Zones
from wayside.guard.tables import MeasureOrders
from wayside.roadside.tables import Actors, RoadWeather, Units
from wayside.supervision.tables import Watch
from wayside.supervision.watching import WatchConfig, watch
from wayside.v2x.tables import Reports

SECOND = 1_000_000_000
NOON = 1_700_020_800 * SECOND  # 04:00 UTC, 12:00 in China


def table(kind, **columns):
    """Make a table with zeros in the columns not given."""
    count = len(next(iter(columns.values())))
    return kind(**{name: np.zeros((count, *c.shape)) for name, c in kind.columns.items()} | columns)


def square(zone, low, high):
    return ZoneCorners(zone=[zone] * 4, number=range(4), x=[low, high, high, low], y=[low, low, high, high])


class City:
    """Vehicle 77 drives in zone 1 (0 to 1000 m); zone 2 (400 to 600 m) can be closed."""

    now = NOON
    permits = Permits(
        sender=[77], permit=[1], vehicle_class=[1], zone=[1], max_speed=[10.0], from_minute=[480],
        until_minute=[1200], min_visibility=[100.0], valid_until_ns=[NOON + 86_400 * SECOND],
    )  # fmt: skip
    zones = Zones(zone=[1, 2], corners=[4, 4])
    corners = ZoneCorners.concatenate([square(1, 0.0, 1000.0), square(2, 400.0, 600.0)])
    units = table(Units, unit=[1], x=[500.0], y=[500.0], range=[600.0])
    orders = MeasureOrders.empty()
    weather = RoadWeather.empty()
    config = WatchConfig()

    def __init__(self):
        self.before = Watch.empty()

    def measure(self, *, cap=np.nan, closed=False, grace_s=0.0, classes=0b10):
        self.orders = MeasureOrders(
            measure=[1], zone=[2], classes=[classes], max_speed=[cap], closed=[closed], since_ns=[self.now],
            grace_until_ns=[self.now + round(grace_s * SECOND)],
        )  # fmt: skip

    def visibility(self, *stations):
        """Set the weather to stations of (x, y, visibility)."""
        x, y, seen = zip(*stations, strict=True)
        self.weather = table(RoadWeather, station=range(len(x)), x=x, y=y, visibility=seen)

    def step(self, reports=(), actors=(), seconds=0.1):
        """Let time pass and watch reports and actors of (sender, x, y, speed)."""
        self.now += round(seconds * SECOND)
        said = Reports.empty()
        if reports:
            sender, x, y, speed = zip(*reports, strict=True)
            now = [self.now] * len(x)
            said = table(Reports, sender=sender, x=x, y=y, speed=speed, time_ns=now, received_ns=now)
        seen = Actors.empty()
        if actors:
            sender, x, y, speed = zip(*actors, strict=True)
            seen = table(Actors, id=range(1, len(x) + 1), sender=sender, x=x, y=y, speed=speed)
        self.before = watch(
            said, seen, self.permits, self.zones, self.corners, self.units, self.orders, self.weather, self.before,
            time_ns=self.now, config=self.config,
        ).canonical()  # fmt: skip
        return self.before

    def rules(self):
        return set(self.before.rule.tolist())


@pytest.fixture
def city():
    return City()


@pytest.fixture(scope="session")
def build():
    return SimpleNamespace(table=table, square=square, NOON=NOON, SECOND=SECOND, City=City)
