"""`wayside decode` and `wayside encode`: lines in, lines out."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.cli import main
from wayside.v2x.lines import LONGEST, LineError, message_in, octets_of, read_json, read_lines

FRAME = "104800499d0cb29f02bdc8fb7c"
VALUE = {
    "mapFrame": {"msgCnt": 9, "nodes": [{"id": {"id": 4711}, "refPos": {"lat": 227000000, "long": 1143500000}}]}
}


class Pipe:
    """What a command reads and writes."""

    def __init__(self, text: bytes) -> None:
        self.buffer = io.BytesIO(text)

    def isatty(self) -> bool:
        return False


def run(monkeypatch: pytest.MonkeyPatch, capsysbinary: Any, text: str, *arguments: str) -> tuple[int, list[str]]:
    monkeypatch.setattr(sys, "stdin", Pipe(text.encode()))
    code = main(list(arguments))
    return code, capsysbinary.readouterr().out.decode().splitlines()


def test_a_frame_comes_out_as_json_and_goes_back(monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> None:
    code, lines = run(monkeypatch, capsysbinary, f"# note\n\n{FRAME}\n", "decode")
    assert code == 0 and [json.loads(line) for line in lines] == [VALUE]
    assert run(monkeypatch, capsysbinary, lines[0], "encode") == (0, [FRAME])


def test_every_bad_line_gives_an_error_in_its_place(monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> None:
    code, lines = run(monkeypatch, capsysbinary, f"zz\n{FRAME}\n12b\n{FRAME[:10]}\n{FRAME}00\n", "decode")
    told = [json.loads(line) for line in lines]
    assert code == 1 and len(told) == 5 and told[1] == VALUE
    assert [(one["at"], one["bit"], one["line"]) for one in (told[0], told[2])] == [
        ("column 1", 0, 1),
        ("column 4", 12, 3),
    ]
    assert (told[3]["at"], told[3]["reason"]) == ("mapFrame.nodes[0].refPos.lat", "truncated")
    assert told[4]["reason"] == "trailing_bits" and told[4]["bit"] >= 100


def test_encode_names_the_field_that_is_wrong(monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> None:
    wrong = json.dumps(VALUE).replace("227000000", "900000002")
    text = f'{wrong}\n{{"bsmFrame": 3}}\n[]\n{{\n{{"error": "x", "at": "y"}}\n{json.dumps(VALUE)}\n'
    code, lines = run(monkeypatch, capsysbinary, text, "encode")
    told = [json.loads(line) for line in lines[:-1]]
    assert code == 1 and lines[-1] == FRAME
    assert [one["line"] for one in told] == [1, 2, 3, 4, 5]
    assert told[0]["at"] == "mapFrame.nodes[0].refPos.lat" and "900000002" in told[0]["error"]


@pytest.mark.parametrize(
    "line",
    [
        {"type": "mapFrame", "value": VALUE["mapFrame"]},
        {"hex": "00", "value": VALUE},
        {"hex": "00", "type": "mapFrame", "value": VALUE["mapFrame"]},
        {"time_ns": 5, "link": "a", **VALUE},
    ],
)
def test_encode_takes_all_forms_of_a_message(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: Any, line: dict[str, Any]
) -> None:
    assert run(monkeypatch, capsysbinary, json.dumps(line), "encode") == (0, [FRAME])


@pytest.mark.parametrize("name", ["csae53_2020", "YDT3709-2020", "T/CSAE 53-2020"])
def test_an_edition_may_be_punctuated_in_any_way(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: Any, name: str
) -> None:
    assert run(monkeypatch, capsysbinary, FRAME, "decode", "--edition", name)[0] == 0


def test_a_wrong_edition_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--edition", "csae53"]) == 2
    assert "gbt31024-3-2019" in capsys.readouterr().err


def test_an_edition_does_not_go_with_what_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--as", "certificate", "--edition", "csae53-2020"]) == 2
    assert "--edition" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["decode", str(tmp_path / "no.hex")]) == 2
    assert "no.hex" in capsys.readouterr().err


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    class Endless(io.RawIOBase):
        left = 100

        def read1(self, count: int = -1) -> bytes:
            self.left -= 1
            return b"0" * count if self.left > 0 else b"\n12b0\n" if self.left == 0 else b""

    groups = [line for group in read_lines(Endless(), 200_000) for line in group]  # type: ignore[arg-type]
    assert groups == [(1, None), (2, b"12b0")]
    assert LONGEST > 2 * 65_536


def test_the_last_line_needs_no_end_and_windows_ends_are_fine() -> None:
    groups = [line for group in read_lines(io.BufferedReader(io.BytesIO(b"12\r\n34"))) for line in group]  # type: ignore[arg-type]
    assert [octets_of(text or b"") for _, text in groups] == [b"\x12", b"\x34"]


@settings(max_examples=300)
@given(text=st.binary(max_size=60))
def test_no_line_breaks_the_readers(text: bytes) -> None:
    for take in (octets_of, lambda line: message_in(read_json(line))):
        try:
            take(text)
        except LineError as error:
            assert error.at and error.found


def test_a_program_that_waits_for_its_answer_gets_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "wayside.cli", "decode"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as talk:
        assert talk.stdin is not None and talk.stdout is not None
        for _ in range(2):
            talk.stdin.write(FRAME.encode() + b"\n")
            talk.stdin.flush()
            assert json.loads(talk.stdout.readline()) == VALUE
        talk.stdin.close()
        assert talk.wait(30) == 0


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.hex").write_text(f"{FRAME}\n" * 50_000)
    with subprocess.Popen(
        [sys.executable, "-m", "wayside.cli", "decode", str(tmp_path / "a.hex")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as talk:  # fmt: skip
        assert talk.stdout is not None and talk.stderr is not None
        talk.stdout.readline()
        talk.stdout.close()
        said = talk.stderr.read()
        assert talk.wait(30) == 141 and b"Traceback" not in said
