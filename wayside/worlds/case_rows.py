"""What was said while a case was played, as rows of plain values with the actors' own names."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from wayside.frame import Frame
from wayside.guard.tables import ManoeuvreOrders, SpeedOrders, Verdict, WarningOrders
from wayside.guidance.tables import GrantReason, Manoeuvre, Reason, Service, WarningRequests
from wayside.language import Language, catalogue, say
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors, IncidentKind, Incidents
from wayside.supervision.tables import Findings, Rule
from wayside.table import Table
from wayside.worlds.tables import Truth

SAME_M = 4.0  # an object of the live picture belongs to the nearest actor so near
AGAIN_S = 1.0  # a row is written anew when what it says was silent for so long
NUMBERED = {"red_light": "controller", "in_vehicle_sign": "sign", "payment": "point"}  # `other` is a number + 1
SMALL = 1 << 32  # lesser numbers are no identities but those of poles, controllers and the like
SLOW_TRAFFIC = ("queue", "congestion")  # incidents of a carriageway, whose `actor` is its number

MATTERS = {  # where the words for each kind of row stand
    "warning": "guidance.",
    "grant": "worlds.case_asks_",
    "incident": "worlds.case_incident_",
    "finding": "supervision.rule_",
}

Row = dict[str, Any]


class Watcher:
    """Follows the Frames of a case and notes what is new in them.

    Args:
        names: names of the actors by identity.
        road: the map.
        start_ns: instant that is 0 s [ns].
        language: of the reasons.

    Attributes:
        rows: what was noted so far; see docs/guides/cases.md for the keys.
    """

    def __init__(self, names: dict[int, str], road: RoadMap, start_ns: int, language: Language) -> None:
        self._names, self._road, self._start_ns, self._language = names, road, start_ns, language
        self._tracks: dict[int, str] = {}  # names of objects of the live picture, by their identity
        self._last: dict[tuple[Any, ...], float] = {}  # when each thing was last so
        self._answers: dict[tuple[int, int], tuple[bool, str]] = {}  # to each request
        self.rows: list[Row] = []

    def take(self, frame: Frame, truth: Truth) -> None:
        """Note what is new in a Frame; `truth` is who was where at that instant."""
        t = round((frame.time_ns - self._start_ns) / 1e9, 3)
        self._name(_of(frame, Actors), truth)
        self._warnings(_of(frame, WarningRequests), _of(frame, WarningOrders), t)
        self._advice(_of(frame, SpeedOrders), t)
        self._grants(_of(frame, ManoeuvreOrders), t)
        self._incidents(_of(frame, Incidents), t)
        self._findings(_of(frame, Findings), t)

    def name_of(self, identity: int) -> str:
        """Return the name of an actor or of an object of the live picture; its identity where nobody is near."""
        number = str(identity) if identity < SMALL else f"{identity:#x}"
        return self._tracks.get(identity) or self._names.get(identity) or number

    def _name(self, actors: Actors, truth: Truth) -> None:
        """Learn which actor each object of the live picture is."""
        strange = []
        for row, (identity, sender) in enumerate(zip(actors.id.tolist(), actors.sender.tolist(), strict=True)):
            if sender in self._names:
                self._tracks[identity] = self._names[sender]
            else:
                strange.append(row)
        if not (strange and len(truth)):
            return
        spots = np.column_stack([truth.x, truth.y])
        away, nearest = cKDTree(spots).query(np.column_stack([actors.x[strange], actors.y[strange]]))
        for row, far, place in zip(strange, away.tolist(), nearest.tolist(), strict=True):
            if far < SAME_M:
                self._tracks[int(actors.id[row])] = self._names[int(truth.id[place])]

    def _fresh(self, key: tuple[Any, ...], t: float) -> bool:
        """Tell whether this was not so a moment ago."""
        before = self._last.get(key)
        self._last[key] = t
        return before is None or t - before > AGAIN_S + 1e-9

    def _warnings(self, asked: WarningRequests, orders: WarningOrders, t: float) -> None:
        verdicts = {
            key: verdict
            for *key_, verdict in zip(*(c.tolist() for c in (orders.service, orders.subject, orders.other,
                                                               orders.verdict)), strict=True)
            for key in (tuple(key_),)
        }  # fmt: skip
        for row in range(len(asked)):
            key = int(asked.service[row]), int(asked.subject[row]), int(asked.other[row])
            verdict = Verdict(verdicts.get(key, Verdict.NOT_ASKED))
            fresh = self._fresh(("warning", *key), t)
            if not fresh and verdict is not Verdict.APPROVED:
                continue
            service = Service(key[0]).name.lower()
            said: Row = {
                "t": t,
                "what": "warning",
                "service": service,
                "subject": self.name_of(key[1]),
                "other": self._other(service, key[2]),
                "lead": _plain(asked.lead[row]),
                "confidence": _plain(asked.confidence[row]),
                "value": _plain(asked.value[row]),
            }
            self._write(said, service, verdict.name.lower(), _why(asked, row))

    def _advice(self, orders: SpeedOrders, t: float) -> None:
        for row in range(len(orders)):
            subject, verdict = int(orders.subject[row]), Verdict(orders.verdict[row])
            if verdict in (Verdict.REMEMBERED, Verdict.NOT_ASKED) or not self._fresh(("advice", subject), t):
                continue
            said: Row = {
                "t": t,
                "what": "warning",
                "service": "speed_advice",
                "subject": self.name_of(subject),
                "other": None,
                "lead": None,
                "confidence": 1.0,
                "value": _plain(orders.speed[row]),
            }
            self._write(said, "speed_advice", verdict.name.lower())

    def _grants(self, orders: ManoeuvreOrders, t: float) -> None:
        for row in range(len(orders)):
            if Verdict(orders.verdict[row]) in (Verdict.REMEMBERED, Verdict.NOT_ASKED):
                continue
            granted, why = bool(orders.granted[row]), GrantReason(orders.reason[row]).name.lower()
            key = int(orders.sender[row]), int(orders.number[row])
            if self._answers.get(key) == (granted, why):
                continue
            self._answers[key] = granted, why
            kind = Manoeuvre(orders.kind[row]).name.lower()
            said: Row = {
                "t": t,
                "what": "grant",
                "kind": kind,
                "subject": self.name_of(key[0]),
                "granted": granted,
            }
            said |= {name: _plain(getattr(orders, name)[row]) for name in ("speed", "opens", "closes")}
            self._write(said, kind, Verdict(orders.verdict[row]).name.lower(), f"guidance.grant_{why}")

    def _incidents(self, incidents: Incidents, t: float) -> None:
        for row in np.flatnonzero(incidents.confirmed).tolist():
            kind, actor = IncidentKind(incidents.kind[row]).name.lower(), int(incidents.actor[row])
            if self._fresh(("incident", kind, actor), t):
                subject = self._carriageway(actor) if kind in SLOW_TRAFFIC else self.name_of(actor)
                place = {"x": _plain(incidents.x[row]), "y": _plain(incidents.y[row])}
                self._write({"t": t, "what": "incident", "kind": kind, "subject": subject, **place}, kind)

    def _findings(self, findings: Findings, t: float) -> None:
        for row in range(len(findings)):
            rule, subject = Rule(findings.rule[row]).name.lower(), int(findings.subject[row])
            if self._fresh(("finding", rule, subject), t):
                said: Row = {"t": t, "what": "finding", "kind": rule, "subject": self.name_of(subject)}
                self._write({**said, "value": _plain(findings.value[row])}, rule)

    def _other(self, service: str, other: int) -> str | None:
        """Return whom or what a warning is about."""
        if other == 0:
            return None
        if service in NUMBERED:
            return f"{NUMBERED[service]} {other - 1}"
        return self._carriageway(other) if service == "congestion_ahead" else self.name_of(other)

    def _carriageway(self, edge: int) -> str:
        """Return the name of a carriageway: that of its outer lane."""
        lanes = np.flatnonzero(self._road.lanes.edge == edge)
        return f"carriageway {self._road.lane_names[lanes[0]] if len(lanes) else edge}"

    def _write(self, row: Row, kind: str, verdict: str | None = None, why: str = "") -> None:
        row["reason"] = self._reason(row, kind)
        if why in catalogue():
            form = "case_because" if row["what"] == "grant" else "case_why"
            row["reason"] += say(f"worlds.{form}", self._language, why=say(why, self._language))
        if verdict is not None:
            row["verdict"] = verdict
        self.rows.append(row)

    def _reason(self, row: Row, kind: str) -> str:
        """Return a sentence that tells what is so."""
        key = f"{MATTERS[row['what']]}{kind}"
        matter = say(key, self._language) if key in catalogue() else kind.replace("_", " ")
        lead, other = row.get("lead"), row.get("other")
        if row["what"] == "grant":
            form = "case_may" if row["granted"] else "case_may_not"
        elif row["what"] != "warning":
            form = "case_says"
        elif kind == "speed_advice":
            form = "case_says_speed"
        elif other is None:
            form = "case_says_value" if lead is None else "case_says_lead"
        else:
            form = "case_says_other" if lead is None else "case_says_both"
        return say(
            f"worlds.{form}",
            self._language,
            **{"matter": matter, "subject": row["subject"], "other": other},
            **{"lead": _short(lead), "value": _short(row.get("value"))},
        )


def _why(asked: WarningRequests, row: int) -> str:
    """Return the catalogue key of what made a service speak."""
    return f"guidance.reason_{Reason(asked.reason[row]).name.lower()}"


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}"


def _plain(value: Any) -> float | None:
    """Return a number as JSON knows it; unknown is null."""
    return None if np.isnan(value) else round(float(value), 3)


def _of(frame: Frame, kind: type[Any]) -> Any:
    found: Table = frame.get(kind, kind.empty())
    return found
