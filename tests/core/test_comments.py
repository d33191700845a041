"""What comments say: what is new and nothing else, whatever Halo sends."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from job.core import adf
from job.core.comments import Comment, close_comment, marker, reopen_comment, update_comment
from job.core.evidence import fingerprint
from job.core.findings import Cve, Finding, Gone, LidsEvent, OtherFinding, SvaFinding
from job.core.issues import Evidence, IssueStatus
from job.core.memory import Link
from job.core.noise import Telling, Weighed, weigh
from job.core.recollection import moves_written, recollection, written
from job.core.routes import CommentRule, CommentWhen
from job.core.sightings import sighting
from tests.core.documents import opened, plain, schema, utf16_units, words
from tests.core.findings import AT, CSM, FIM, GONE, ISSUE, LIDS, OTHER, RESOLVED, SVA, evidences
from tests.kit.builders import link

HOUR = timedelta(hours=1)
AT_ONCE = CommentRule(every=timedelta())
DAILY = CommentRule()
MANY = tuple(Cve(id=f"CVE-2020-{number}", score=6.0) for number in range(1000, 1080))


def seen(finding: Finding | Gone | None = SVA, **over: Any) -> Evidence:
    return Evidence(issue=replace(ISSUE, **({"cves": ()} | over)), finding=finding)


def told(evidence: Evidence, **over: Any) -> Link:
    """The link of a ticket that was told this."""
    recalls = written(recollection(sighting(evidence), before=None))
    return link(recalls=recalls, fingerprint=fingerprint(evidence), **over)


def weighed(
    before: Evidence, now: Evidence, *, rule: CommentRule = AT_ONCE, at: datetime = AT
) -> Weighed:
    return weigh(now, link=told(before), rule=rule, now=at)


def said(before: Evidence, now: Evidence, *, rule: CommentRule = AT_ONCE) -> list[str]:
    what = weighed(before, now, rule=rule)
    assert what.telling is Telling.TELL
    return lines(update_comment(now, weighed=what, halo_link=""))


def lines(comment: Comment) -> list[str]:
    return plain(opened(comment.body)).splitlines()


# --- What is new ----------------------------------------------------------------------------------


def test_of_eighty_vulnerabilities_and_one_more_the_reader_sees_the_one() -> None:
    one_more = (*MANY, Cve(id="CVE-2026-9999", score=5.0))
    assert said(seen(replace(SVA, cves=MANY)), seen(replace(SVA, cves=one_more))) == [
        "1 new vulnerability.",
        *("Vulnerability", "CVSS"),
        *("CVE-2026-9999", "5"),
        f"Last seen on 2021-04-19 06:31 UTC. Halo issue {ISSUE.id}",
    ]


def test_new_worse_better_and_gone_are_counted_and_only_what_is_there_is_shown() -> None:
    before = (Cve(id="A", score=6.0), Cve(id="B", score=9.8), Cve(id="C", score=5.0))
    now = (Cve(id="A", score=7.5), Cve(id="B", score=8.0), Cve(id="D", score=4.0))
    assert said(seen(replace(SVA, cves=before)), seen(replace(SVA, cves=now)))[:10] == [
        "1 new vulnerability, 1 worse, 1 better, 1 gone.",
        *("Vulnerability", "CVSS"),
        *("B", "8"),
        *("A", "7.5"),
        *("D", "4"),
        "Gone: C.",
    ]


def test_a_score_that_moves_within_its_band_is_no_news() -> None:
    before, now = (replace(SVA, cves=(Cve(id="A", score=score),)) for score in (7.0, 8.9))
    assert weighed(seen(before), seen(now)).telling is Telling.SILENT


def test_an_exception_in_halo_is_told_and_counts_no_more() -> None:
    before, now = (
        replace(SVA, cves=(Cve(id="A", score=8.0, suppressed=s),)) for s in (False, True)
    )
    told_now = said(seen(before), seen(now))
    assert told_now[0] == "1 better."
    assert "Excepted in Halo, not counted: A." in told_now


def test_a_check_that_fails_now_is_shown_alone_and_one_that_passes_is_named() -> None:
    fails = replace(CSM.checks[1], status="bad", actual="nobody")
    passes = replace(CSM.checks[0], status="good", actual="no")
    before, now = seen(CSM), seen(replace(CSM, checks=(passes, fails)))
    assert said(before, now)[:14] == [
        "1 more check fails, 1 fails no more.",
        *("Check", "Where", "Expected", "Found", "Result"),
        *("file_owner", "/etc/ssh", "root", "nobody", "fails"),
        "No longer failing: file_regex /etc/ssh/sshd_config ^PermitRootLogin no.",
        f"Last seen on 2021-04-19 06:31 UTC. Halo issue {ISSUE.id}",
    ]


def test_a_file_that_changed_again_and_one_that_was_restored_are_told() -> None:
    again = replace(FIM.files[0], found=replace(FIM.files[0].found, sha256="cc" * 32))
    told_now = said(seen(FIM), seen(replace(FIM, files=(again,), total=1)))
    assert told_now[0] == "1 changed again, 1 as in the baseline again."
    assert "As in the baseline again: /etc/nginx/b.conf." in told_now


def test_another_value_of_an_unpublished_finding_is_shown_alone() -> None:
    now = OtherFinding(rows=(*OTHER.rows[:1], ("scan_id", "ffff"), ("state", "level 2")))
    assert said(seen(OTHER, type="agent"), seen(now, type="agent"))[:6] == [
        "1 changed.",
        "What a finding of the type agent means is published nowhere. Its keys and values, as "
        "they came:",
        *("Key", "Value"),
        *("state", "level 2"),
    ]


def test_what_became_critical_and_another_version_are_told() -> None:
    before = seen(critical=False)
    assert said(before, seen(package_version="1.9"))[0] == (
        "Critical now, package version 1.8.23-9.el7 to 1.9."
    )


def test_evidence_that_went_is_no_news_and_what_was_told_before_is_not_called_gone() -> None:
    assert weighed(seen(SVA), seen(GONE)).telling is Telling.SILENT
    assert said(seen(SVA, critical=False), seen(GONE))[0] == "Critical now."
    assert weighed(seen(GONE), seen(GONE)).telling is Telling.SILENT


def test_what_was_told_before_is_kept_in_mind_while_the_evidence_is_gone() -> None:
    away = weighed(seen(SVA), seen(GONE, critical=False))
    assert away.telling is Telling.TELL
    back = weigh(seen(SVA, critical=False), link=link(recalls=away.recalls), rule=AT_ONCE, now=AT)
    assert back.telling is Telling.SILENT


def test_evidence_that_can_be_read_for_the_first_time_is_news_and_not_called_new() -> None:
    spoken = said(seen(GONE), seen(SVA))
    assert spoken[0] == "The evidence can be read now."
    assert "CVE-2019-14287" in spoken


def test_vulnerabilities_that_the_issue_named_are_not_new_when_a_finding_lists_them() -> None:
    ids = tuple(cve.id for cve in SVA.cves)
    named, listed = seen(None, cves=ids), seen(SVA, cves=ids)
    for before, now in ((named, listed), (listed, named)):
        assert weighed(before, now).telling is Telling.SILENT
    fewer = seen(None, cves=ids[:1])
    assert said(fewer, listed)[0] == "1 new vulnerability."
    assert said(listed, fewer)[0] == "1 gone."


def test_a_score_that_rises_is_told_although_the_ticket_was_told_names_alone() -> None:
    ids = tuple(cve.id for cve in SVA.cves)
    silent = weighed(seen(None, cves=ids), seen(SVA, cves=ids))
    graver = replace(SVA, cves=tuple(replace(cve, score=9.9) for cve in SVA.cves))
    kept = link(recalls=silent.recalls)
    what = weigh(seen(graver, cves=ids), link=kept, rule=DAILY, now=AT)
    assert what.found is not None
    assert what.found.worse == ("CVE-2019-14287",)


def test_a_ticket_of_an_issue_that_halo_forgot_says_so_when_it_is_closed() -> None:
    spoken = lines(close_comment(Evidence(issue=replace(ISSUE, gone=True)), halo_link=""))
    assert spoken[0] == f"Halo no longer knows the issue {ISSUE.id}."


def test_where_nobody_knows_what_was_told_all_of_it_is_told() -> None:
    what = weigh(seen(), link=link(), rule=DAILY, now=AT)
    assert what.found is None
    comment = update_comment(seen(), weighed=what, halo_link="")
    assert lines(comment)[0] == (
        f"Latest findings, last seen on 2021-04-19 06:31 UTC. Critical. Halo issue {ISSUE.id}"
    )
    assert "CVE-2019-14287" in lines(comment)


def test_a_link_of_an_older_version_that_says_the_same_is_silent_and_then_knows() -> None:
    older = link(fingerprint=fingerprint(seen()))
    what = weigh(seen(), link=older, rule=DAILY, now=AT)
    assert what.telling is Telling.SILENT
    assert what.recalls == told(seen()).recalls


# --- Bounded noise --------------------------------------------------------------------------------


def event(number: int) -> Evidence:
    return seen(LidsEvent(message="", log_entry=f"line {number}"), type="lids", critical=False)


def lived(evidence: Evidence, *, before: Link, at: datetime) -> tuple[Link, Weighed]:
    """What memory holds once this was seen at this instant."""
    what = weigh(evidence, link=before, rule=DAILY, now=at)
    match what.telling:
        case Telling.TELL:
            after = replace(
                before, recalls=what.recalls, commented_at=at, gathered="", tell_at=None
            )
        case Telling.GATHER:
            after = replace(before, gathered=moves_written(what.moves), tell_at=what.tell_at)
        case Telling.SILENT:
            after = replace(before, recalls=what.recalls, gathered="", tell_at=None)
    return after, what


def test_twelve_log_lines_in_twelve_runs_are_two_comments() -> None:
    link, spoken = told(event(0)), []
    for hour in range(1, 13):
        now = AT + 2 * hour * HOUR
        link, what = lived(event(hour), before=link, at=now)
        if what.telling is Telling.TELL:
            spoken.append(now)
    assert link.tell_at == spoken[0] + timedelta(hours=24)
    what = weigh(event(12), link=link, rule=DAILY, now=link.tell_at)
    assert what.telling is Telling.TELL
    said_then = lines(update_comment(event(12), weighed=what, halo_link=""))
    assert said_then[0] == "11 new events."
    assert said_then[1] == "11 events since 2021-04-12 10:31 UTC, the newest shown."
    assert "line 12" in said_then
    assert len(spoken) == 1


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (seen(critical=False), seen()),
        (seen(), seen(replace(SVA, cves=(*SVA.cves, Cve(id="X", score=9.0))))),
        (seen(), seen(replace(SVA, cves=(replace(SVA.cves[0], score=9.1), SVA.cves[1])))),
    ],
)
def test_what_may_not_wait_is_told_at_once(before: Evidence, now: Evidence) -> None:
    spoken_to = told(before, commented_at=AT)
    assert weigh(now, link=spoken_to, rule=DAILY, now=AT + HOUR).telling is Telling.TELL


@pytest.mark.parametrize(
    "now",
    [
        seen(replace(SVA, cves=(*SVA.cves, Cve(id="X", score=8.9)))),
        seen(replace(SVA, cves=(*SVA.cves, Cve(id="X", score=9.9, suppressed=True)))),
        seen(critical=False),
    ],
)
def test_what_may_wait_is_gathered_until_the_interval_is_over(now: Evidence) -> None:
    spoken_to = told(seen(), commented_at=AT)
    what = weigh(now, link=spoken_to, rule=DAILY, now=AT + HOUR)
    assert (what.telling, what.tell_at) == (Telling.GATHER, AT + timedelta(hours=24))
    assert what.recalls == spoken_to.recalls
    assert weigh(now, link=spoken_to, rule=DAILY, now=AT + 24 * HOUR).telling is Telling.TELL


def test_what_went_and_came_back_is_called_flapping_and_is_told_once() -> None:
    link = told(seen(), commented_at=AT)
    without = seen(replace(SVA, cves=SVA.cves[1:]))
    for hour, sight in enumerate((without, seen(), without, seen()), start=1):
        link, what = lived(sight, before=link, at=AT + hour * HOUR)
        assert what.telling is Telling.GATHER
    link, what = lived(seen(), before=link, at=AT + 24 * HOUR)
    assert what.telling is Telling.TELL
    assert lines(update_comment(seen(), weighed=what, halo_link=""))[:3] == [
        "As it was before.",
        "4 changes since 2021-04-12 07:31 UTC, told together.",
        "Flapping: CVE-2019-14287.",
    ]
    assert lived(seen(), before=link, at=AT + 25 * HOUR)[1].telling is Telling.SILENT


def test_on_update_each_sight_is_told_and_one_without_news_says_so() -> None:
    rule = CommentRule(when=CommentWhen.UPDATE, every=timedelta())
    assert said(seen(), seen(), rule=rule) == [
        "Seen again, and nothing is new.",
        f"Last seen on 2021-04-19 06:31 UTC. Halo issue {ISSUE.id}",
    ]


# --- The bound ------------------------------------------------------------------------------------


def package(many: int, *, score: float = 5.0) -> SvaFinding:
    return replace(
        SVA, cves=tuple(Cve(id=f"CVE-2020-{n}", score=score) for n in range(10_000, 10_000 + many))
    )


@pytest.mark.parametrize("many", [80, 2_000, 5_000, 50_000])
def test_memory_of_what_was_told_stays_small_whatever_halo_sends(many: int) -> None:
    assert len(told(seen(package(many))).recalls) < 120_000


@pytest.mark.parametrize("many", [80, 2_000, 5_000, 50_000])
def test_one_more_of_very_many_is_the_one_that_is_told(many: int) -> None:
    grown = replace(package(many), cves=(*package(many).cves, Cve(id="CVE-1999-0001", score=7.0)))
    assert said(seen(package(many)), seen(grown))[:5] == [
        "1 new vulnerability.",
        *("Vulnerability", "CVSS"),
        *("CVE-1999-0001", "7"),
    ]
    assert weighed(seen(package(many)), seen(package(many))).telling is Telling.SILENT


def test_of_very_many_those_that_are_gone_are_counted_and_named_where_memory_has_names() -> None:
    assert said(seen(package(5_000)), seen(package(10)))[0].endswith("4,990 gone.")


@given(evidences)
def test_what_was_told_is_remembered_as_it_was_and_is_no_news(evidence: Evidence) -> None:
    assert weighed(evidence, evidence).telling is Telling.SILENT
    assert len(told(evidence).recalls) < 120_000


# --- Whatever Halo sends --------------------------------------------------------------------------


@settings(max_examples=60)
@given(evidences, evidences, words)
def test_whatever_halo_sends_becomes_comments_that_jira_takes(
    before: Evidence, evidence: Evidence, because: str
) -> None:
    what = weigh(evidence, link=told(before), rule=AT_ONCE, now=AT)
    over = replace(evidence, issue=replace(evidence.issue, status=IssueStatus.RESOLVED))
    spoken = [
        update_comment(evidence, weighed=what, halo_link=""),
        reopen_comment(evidence, because=because, halo_link="", accepted=[because]),
        close_comment(over, halo_link=""),
    ]
    for comment in spoken:
        body = opened(comment.body)
        schema().validate(body)
        assert 0 < utf16_units(body) <= adf.TEXT_MAX
        assert len(comment.marker) <= 255


# --- Closing and reopening ------------------------------------------------------------------------


def test_a_close_says_who_resolved_it_when_why_and_how_long_it_was_open() -> None:
    assert lines(close_comment(Evidence(issue=RESOLVED), halo_link="")) == [
        "Resolved in Halo on 2021-04-20 06:31 UTC by anna@example.com.",
        "Halo detected that the issue has been remediated.",
        "It was open for 8 days, since 2021-04-12 06:31 UTC.",
        f"Halo issue {ISSUE.id}",
    ]


def test_a_close_without_a_reason_from_halo_says_so() -> None:
    silent = replace(RESOLVED, resolution="", resolved_by="", resolved_at=None)
    assert lines(close_comment(Evidence(issue=silent), halo_link=""))[:2] == [
        "Resolved in Halo.",
        "Halo gives no reason.",
    ]


def test_a_ticket_is_never_closed_without_halos_word() -> None:
    with pytest.raises(ValueError, match="is not resolved"):
        close_comment(Evidence(issue=ISSUE), halo_link="")


def test_a_reopening_says_why_what_is_there_and_how_the_risk_is_accepted() -> None:
    comment = reopen_comment(
        Evidence(issue=ISSUE, finding=SVA),
        because="Halo still sees it.",
        halo_link="",
        accepted={"Risk accepted"},
    )
    spoken = lines(comment)
    assert spoken[:4] == [
        "Reopened. Halo still sees it.",
        "sudo 1.8.23-9.el7 on ip-10-4-1-22 has 1 known vulnerability, of CVSS 8.8.",
        "It has been known since 2021-04-12 06:31 UTC, last seen 2021-04-19 06:31 UTC. "
        f"Halo issue {ISSUE.id}",
        "If the risk is to be accepted, move the ticket to Risk accepted: it then stays there.",
    ]
    assert "CVE-2019-14287" in spoken
    assert comment.recalls == told(Evidence(issue=ISSUE, finding=SVA)).recalls


def test_each_kind_of_comment_has_a_marker_for_each_version_of_the_issue() -> None:
    later = replace(ISSUE, last_seen_at=AT + timedelta(days=9))
    markers = [
        marker(issue, kind=kind)
        for issue in (ISSUE, later, replace(ISSUE, status=IssueStatus.RESOLVED))
        for kind in ("update", "reopen", "close")
    ]
    assert len(set(markers)) == 9
    assert markers[0].startswith(f"{ISSUE.id}:update:")


def test_what_a_log_keeps_is_not_called_gone() -> None:
    assert said(event(1), event(2))[0] == "1 new event."
    assert LIDS.log_entry not in said(event(1), event(2))
