"""What `render` shows: the ticket and the comment that a run would write, and nothing written."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console as RichConsole

from job.console.screen import PIPED_WIDTH, Screen
from job.core.adf import document, heading, paragraph, strong
from job.core.sheets import Sheet
from job.sim.jira.search import no_lag
from job.sim.world import World
from tests.kit.program import Program, Spoken

BASE = "https://api.cloudpassage.com"
ROW: dict[str, Any] = {
    "id": "3d1f6a80-9b44-11eb-8c1e-41f0a2b7d963",
    "type": "sva",
    "status": "active",
    "critical": True,
    "name": "Vulnerable package: sudo.x86_64",
    "package_name": "sudo.x86_64",
    "package_version": "1.8.23-9.el7",
    "cve_ids": ["CVE-2021-3156"],
    "max_cvss": 7.8,
    "asset_hostname": "web-1",
    "first_seen_at": "2021-04-12T06:31:08Z",
    "last_finding_urls": [f"{BASE}/v1/scans/a/findings/b"],
}


def finding(*cves: str) -> dict[str, Any]:
    entries = [{"cve_entry": name, "cvss_score": 7.8, "suppressed": False} for name in cves]
    return {"package_name": "sudo.x86_64", "package_version": "1.8.23", "cve_entries": entries}


def kept(folder: Path, body: Any) -> str:
    path = folder / "saved.json"
    path.write_text(json.dumps(body))
    return str(path)


def sheets(spoken: Spoken) -> list[dict[str, Any]]:
    assert spoken.exit_code == 0, spoken.stdout
    return [line for line in spoken.lines if line["event"] == "ticket.rendered"]


# --- A saved issue --------------------------------------------------------------------------------


def test_a_saved_row_is_rendered_without_any_setting(bare: Program, tmp_path: Path) -> None:
    ticket, comment = sheets(bare("render", kept(tmp_path, ROW)))
    summary = "[Critical] Vulnerable package sudo 1.8.23-9.el7 (1 CVE, CVSS 7.8) on web-1"
    assert ticket["summary"] == summary
    assert summary in " ".join(ticket["text"].split())
    assert "It was not saved with the issue." in ticket["text"]
    assert ticket["document"]["type"] == "doc"
    assert comment["message"].startswith("Next comment, for example")
    assert "Resolved in Halo" in comment["text"]


def test_a_saved_issue_tells_what_is_new_since_it_was_saved_before(
    bare: Program, tmp_path: Path
) -> None:
    before = {"issue": ROW, "finding": finding("CVE-2021-3156")}
    now = {"issue": ROW, "finding": finding("CVE-2021-3156", "CVE-2023-22809"), "before": before}
    ticket, comment = sheets(bare("render", kept(tmp_path, now)))
    assert "has 1 known vulnerability" in ticket["text"]
    assert comment["message"] == "Next comment: what is new"
    assert "1 new vulnerability." in comment["text"]
    assert "CVE-2021-3156" not in comment["text"]
    _, nothing = sheets(bare("render", kept(tmp_path, now | {"finding": before["finding"]})))
    assert nothing["message"] == "Next comment: none, for nothing is new"
    assert nothing["document"] is None


def test_a_saved_issue_that_is_over_or_back_has_the_comment_that_says_so(
    bare: Program, tmp_path: Path
) -> None:
    over = ROW | {"status": "resolved", "resolved_at": "2021-04-14T00:00:00Z"}
    _, closed = sheets(bare("render", kept(tmp_path, over)))
    assert closed["message"] == "Next comment: the issue is resolved"
    assert "It was open for 1 day" in closed["text"]
    back = {"issue": ROW, "finding": finding("CVE-2021-3156"), "before": {"issue": over}}
    _, reopened = sheets(bare("render", kept(tmp_path, back)))
    assert reopened["message"] == "Next comment: the ticket is open again"
    assert "Reopened." in reopened["text"]


def test_the_template_of_links_counts_for_a_saved_issue(bare: Program, tmp_path: Path) -> None:
    path = kept(tmp_path, ROW)
    assert "portal.example" not in sheets(bare("render", path))[0]["text"]
    linked = sheets(bare("render", path, HALO_LINK="https://portal.example/{issue_id}"))
    assert f"https://portal.example/{ROW['id']}" in linked[0]["text"]
    refused = bare("render", path, HALO_LINK="ftp://x")
    assert refused.exit_code == 2
    assert "HALO_LINK" in refused.stdout


def test_a_secret_of_the_environment_is_in_no_saved_issue_that_is_shown(
    bare: Program, tmp_path: Path
) -> None:
    body = {
        "issue": ROW,
        "finding": finding("CVE-2021-3156"),
        "cve_details": {"CVE-2021-3156": {"summary": "The key is swordfish-1."}},
    }
    spoken = bare("render", kept(tmp_path, body), JIRA_API_TOKEN="swordfish-1")
    assert "swordfish-1" not in spoken.stdout
    assert "The key is [hidden]." in sheets(spoken)[0]["text"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "holds no saved issue"),
        ('{"id": "1", "status": "open"}', "has the status 'open'"),
        ('{"issue": {}, "finding": {}}', "holds no saved issue"),
    ],
)
def test_a_file_that_holds_no_issue_is_exit_code_2_and_says_why(
    bare: Program, tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    spoken = bare("render", str(path))
    assert spoken.exit_code == 2
    assert words in spoken.only("command.refused")["message"]


def test_a_file_that_is_not_there_is_not_taken_for_an_id(bare: Program) -> None:
    spoken = bare("render", "gone.json")
    assert spoken.exit_code == 2
    assert "There is no file 'gone.json'." in spoken.only("command.refused")["message"]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words = ""

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_is_written_where_it_was_asked_for(bare: Program, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    path = kept(tmp_path, ROW | {"asset_hostname": "<script>alert(1)</script>"})
    spoken = bare("render", path, "--html", str(page))
    assert spoken.only("page.written")["path"] == str(page)
    written = page.read_text()
    assert "<script" not in written
    reader = _Words()
    reader.feed(written)
    assert "on <script>alert(1)</script>" in reader.words
    assert "Resolved in Halo" in reader.words
    refused = bare("render", path, "--html", str(tmp_path / "no" / "page.html"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stdout


# --- An issue of Halo -----------------------------------------------------------------------------


def id_of(world: World, kind: str) -> str:
    every = world.halo.estate.issues.values()
    return next(issue.id for issue in every if issue.type == kind and issue.status == "active")


def test_what_is_rendered_is_what_the_run_writes(program: Program, world: World) -> None:
    world.jira.search.lag = no_lag
    issue_id = id_of(world, "sva")
    ticket, comment = sheets(program("render", issue_id))
    assert ticket["message"] == "New ticket (Bug in SEC)"
    assert comment["message"].startswith("Next comment, for example")
    assert not world.jira.people.tickets()
    assert program("run").exit_code == 0
    (made,) = (
        made for made in world.jira.people.tickets() if made.fields["customfield_10010"] == issue_id
    )
    assert ticket["summary"] == made.fields["summary"]
    said = made.fields["description"]["content"]
    assert ticket["document"]["content"][:-1] == said[:-1]
    assert "As it was on" in str(said[-1])
    assert ticket["fields"]["Halo Group"] == made.fields["customfield_10020"]


def test_the_next_comment_is_what_the_next_run_says(program: Program, world: World) -> None:
    world.jira.search.lag = no_lag
    assert program("run").exit_code == 0
    csm, sva = id_of(world, "csm"), id_of(world, "sva")
    world.halo.estate.rescan(csm, changed=True)
    world.halo.estate.resolve(sva, by="anna@acme.example", comment="Updated.")
    foretold = {
        issue_id: sheets(program("render", issue_id, COMMENT_EVERY="0"))[1]
        for issue_id in (csm, sva)
    }
    assert foretold[csm]["message"] == "Next comment: what is new"
    assert foretold[sva]["message"] == "Next comment: the issue is resolved"
    assert program("run", COMMENT_EVERY="0").exit_code == 0
    said = {
        made.fields["customfield_10010"]: made.comments[-1].body
        for made in world.jira.people.tickets()
        if made.comments
    }
    for issue_id, comment in foretold.items():
        assert comment["document"]["content"] == said[issue_id]["content"]


def test_a_ticket_is_rendered_by_its_key_and_named(program: Program, world: World) -> None:
    world.jira.search.lag = no_lag
    assert program("run").exit_code == 0
    (ticket, _) = sheets(program("render", "SEC-1"))
    assert ticket["message"] == "SEC-1 as it would be made today (Bug in SEC)"


def test_an_id_that_nobody_knows_is_exit_code_2(program: Program) -> None:
    spoken = program("render", "00000000-0000-4000-8000-000000000000")
    assert spoken.exit_code == 2
    assert "Nobody knows" in spoken.only("command.refused")["message"]


def test_what_halo_tells_of_a_vulnerability_shows_no_secret_either(
    program: Program, world: World
) -> None:
    world.jira.search.lag = no_lag
    known = {"HTTPS_PROXY": "http://me:Heartbeat@127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    ticket, _ = sheets(program("render", id_of(world, "sva"), **known))
    assert "[hidden] Extension" in " ".join(ticket["text"].split())
    assert program("run", **known).exit_code == 0
    said = str([made.fields for made in world.jira.people.tickets()])
    assert "[hidden] Extension" in said
    assert "Heartbeat" not in said


# --- At a terminal --------------------------------------------------------------------------------


def drawn(sheet: Sheet, **terminal: Any) -> str:
    console = RichConsole(record=True, highlight=False, **terminal)
    with console.capture() as capture:
        Screen(console).show_sheet(sheet)
    return capture.get()


SHEET = Sheet(
    title="Ticket",
    summary="[bold]no markup[/]",
    document=document([heading("Why"), paragraph("It is ", strong("bad"), ".")]),
)


def test_a_terminal_shows_eighty_columns_at_most_and_words_as_they_are() -> None:
    said = drawn(SHEET, width=PIPED_WIDTH)
    assert "[bold]no markup[/]" in said
    assert max(map(len, said.splitlines())) == 80
    assert max(map(len, drawn(SHEET, width=50).splitlines())) == 50


def test_no_background_and_no_pale_colour_is_used_and_none_without_colour() -> None:
    coloured = drawn(SHEET, width=80, force_terminal=True, color_system="standard")
    assert "\x1b[1mbad\x1b[0m" in coloured
    assert not any(f"\x1b[{number}" in coloured for number in ("4", "37", "97", "93", "33"))
    plain = drawn(SHEET, width=80, force_terminal=True, no_color=True)
    assert "\x1b[3" not in plain
