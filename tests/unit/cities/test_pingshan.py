"""The embedded pilot zone: what its description promises, and that traffic in it flows."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from xml.etree import ElementTree

import numpy as np
import pytest

from wayside.admission.tables import Permits, VehicleClass, ZoneCorners, Zones
from wayside.cities.pingshan import build
from wayside.cities.pingshan.assets import CLASSES, automated_names
from wayside.cities.pingshan.demand import corners, network, pick
from wayside.cities.pingshan.streets import arms, cut, measure, shift, smooth
from wayside.cities.pingshan.zone import FOLDER, draw, read
from wayside.config import read_rows
from wayside.maps.sumo import read_net

needs_sumo = pytest.mark.skipif(find_spec("sumo") is None, reason="needs eclipse-sumo: pip install wayside[sumo]")
needs_libsumo = pytest.mark.skipif(find_spec("libsumo") is None, reason="needs libsumo: pip install wayside[sumo]")


def content(name):
    return gzip.decompress((FOLDER / name).read_bytes()).decode()


@pytest.fixture(scope="module")
def zone():
    return read()


@pytest.fixture(scope="module")
def net():
    return ElementTree.fromstring(content("pingshan.net.xml.gz"))


@pytest.fixture(scope="module")
def routes():
    return ElementTree.fromstring(content("pingshan.rou.xml.gz"))


@pytest.fixture(scope="module")
def assets():
    return tomllib.loads((FOLDER / "assets.toml").read_text("utf-8"))


def test_every_file_the_city_file_names_is_there():
    city = tomllib.loads((FOLDER / "city.toml").read_text("utf-8"))
    named = [city["world"]["net"], *city["world"]["routes"], *city["world"]["additional"], *city["include"]]
    assert all((FOLDER / name).is_file() for name in named)


def test_there_are_24_signal_controllers_each_with_a_unit(net, assets):
    assert len({one.get("id") for one in net.iter("tlLogic")}) == 24
    assert sorted(row["controller"] for row in assets["Units"]) == list(range(24))


def test_each_signal_plan_clears_every_green_with_yellow_and_all_red(zone, net):
    for program in net.iter("tlLogic"):
        phases = [(float(p.get("duration")), p.get("state")) for p in program]
        assert sum(d for d, _ in phases) in {plan.cycle for plan in zone.plans.values()}
        for (_, now), (_, after) in zip(phases, phases[1:] + phases[:1], strict=True):
            assert all(follows == "r" for light, follows in zip(now, after, strict=True) if light == "y")
        for duration, state in phases:
            if "y" in state:
                assert duration == 3
            if set(state) == {"r"}:
                assert 1 <= duration <= 2


def test_vehicles_never_lose_green_without_yellow(net):
    feet = {one.get("id") for one in net.iter("edge") if one.get("function") == "crossing"}
    walking = {
        (one.get("tl"), int(one.get("linkIndex")))
        for one in net.iter("connection")
        if one.get("tl") and one.get("to") in feet
    }
    for program in net.iter("tlLogic"):
        states = [phase.get("state") for phase in program]
        for now, after in zip(states, states[1:] + states[:1], strict=True):
            for link, (light, follows) in enumerate(zip(now, after, strict=True)):
                if light in "Gg" and follows not in "Gg":
                    assert follows == ("r" if (program.get("id"), link) in walking else "y")


def test_every_controller_gives_every_link_a_green(net):
    for program in net.iter("tlLogic"):
        for lights in zip(*(phase.get("state") for phase in program), strict=True):
            assert set(lights) & set("Gg")


def test_the_zone_lies_in_pingshan():
    road = read_net(FOLDER / "pingshan.net.xml.gz")
    latitude, longitude = road.to_wgs84(road.nodes.x, road.nodes.y)
    assert np.all((latitude > 22.68) & (latitude < 22.72))
    assert np.all((longitude > 114.33) & (longitude < 114.37))


def test_blocks_differ_in_length(zone):
    signalised = [a for a in arms(zone) if a.begin in zone.signalised and a.end in zone.signalised]
    lengths = {round(measure(arm.middle)) for arm in signalised}
    assert len(lengths) > 15
    assert min(lengths) >= 180
    assert max(lengths) <= 480


def test_every_route_is_complete_and_open_to_its_vehicle(zone, net, routes):
    roads = network(net)
    count = 0
    for vehicle in routes.iter("vehicle"):
        who = zone.classes[vehicle.get("type")].sumo["vClass"]
        path = vehicle.find("route").get("edges").split()
        for edge in path:
            assert roads.edges[edge].open_to(who), f"{vehicle.get('id')} may not use {edge}"
        for pair in itertools.pairwise(path):
            assert who in roads.follow[pair], f"{vehicle.get('id')} cannot go on as {pair}"
        count += 1
    assert count > 1000


def test_every_walk_goes_from_sidewalk_to_sidewalk(net, routes):
    joined = {pair for edges in corners(net).values() for a in edges for b in edges for pair in [(a, b)]}
    walks = [walk.get("edges").split() for walk in routes.iter("walk")]
    assert len(walks) > 200
    assert all(pair in joined for walk in walks for pair in itertools.pairwise(walk))


def test_departures_rise_so_that_the_simulator_drops_nobody(routes):
    times = [float(one.get("depart")) for one in routes if one.get("depart")]
    assert times == sorted(times)


def test_there_are_40_automated_vehicles_and_each_holds_a_permit_of_its_class(zone, routes, assets):
    driving = {v.get("id"): CLASSES[v.get("type")] for v in routes.iter("vehicle") if v.get("type") in CLASSES}
    permitted = {row["sender"]: row["vehicle_class"] for row in assets["Permits"]}
    assert driving == permitted == dict(automated_names(zone))
    counts = {one: list(driving.values()).count(one) for one in set(driving.values())}
    assert counts == {
        VehicleClass.ROBOTAXI: 14,
        VehicleClass.BUS: 8,
        VehicleClass.SWEEPER: 6,
        VehicleClass.PARCEL_ROBOT: 8,
        VehicleClass.CONTAINER_TRUCK: 4,
    }


def test_no_automated_vehicle_can_outrun_its_permit(zone, assets):
    permits = read_rows(Permits, assets["Permits"], "assets.toml")
    fastest = max(kind.speed for kind in zone.kinds.values())
    for kind, code in CLASSES.items():
        sumo = zone.classes[kind].sumo
        top = min(float(sumo.get("maxSpeed", 99)), fastest * float(sumo.get("speedFactor", 1)))
        assert np.all(permits.max_speed[permits.vehicle_class == code] > top)


def test_buses_and_trucks_stop_where_stops_are(routes):
    there = {one.get("id") for one in ElementTree.fromstring(content("pingshan.add.xml.gz"))}
    for vehicle in routes.iter("vehicle"):
        named = {s.get("busStop") or s.get("containerStop") for s in vehicle.iter("stop")}
        assert named <= there
        if vehicle.get("type") in ("automated_bus", "container_truck"):
            assert named


def test_the_pilot_zone_holds_the_whole_network_and_30_metres(assets):
    road = read_net(FOLDER / "pingshan.net.xml.gz")
    outlines = read_rows(ZoneCorners, assets["ZoneCorners"], "assets.toml")
    zones = read_rows(Zones, assets["Zones"], "assets.toml")
    assert zones.zone.tolist() == [1, 2]
    x, y = (outlines.__dict__[c][outlines.zone == 1] for c in "xy")
    along = np.stack([np.roll(x, -1) - x, np.roll(y, -1) - y])
    along /= np.hypot(*along)
    inside = along[0, :, None] * (road.points.y - y[:, None]) - along[1, :, None] * (road.points.x - x[:, None])
    assert inside.min() >= 29.9


def test_a_number_drawn_depends_on_what_it_is_for_alone():
    assert draw(1, "a", 2) == draw(1, "a", 2)
    assert len({draw(1, "a", n) for n in range(1000)}) == 1000
    assert 0.45 < np.mean([draw(1, "a", n) for n in range(1000)]) < 0.55


def test_the_last_share_picks_the_last_name():
    assert pick({"a": 1.0, "b": 1.0}, 0.0) == "a"
    assert pick({"a": 1.0, "b": 1.0}, 0.9999999) == "b"
    assert pick({"a": 1.0, "b": 1.0}, 1.0) == "b"


def test_a_street_passes_through_its_junctions_and_a_cut_loses_nothing():
    points = [(0.0, 0.0), (100.0, 0.0), (200.0, 80.0)]
    lines = smooth(points)
    assert [line[0] for line in lines] == points[:-1]
    assert lines[-1][-1] == pytest.approx(points[-1])
    before, after = cut(lines[1], 30.0)
    assert measure(after) == pytest.approx(30.0)
    assert measure(before) + measure(after) == pytest.approx(measure(lines[1]))
    assert shift([(0.0, 0.0), (10.0, 0.0)], 2.0) == [(0.0, -2.0), (10.0, -2.0)]


@needs_sumo
def test_building_again_gives_the_same_bytes(zone):
    made_with = re.search(r"netconvert ([\d.]+)", content("pingshan.net.xml.gz"))[1]
    if build.sumo_version() != made_with:
        pytest.skip(f"the committed network was made with SUMO {made_with}, here is {build.sumo_version()}")
    for name, made in build.build(zone).items():
        assert made == (FOLDER / name).read_bytes(), f"{name} differs; run python -m wayside.cities.pingshan.build"


SIMULATE = """
import json, sys, libsumo
folder, seed = sys.argv[1:]
libsumo.start(["sumo", "-n", f"{folder}/pingshan.net.xml.gz", "-a", f"{folder}/pingshan.add.xml.gz",
               "-r", f"{folder}/pingshan.rou.xml.gz", "--step-length", "0.1", "--seed", seed,
               "--default.action-step-length", "0.5", "--time-to-teleport", "-1", "--no-warnings", "true",
               "--collision.action", "warn", "--collision.check-junctions", "true"])
libsumo.simulationStep(300.0)
vehicles, persons, speeds, collisions, teleports = [], [], [], 0, 0
for second in range(60):
    for _ in range(10):
        libsumo.simulationStep()
        collisions += libsumo.simulation.getCollidingVehiclesNumber()
        teleports += libsumo.simulation.getStartingTeleportNumber()
    names = libsumo.vehicle.getIDList()
    vehicles.append(len(names))
    persons.append(libsumo.person.getIDCount())
    speeds += [libsumo.vehicle.getSpeed(name) for name in names]
automated = [n for n in names if n.split("-")[0] in ("taxi", "sweeper", "parcel") or len(n.split("-")[1]) == 2]
libsumo.close()
print(json.dumps({"vehicles": vehicles, "persons": persons, "speed": sum(speeds) / len(speeds),
                  "collisions": collisions, "teleports": teleports, "automated": len(automated)}))
"""


@needs_sumo
@needs_libsumo
def test_a_minute_of_traffic_is_full_and_free_of_accidents():
    done = subprocess.run(
        [sys.executable, "-c", SIMULATE, str(FOLDER), "1"], capture_output=True, text=True, check=True, timeout=120
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert min(seen["vehicles"]) >= 220
    assert max(seen["vehicles"]) <= 330
    assert min(seen["persons"]) >= 50
    assert max(seen["persons"]) <= 110
    assert 3.5 < seen["speed"] < 9.0
    assert seen["automated"] == 40
    assert seen["collisions"] == seen["teleports"] == 0
