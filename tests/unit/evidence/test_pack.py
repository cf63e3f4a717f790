"""The evidence pack."""

import json
import re
from html.parser import HTMLParser

import pytest

from wayside.evidence.pack import by_system, write_pack
from wayside.report import Report


@pytest.fixture(scope="module")
def pack(run, reports, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    (folder / "cases").mkdir()
    (folder / "cases" / "case-10.zip").write_bytes(b"ten")
    (folder / "cases" / "case-2.zip").write_bytes(b"two")
    page = write_pack(run, reports, folder, "en")
    return json.loads((folder / "evidence.json").read_text("utf-8")), page.read_text("utf-8")


class Page(HTMLParser):
    """Notes elements, and whether each that opens is closed."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "line", "path", "rect"})

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.unbalanced = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.unbalanced.append(tag)


def test_failures_come_first_and_nothing_is_left_out(pack):
    facts, _ = pack
    verdicts = [line["verdict"] for line in facts["lines"]]
    assert verdicts[0] == "fail" and facts["lines"][0]["id"] == "A9-bad"
    assert verdicts == sorted(verdicts, key=["fail", "unknown", "pass"].index)
    assert {"A9-bad", "A10-good", "D3-open", "A13-tick-p50", "H2-whole"} <= {line["id"] for line in facts["lines"]}
    assert sum(facts["verdicts"].values()) == len(facts["lines"])


def test_each_line_carries_what_a_reader_must_know(pack):
    line = next(line for line in pack[0]["lines"] if line["id"] == "A9-bad")
    assert line == {
        "id": "A9-bad",
        "requirement": {"en": "Requirement", "zh": "要求"},
        "target": 2.0,
        "sense": ">=",
        "unit": "m",
        "source": "own",
        "measured": 1.5,
        "verdict": "fail",
        "study": "trial",
        "runs": ["demo-seed7"],
    }


def test_the_facts_name_seed_hash_versions_machine_and_period(pack):
    facts, _ = pack
    assert (facts["seed"], facts["hash"]) == (7, "ab" * 16)
    assert facts["versions"] == {"wayside": "0.1.0"} and facts["machine"] == {"cores": 2}
    assert facts["from"] == "2026-03-02T09:00:00+08:00" and facts["seconds"] == 10.0
    assert facts["timings_ms"]["tick"]["p50"] == 5.0


def test_cases_are_told_as_they_were_last(pack):
    (case,) = pack[0]["cases"]
    assert (case["worst"], case["limit"], case["opened_s"], case["last_s"]) == (11.0, 8.0, 4.0, 5.0)
    assert case["text"]["zh"] == "超过临时限速"


def test_the_json_has_whole_tables_and_the_page_says_how_many_rows_it_leaves_out(pack):
    facts, page = pack
    study = next(s for s in facts["studies"] if s["study"] == "trial")
    assert len(study["grids"][0]["rows"]) == 30
    assert "18 more rows in evidence.json" in page and "其余 18 行见 evidence.json" in page


def test_evidence_files_are_listed_in_order_with_their_hashes(pack):
    assert [f["path"] for f in pack[0]["files"]] == ["cases/case-2.zip", "cases/case-10.zip"]
    assert pack[0]["files"][0]["octets"] == 3 and len(pack[0]["files"][0]["sha256"]) == 64


def test_the_page_fetches_nothing(pack):
    _, page = pack
    for tag, attributes in Page(page).seen:
        assert tag not in {"img", "iframe", "object", "embed"}
        for name in ("src", "href", "action", "data", "poster"):
            value = attributes.get(name) or ""
            assert not re.match(r"(?i)\s*(https?:|//|ftp:)", value), (tag, name, value)
    assert "@import" not in page and not re.search(r"url\((?!data:)", page)
    assert "fetch(" not in page and "XMLHttpRequest" not in page


def test_what_a_study_says_cannot_become_markup(pack, fakes):
    _, page = pack
    assert fakes.HOSTILE not in page and "<img" not in page
    assert "&lt;/script&gt;" in page


def test_every_element_is_closed_and_every_reference_has_its_target(pack):
    _, page = pack
    parsed = Page(page)
    assert parsed.unbalanced == [] and parsed.open == []
    ids = [a["id"] for _, a in parsed.seen if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in parsed.seen:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert attributes.get(name, ids[0]) in ids
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in ids


def test_all_that_is_said_in_english_is_said_in_chinese(pack):
    _, page = pack
    english, chinese = ([a for _, a in Page(page).seen if a.get("lang") == tag] for tag in ("en", "zh-CN"))
    assert len(english) - 1 == len(chinese) > 100  # the page itself opened in English


def test_a_run_without_a_single_tick_still_gives_a_pack(fakes, tmp_path):
    nothing = fakes.make_run(0)
    nothing.timings = {}
    page = write_pack(nothing, [Report("bare")], tmp_path / "new", "zh")
    facts = json.loads((tmp_path / "new" / "evidence.json").read_text("utf-8"))
    assert facts["ticks"] == 0 and facts["verdicts"]["fail"] == 0
    assert '<html lang="zh-CN">' in page.read_text("utf-8")


def test_lines_are_grouped_by_system_in_the_order_of_people():
    lines = [{"id": name} for name in ("P2-x", "A10-x", "A9-y", "P1-x", "A9-x")]
    assert [(system, [one["id"] for one in group]) for system, group in by_system(lines)] == [
        ("A9", ["A9-x", "A9-y"]),
        ("A10", ["A10-x"]),
        ("P", ["P1-x", "P2-x"]),
    ]
