"""What a ticket of an older program is, and how sure that is."""

from typing import Any

import pytest

from job.core.ids import TicketId
from job.core.older import old_writing
from job.core.orphans import by_name, pair, said
from job.core.remnants import Class, Remnant, Row, Takeover
from job.core.takeover import old_account, plan
from tests.kit.builders import issue, issue_id, link, policy, ticket

BOT = "acct-bot"
V1 = "Halo detected issue in server web-1 (csm): SSH root login"
V2 = "Source: server_secure Issue - Critical: True - Type: csm - Name: SSH root login"
WEB = issue(1, asset_hostname="web-1")


def remnant(number: int, *, held: str = "", summary: str = V1, **over: Any) -> Remnant:
    """A ticket without our property, as the old account made it."""
    made: dict[str, Any] = {"ours": False, "words": "", "reporter": BOT} | over
    names = made.pop("names", frozenset())
    return Remnant(
        ticket=ticket(number, names=names),
        held=(held,) if held else (),
        summary=summary,
        **made,
    )


def orphan(number: int = 9, **over: Any) -> Remnant:
    return remnant(number, **over)


def named(number: int, *, of: int = 1, held: str = "", **over: Any) -> Remnant:
    """One that names the issue of this number."""
    names = ticket(of).names
    return remnant(number, held=held or issue_id(of), names=names, **over)


def planned(*remnants: Remnant, links: Any = None, issues: Any = (WEB,)) -> Takeover:
    by_id = {each.id.replace("-", ""): each for each in issues}
    return plan(remnants, issues=by_id, links=links or {}, policy=policy())


def only(*remnants: Remnant, **named: Any) -> Row:
    [row] = planned(*remnants, **named).rows
    return row


@pytest.mark.parametrize(
    ("found", "what", "writing"),
    [
        (named(1), Class.HYPHENATED, "link, property"),
        (named(1, ours=True), Class.OURS, "link"),
        (named(1, held=old_writing(issue_id())), Class.HEX, "link, property"),
        (named(1, held=old_writing(issue_id()), summary="?"), Class.HEX_DOUBTFUL, ""),
        (named(2, of=2, held=old_writing(issue_id(2))), Class.HEX_DOUBTFUL, ""),
        (remnant(1, held="0f" * 32, names=frozenset({"0f" * 32})), Class.EPIC, ""),
        (remnant(1, held="see the wiki", names=frozenset({"wiki"})), Class.NOT_OURS, ""),
        (orphan(), Class.ORPHAN, "link, property, id field"),
        (orphan(summary=V2, words="on web-1"), Class.ORPHAN, "link, property, id field"),
        (orphan(summary=V2, words="on web-10"), Class.ORPHAN_UNSURE, ""),
        (orphan(reporter="acct-anna"), Class.ORPHAN, "link, property, id field"),
    ],
)
def test_a_ticket_is_of_one_class_and_only_certain_ones_are_written(
    found: Remnant, what: Class, writing: str
) -> None:
    row = only(found)
    assert (row.what, row.writing) == (what, writing)


@pytest.mark.parametrize(
    ("summary", "words", "confidence"),
    [
        (V1, "", 100),
        (V1.replace("csm", "sva"), "", 80),
        (V1.replace("web-1", "web-10"), "", 70),
        (V2, "", 70),
        (V2, f'{{"id": "{issue_id()}"}}', 100),
        (V1.replace("SSH", "FTP"), "", 0),
    ],
)
def test_confidence_is_what_name_host_and_type_agree_in(
    summary: str, words: str, confidence: int
) -> None:
    orphan = said(summary, words=words)
    assert orphan
    assert pair(orphan, named=by_name([WEB])).confidence == confidence


def test_an_orphan_with_a_twin_is_never_written() -> None:
    twins = planned(orphan(8), orphan(9))
    assert [row.what for row in twins.rows] == [Class.ORPHAN_UNSURE] * 2
    beside = planned(named(1), orphan(9))
    assert [row.what for row in beside.rows] == [Class.HYPHENATED, Class.ORPHAN_UNSURE]
    same = issue(2, asset_hostname="web-1")
    assert only(orphan(), issues=(WEB, same)).what is Class.ORPHAN_UNSURE


def test_an_orphan_that_another_account_made_is_unsure() -> None:
    others = [named(number, of=number) for number in (3, 4)]
    rows = planned(*others, orphan(9, reporter="acct-anna")).rows
    assert rows[-1].what is Class.ORPHAN_UNSURE
    assert old_account([*others, named(5, of=5, ours=True, reporter="acct-us")]) == BOT
    assert old_account([]) == ""


def test_no_other_summary_is_of_an_orphan() -> None:
    for summary in ("SSH root login", "Fix: Halo detected issue in server a (b): c", ""):
        assert said(summary, words="") is None


def test_of_several_tickets_the_one_is_kept_that_a_run_would_keep() -> None:
    first, second = named(1), named(2)
    rows = planned(first, second).rows
    assert [row.what for row in rows] == [Class.ONE_OF_SEVERAL, Class.HYPHENATED]
    assert rows[0].why.startswith("SEC-2 (To Do) is kept")
    linked = planned(first, second, links={issue_id(): link(1)}).rows
    assert [row.what for row in linked] == [Class.HYPHENATED, Class.ONE_OF_SEVERAL]
    assert (linked[0].links, linked[1].writes) == (False, False)


def test_the_digest_names_what_is_written_and_nothing_else() -> None:
    one = planned(named(1)).digest
    assert one == planned(named(1), remnant(7, held="see the wiki")).digest
    others = [planned(named(2)), planned(named(1), links={issue_id(): link(1)}), planned()]
    assert len({one, *(other.digest for other in others)}) == 4


def test_rows_come_in_the_order_in_which_tickets_were_made() -> None:
    young = remnant(1, held="x")
    old = Remnant(
        ticket=ticket(2, id=TicketId("9")),
        ours=False,
        held=("y",),
        summary="",
        words="",
        reporter="",
    )
    assert [row.ticket_id for row in planned(young, old).rows] == ["9", "10001"]
