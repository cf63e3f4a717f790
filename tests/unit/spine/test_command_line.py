"""The command line says what is wrong and how to mend it, in both languages, and exits accordingly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wayside.cli import main

NET = (
    '<net version="1.20"><edge id="a" from="x" to="y">'
    '<lane id="a_0" index="0" speed="10" length="10" shape="0,0 10,0"/></edge>'
    '<junction id="x" type="dead_end" x="0" y="0" incLanes="" intLanes="" shape="0,0 0,1"/>'
    '<junction id="y" type="dead_end" x="10" y="0" incLanes="a_0" intLanes="" shape="10,0 10,1"/>'
)
TICK = 100_000_000


def run(*arguments: str | Path) -> int:
    return main([str(a) for a in arguments])


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Return the error that `--json` prints, having checked the exit code and that people are told too."""
    assert run(*arguments, "--json") == 2
    said = capsys.readouterr()
    error: str = json.loads(said.out)["error"]
    assert error.split(maxsplit=1)[0] in said.err
    return error


def test_help_is_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["run"], ["replay"], ["check"], ["decode"], ["encode"]):
        arguments = [*command, "--help"]
        texts = []
        for language in ("en", "zh"):
            with pytest.raises(SystemExit) as left:
                main([*arguments, "--language", language])
            assert left.value.code == 0
            texts.append(capsys.readouterr().out)
        assert texts[0] != texts[1]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in texts[1])


def test_an_unknown_city_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert "pingshan" in complaint(capsys, "run", "pingshang")


def test_a_missing_net_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no file" in complaint(capsys, "run", "--net", tmp_path / "no.net.xml", "--routes", tmp_path / "r.xml")


def test_a_net_without_routes_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.net.xml").write_text(NET + "</net>")
    assert "--routes" in complaint(capsys, "run", "--net", tmp_path / "a.net.xml")


def test_routes_without_a_net_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "--net" in complaint(capsys, "run", "--routes", tmp_path / "a.rou.xml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NET, "no element found"),
        ("<osm/>", "SUMO"),
        ("", "no element found"),
        (NET.replace("1.20", "9.0") + "</net>", "version"),
    ],
)
def test_a_broken_net_is_named_with_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "a.net.xml").write_text(text)
    (tmp_path / "a.rou.xml").write_text("<routes/>")
    out = tmp_path / "out"
    files = ("--net", tmp_path / "a.net.xml", "--routes", tmp_path / "a.rou.xml", "--origin", "22.7", "114.3")
    error = complaint(capsys, "run", *files, "--out", out)
    assert words in error and "a.net.xml" in error
    assert not out.exists()


def test_a_folder_with_something_in_it_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("mine")
    assert "--replace" in complaint(capsys, "run", "pingshan", "--out", tmp_path)
    assert "not a Run" in complaint(capsys, "run", "pingshan", "--out", tmp_path, "--replace")
    assert (tmp_path / "note.txt").read_text() == "mine"


def test_a_length_of_nothing_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "--seconds" in complaint(capsys, "run", "pingshan", "--seconds", "0", "--out", tmp_path / "out")


def test_what_is_no_run_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for command in (("replay", tmp_path), ("report", tmp_path), ("study", "perception", tmp_path)):
        assert "is not a Run" in complaint(capsys, *command)


def test_an_unknown_study_names_the_nearest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "did you mean 'perception'" in complaint(capsys, "study", "perceptio", tmp_path)


def test_the_pilot_zone_passes_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "pingshan", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["facts"]["Permits"] == 40 and not facts["problems"]


def test_everything_installed_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cities"] == ["anywhere", "pingshan"]
    assert "track" in facts["steps"] and "sumo" in facts["worlds"] and "Actors" in facts["tables"]


def test_help_imports_no_room_that_brings_a_command() -> None:
    text = (
        "import sys\nfrom wayside.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "rooms = ('wayside.v2x.commands', 'asn1tools', 'wayside.asn1')\n"
        "assert not [m for m in sys.modules if m.startswith(rooms)]\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "decode" in done.stdout and "encode" in done.stdout


def test_what_is_nothing_known_lists_what_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Some words.")
    for what in (tmp_path / "note.txt", tmp_path / "missing"):
        error = complaint(capsys, "check", what)
        assert all(known in error for known in ("pingshan", ".net.xml", "a Run folder", "hex lines", "pcap"))


def test_a_run_is_checked_for_its_digests_and_its_messages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from wayside.frame import Frame
    from wayside.maps.drawing import two_lane_road
    from wayside.recorder import Recorder
    from wayside.signals.tables import SignalControllers
    from wayside.v2x.tables import MessageType, Traffic

    for frames, code in ((1, 0), (2, 1)):
        folder = tmp_path / str(code)
        about = {"assets": [SignalControllers.table_name], "given": [Traffic.table_name]}
        with Recorder(folder, {"start_ns": 0, "tick_ns": TICK, **about}, two_lane_road(length=100.0)) as recorder:
            controllers = SignalControllers(controller=[0], x=[0.0], y=[0.0], unit=[1])
            for tick in range(110):
                kinds, said = [MessageType.MAP, MessageType.SPAT], [int(tick % 10 == 0), frames]
                sent = Traffic(type=kinds, direction=[1, 1], frames=said, octets=[90, 90])
                recorder.record(Frame(tick * TICK, [controllers, sent]), {}, [])
            recorder.close(complete=True)
        assert run("check", folder, "--json") == code
        facts = json.loads(capsys.readouterr().out)
        verdicts = {line["id"]: line["verdict"] for line in facts["lines"]}
        assert facts["kind"] == "run" and not facts["problems"]
        assert verdicts["A3-spat-rate-max"] == ("fail" if code else "pass")


def test_an_edition_does_not_go_with_a_city(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--edition" in complaint(capsys, "check", "pingshan", "--edition", "csae53-2020")


def test_a_check_says_each_requirement_in_both_languages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.hex").write_text("104800499d0cb29f02bdc8fb7c\n")
    assert run("check", tmp_path / "a.hex", "--json") == 1  # its only node has no lanes
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "messages" and facts["facts"]["mapFrame"] == 1
    failed = [line["id"] for line in facts["lines"] if line["verdict"] == "fail"]
    assert failed == ["A12-minimum"]
    assert all(line["requirement"]["zh"] != line["requirement"]["en"] for line in facts["lines"])


def test_a_strict_check_does_not_take_unknown_for_met(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    phase = {
        "id": 1,
        "phaseStates": [{"light": "red", "timing": {"counting": {"startTime": 0, "likelyEndTime": 5}}}],
    }
    state = {"intersectionId": {"id": 9}, "status": {"bits": "0" * 16}, "phases": [phase]}
    spat = {"msgCnt": 1, "moy": 0, "timeStamp": 10_500, "intersections": [state]}
    (tmp_path / "a.jsonl").write_text(json.dumps({"t": 10.5, "spatFrame": spat}))
    assert run("check", tmp_path / "a.jsonl") == 0
    assert run("check", tmp_path / "a.jsonl", "--strict") == 1
    assert run("check", tmp_path / "a.jsonl", "--edition", "csae53-1999") == 2
    assert "ydt3709-2020" in capsys.readouterr().err
