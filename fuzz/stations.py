"""A small city for the fuzzer: a PKI, stations that sign, an edge that hears them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from wayside.maps.drawing import crossroads
from wayside.messages import Messages
from wayside.roadside.tables import Detections, Poles, Units
from wayside.security.authority import Domain, make_domain
from wayside.security.envelope import EnvelopeConfig, open_envelope
from wayside.signals.tables import SignalControllers
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.tables import Reports

NOW = 1_763_000_000_000_000_000  # [ns since 1970 UTC]
SENDERS = 40


def an_edge(*, signed: bool, links: dict[str, str] | None = None) -> V2xEdge:
    """Return an edge with three poles, a unit and a controller; those of `signed` trust each other's stations."""
    road = crossroads()
    poles: dict[str, Any] = {
        "pole": [3, 4, 12345],
        "x": [10.0, -10.0, -300.0],
        "y": [10.0, -10.0, 0.0],
        "range": [80.0] * 3,
        "position_sigma": [0.3] * 3,
        "controller": [0, 0, -1],
    }
    unit: dict[str, Any] = {"unit": [1], "x": [0.0], "y": [0.0], "range": [500.0], "controller": [0]}
    controller: dict[str, Any] = {"controller": [0], "x": [0.0], "y": [0.0], "unit": [1]}
    assets = [Poles(**poles), Units(**unit), SignalControllers(**controller)]
    envelope = (
        open_envelope(EnvelopeConfig(), seed=1, start_ns=NOW, seconds=1e6, road=road, assets=assets)
        if signed
        else None
    )
    return V2xEdge(EdgeConfig(links=links or {}), road, assets, envelope, verify=True)


def spoken(edge: V2xEdge, time_ns: int, senders: int = SENDERS) -> Messages:
    """Return what some vehicles and the poles say at an instant: BSM and RSM, signed if the edge signs."""
    n = np.arange(senders)
    reports: dict[str, Any] = {
        "sender": np.uint64(2**63) + n.astype(np.uint64),
        "time_ns": np.full(senders, time_ns),
        "received_ns": np.full(senders, time_ns),
        "kind": n % 7,
        "x": 5.0 * n - 100.0,
        "y": -3.0 * n,
        "heading": -3.0 + n * 0.1,
        "speed": 1.0 + n * 0.3,
        "acceleration": -2.0 + n * 0.01,
        "yaw_rate": -0.2 + n * 0.01,
        "vertical": 0.2 * n,
        "length": np.full(senders, 4.5),
        "width": np.full(senders, 1.8),
        "position_sigma": np.full(senders, 0.4),
        "events": n % 2 * 128,
    }
    k = np.arange(12)
    detections: dict[str, Any] = {
        "pole": np.where(k < 6, 3, 4),
        "time_ns": np.full(12, time_ns),
        "number": k + 1,
        "received_ns": np.full(12, time_ns),
        "kind": k % 7,
        "x": 3.0 * k,
        "y": -70.0 + k,
        "heading": np.where(k % 3 == 0, np.nan, 0.1 * k - 1.0),
        "speed": np.where(k % 4 == 0, np.nan, 0.5 * k),
        "length": np.full(12, 4.5),
        "width": np.full(12, 1.8),
        "position_sigma": np.full(12, 0.4),
    }
    return Messages.of(edge.speak([Reports(**reports), Detections(**detections)], time_ns))


@cache
def signed_frames() -> Sequence[bytes]:
    """Return signed frames of two instants: the first with whole certificates, the second with digests."""
    edge = an_edge(signed=True)
    said = [spoken(edge, NOW + tick * 100_000_000) for tick in range(2)]
    return [messages.payload(row) for messages in said for row in range(len(messages))]


@cache
def domain_of(curve: str) -> Domain:
    """Return a PKI on a curve, the same one every time."""
    return make_domain("fuzz", NOW - 10**15, curve="sm2" if curve == "sm2" else "p256", seed=b"fuzz")
