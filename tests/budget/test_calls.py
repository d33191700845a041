"""Exactly how many calls a run makes, whatever the number of issues: counts, not times."""

import asyncio

import pytest
from msgspec.structs import replace

from job.core.backlog import BacklogMode
from job.sim.jira.people import People
from tests.budget.kit import (
    A_BATCH,
    ASSET,
    CANARY,
    COMMENT,
    CREATE,
    CREATE_METADATA,
    EDIT,
    FEW,
    FINDING,
    HIGHEST_KEY,
    HOUR_S,
    ID_METADATA,
    IN_USE,
    LIST,
    MOVE,
    MYSELF,
    READ,
    SEARCH,
    SIZES,
    TOKEN,
    UNDERSTOOD,
    WAYS,
    WHICH_SITE,
    Shop,
    batches,
    lists,
    shop_with,
)
from tests.kit.timeless import play
from tests.kit.tube import QUIET
from tests.kit.workflows import RIDING

ASSETS = 7
DAY_S = 24 * HOUR_S


@pytest.mark.parametrize("known", [0, 1, 120])
def test_a_run_without_news_asks_for_a_token_two_lists_and_who_we_are(known: int) -> None:
    async def story() -> None:
        shop = shop_with(known)
        await shop.settle()
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(0, 0)
        assert bill.jira == MYSELF

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_a_first_run_searches_for_no_issue_once_it_knows_that_no_ticket_holds_an_id(
    many: int,
) -> None:
    async def story() -> None:
        bill = await shop_with(many).run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many}
        assert bill.jira == MYSELF | WHICH_SITE | CREATE_METADATA | ID_METADATA | UNDERSTOOD | {
            SEARCH: IN_USE + HIGHEST_KEY,
            CREATE: batches(many, of=50),
            READ: batches(many, of=100),
        }

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_new_issues_of_a_later_run_are_searched_for_fifty_at_a_time(many: int) -> None:
    async def story() -> None:
        shop = shop_with(1)
        await shop.settle()
        shop.opens(many)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many}
        assert bill.jira == MYSELF | CREATE_METADATA | ID_METADATA | UNDERSTOOD | {
            SEARCH: CANARY + batches(many, of=50),
            CREATE: batches(many, of=50),
            READ: batches(many, of=100),
        }

    play(story())


@pytest.mark.parametrize("many", FEW)
@pytest.mark.parametrize("follow", [(), ("all",)])
def test_an_asset_is_fetched_once_a_run_and_only_for_fields_that_we_fill(
    many: int, follow: tuple[str, ...]
) -> None:
    async def story() -> None:
        shop = Shop(
            settings=replace(
                QUIET.routes.default.tickets,
                mapping=(("server_state", "Halo Group"),),
                follow=follow,
            )
        )
        assets = [shop.tube.halo.estate.add_asset() for _ in range(ASSETS)]
        issues = shop.opens(many, on=assets)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many, ASSET: min(many, ASSETS)}
        await asyncio.sleep(HOUR_S)
        await shop.settle()
        for issue_id in issues:
            shop.tube.halo.estate.rescan(issue_id, changed=True)
        asked = {ASSET: min(many, ASSETS)} if follow else {}
        assert (await shop.run()).halo == TOKEN | lists(many, 0) | {FINDING: many} | asked

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_fields_that_follow_cost_one_edit_a_changed_ticket_and_no_read(many: int) -> None:
    async def story() -> None:
        shop = Shop(
            settings=replace(QUIET.routes.default.tickets, mapping=(("critical", "Halo Group"),))
        )
        issues = shop.opens(many)
        for issue_id in issues:
            shop.tube.halo.estate.edit_issue(issue_id, critical=False)
        await shop.settle()
        await shop.settle()
        for issue_id in issues:
            shop.tube.halo.estate.edit_issue(issue_id, critical=True)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many}
        assert bill.jira == MYSELF | CREATE_METADATA | {
            READ: batches(many, of=100),
            COMMENT: many,
            EDIT: many,
        }
        for issue_id in issues:
            shop.tube.halo.estate.rescan(issue_id, changed=True)
        bill = await shop.run()
        assert bill.jira == MYSELF | {READ: batches(many, of=100), COMMENT: many}

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_an_update_costs_one_finding_one_comment_and_a_hundredth_of_a_read(many: int) -> None:
    async def story() -> None:
        shop = shop_with(many)
        await shop.settle()
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.rescan(issue_id, changed=True)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many}
        assert bill.jira == MYSELF | {READ: batches(many, of=100), COMMENT: many}

    play(story())


@pytest.mark.parametrize("many", FEW)
def test_an_issue_that_was_seen_again_unchanged_costs_no_comment(many: int) -> None:
    async def story() -> None:
        shop = shop_with(many)
        await shop.settle()
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.rescan(issue_id)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many}
        assert bill.jira == MYSELF | {READ: batches(many, of=100)}

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_without_comments_an_update_costs_a_hundredth_of_a_list_and_of_a_read(many: int) -> None:
    async def story() -> None:
        shop = shop_with(many, comments=False)
        await shop.settle()
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.rescan(issue_id, changed=True)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0)
        assert bill.jira == MYSELF | {READ: batches(many, of=100)}

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_a_resolved_issue_costs_a_comment_and_a_transition_and_each_workflow_one_look(
    many: int,
) -> None:
    async def story() -> None:
        shop = shop_with(many)
        await shop.settle()
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.resolve(issue_id)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(0, many)
        assert bill.jira == MYSELF | {
            READ: batches(many, of=100) + batches(many, of=A_BATCH),
            COMMENT: many,
            MOVE: many,
            WAYS: 1,
        }

    play(story())


@pytest.mark.parametrize("many", SIZES)
def test_a_resolved_issue_costs_one_write_where_the_comment_may_come_along(many: int) -> None:
    """Half of the writes, and half of the mail. That each is seen closed costs a read a batch."""

    async def story() -> None:
        shop = shop_with(many)
        shop.tube.jira.site.workflows["", ""] = RIDING
        await shop.settle()
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.resolve(issue_id)
        bill = await shop.run()
        assert bill.jira == MYSELF | {
            READ: batches(many, of=100) + batches(many, of=A_BATCH),
            MOVE: many,
            WAYS: 1,
        }
        assert {len(ticket.comments) for ticket in shop.tube.jira.people.tickets()} == {1}

    play(story())


def test_no_ticket_is_ever_written_to_more_than_twice_a_run() -> None:
    """Jira lets a ticket have 20 writes in 2 seconds: a comment and a transition a run never come
    near it.

    They come one after the other, and the governor keeps even those a tenth of a second apart.
    """

    async def story() -> None:
        shop = shop_with(20)
        await shop.run()
        for step in range(4):
            await asyncio.sleep(HOUR_S)
            for place, issue_id in enumerate(list(shop.tube.halo.estate.issues)):
                act = (place + step) % 3
                estate = shop.tube.halo.estate
                if act == 0 and estate.issues[issue_id].status == "active":
                    estate.resolve(issue_id)
                elif act == 1 and estate.issues[issue_id].status == "resolved":
                    estate.reopen(issue_id)
                else:
                    estate.edit_issue(issue_id, critical=bool(step % 2))
            before = _writes(shop.tube.jira.people)
            await shop.run()
            now = _writes(shop.tube.jira.people)
            assert max(now[key] - before[key] for key in now) <= 2

    play(story())


def _writes(people: People) -> dict[str, int]:
    return {ticket.key: len(ticket.comments) + len(ticket.history) for ticket in people.tickets()}


CVE = "GET /v1/cve_details/{id}"


@pytest.mark.parametrize("many", FEW)
def test_a_vulnerability_is_looked_up_once_a_run_however_many_issues_name_it(many: int) -> None:
    async def story() -> None:
        shop = Shop()
        estate = shop.tube.halo.estate
        asset = estate.add_asset()
        for _ in range(many):
            issue_id = estate.open_issue(type="sva", asset=asset)
            estate.issues[issue_id].shape = 0
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(many, 0) | {FINDING: many, CVE: 1}
        await asyncio.sleep(HOUR_S)
        await shop.settle()
        for issue_id in list(estate.issues):
            estate.rescan(issue_id)
        assert (await shop.run()).halo == TOKEN | lists(many, 0) | {FINDING: many}
        for issue_id in list(estate.issues):
            estate.rescan(issue_id, changed=True)
        assert (await shop.run()).halo[CVE] == 1  # the new one alone

    play(story())


def test_of_one_ticket_at_most_ten_vulnerabilities_are_looked_up() -> None:
    async def story() -> None:
        shop = Shop()
        ids = [f"CVE-2020-{number}" for number in range(1000, 1040)]
        entries = [{"cve_entry": cve, "cvss_score": 5.0, "suppressed": False} for cve in ids]
        issue_id = shop.tube.halo.estate.open_issue(type="sva", cve_ids=ids)
        finding = shop.tube.halo.estate.issues[issue_id].findings[-1]
        body = {"id": "f", "package_name": "p", "package_version": "1", "cve_entries": entries}
        shop.tube.halo.quirks.details[finding.finding_id] = body
        assert (await shop.run()).halo[CVE] == 10

    play(story())


OLD = 250


def old_shop(word: str) -> Shop:
    """A shop with issues of a week ago, none of them critical, and one of now."""
    shop = Shop()
    shop.tube.policy = replace(shop.tube.policy, backlog=BacklogMode(word))
    shop.opens(OLD)
    return shop


def test_a_backlog_that_waits_for_halo_costs_each_sweep_its_pages_and_the_first_its_searches() -> (
    None
):
    """Whether an old issue has a ticket already is asked once."""

    async def story() -> None:
        shop = old_shop("touched")
        await asyncio.sleep(7 * DAY_S)
        shop.opens(1)
        bill = await shop.run()
        assert bill.halo == TOKEN | lists(1, 0) | {FINDING: 1}
        for searches in (CANARY + batches(OLD, of=50), 0, 0):
            await asyncio.sleep(DAY_S + HOUR_S)
            bill = await shop.run()
            assert bill.halo == TOKEN | {LIST: 2 + batches(OLD + 1, of=100)}
            assert bill.jira[SEARCH] == searches
            assert bill.jira[READ] == 1

    play(story())


@pytest.mark.parametrize("word", ["critical", "none"])
def test_a_backlog_that_is_left_alone_costs_jira_nothing_however_often_halo_sees_it(
    word: str,
) -> None:
    async def story() -> None:
        shop = old_shop(word)
        await asyncio.sleep(7 * DAY_S)
        bill = await shop.run()
        assert bill.halo == TOKEN | {LIST: 2 + batches(OLD, of=100)}
        for after_s in (HOUR_S, HOUR_S, DAY_S + HOUR_S, DAY_S + HOUR_S):
            await asyncio.sleep(after_s)
            for issue_id in list(shop.tube.halo.estate.issues):
                shop.tube.halo.estate.rescan(issue_id, changed=True)
            bill = await shop.run()
            assert bill.jira == MYSELF
            assert FINDING not in bill.halo

    play(story())
