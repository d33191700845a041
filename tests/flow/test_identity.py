"""Whose memory it is: runs that meet the memory of another site, account or field, and those that
only seem to.
"""

import pytest
from msgspec.structs import replace

from job.core.memory import RunRecord
from job.errors import MemoryOfAnother
from job.flow.setup import Order
from job.sim.call import LOST
from job.sim.jira.api import JiraSim
from job.sim.jira.search import fixed_lag
from tests.kit.builders import policy
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube, writes


async def settled(many: int = 8) -> tuple[Tube, list[str]]:
    """Issues with their tickets, in memory of the site that the tube begins with."""
    tube = Tube(policy=QUIET)
    issues = [tube.halo.estate.open_issue(type="csm") for _ in range(many)]
    await done(tube)
    return tube, issues


def meet_another_site(tube: Tube) -> None:
    """The settings name another site, where the same numbers are other people's tickets."""
    tube.jira = JiraSim(tube.clock, seed=5, keep=0)
    site = tube.jira.site
    site.cloud_id = "another-site"
    for number in range(8):
        tube.jira.store.create(
            project=site.projects[0],
            issue_type=site.issue_types[0],
            fields={"summary": f"Buy milk {number}"},
            author=site.me,
        )
    tube.owner = replace(tube.owner, jira_url="http://other-jira")


def test_the_memory_of_another_site_stops_a_run_before_its_first_write() -> None:
    async def story() -> None:
        tube, issues = await settled()
        meet_another_site(tube)
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        error = await tube.run()
        assert isinstance(error, MemoryOfAnother)
        assert "another-site" in str(error)
        assert "--adopt-memory" in str(error)
        assert writes(tube.jira.calls) == {}

    play(story())


def test_adopted_memory_of_another_site_writes_to_no_strangers_ticket() -> None:
    async def story() -> None:
        tube, issues = await settled()
        meet_another_site(tube)
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        await done(tube, order=Order(adopt_memory=True))
        for _ in range(3):
            await done(tube)
        strangers = [
            ticket
            for ticket in tube.jira.people.tickets()
            if str(ticket.fields["summary"]).startswith("Buy milk")
        ]
        assert {(ticket.status, ticket.comments) for ticket in strangers} == {("To Do", ())}
        assert await tube.run() is not None, "and memory is the new site's from now on"

    play(story())


def test_a_create_that_is_lost_on_an_adopted_site_is_looked_for_among_the_keys_of_that_site() -> (
    None
):
    async def story() -> None:
        tube, _ = await settled(30)
        meet_another_site(tube)
        tube.jira.search.lag = fixed_lag(1e9)
        tube.jira.faults.hook = lambda call, side: (
            LOST if side == "after" and call.path.endswith("/issue/bulk") else None
        )
        tube.halo.estate.open_issue(type="csm")
        await done(tube, order=Order(adopt_memory=True))
        tube.jira.faults.quiet()
        for _ in range(4):
            await done(tube)
        held = [ticket.fields.get("customfield_10010") for ticket in tube.jira.people.tickets()]
        made = [issue_id for issue_id in held if issue_id]
        assert len(made) > 0
        assert len(set(made)) == len(made)

    play(story())


def test_a_renamed_site_and_the_gateway_are_the_same_site() -> None:
    async def story() -> None:
        tube, issues = await settled()
        for address in ("http://renamed", "http://jira/ex/jira/whatever"):
            tube.owner = replace(tube.owner, jira_url=address)
            before = tube.jira.calls["GET /_edge/tenant_info"]
            tube.halo.estate.resolve(issues.pop())
            assert (await done(tube)).counts["close"] == {"done": 1}
            assert tube.jira.calls["GET /_edge/tenant_info"] == before + 1
            await done(tube)
            assert tube.jira.calls["GET /_edge/tenant_info"] == before + 1, "asked once, then known"

    play(story())


@pytest.mark.parametrize("changed", ["key", "host"])
def test_a_rotated_key_and_a_new_address_of_halo_are_the_same_account(changed: str) -> None:
    async def story() -> None:
        tube, issues = await settled()
        here = {"key": {"halo_key_id": "new-key"}, "host": {"halo_url": "http://halo-2"}}[changed]
        tube.owner = replace(tube.owner, **here)
        tube.halo.estate.resolve(issues[0])
        assert (await done(tube)).counts["close"] == {"done": 1}

    play(story())


def test_a_halo_that_knows_none_of_our_issues_is_another_account() -> None:
    async def story() -> None:
        tube, issues = await settled(30)
        tube.owner = replace(tube.owner, halo_key_id="key-of-another-account")
        for issue_id in issues:
            tube.halo.estate.forget(issue_id)
        before = tube.halo.calls["GET /v3/issues/{id}"]
        error = await tube.run()
        assert isinstance(error, MemoryOfAnother)
        assert "key-of-another-account" in str(error)
        assert "a1b2c3d4" in str(error)
        assert tube.halo.calls["GET /v3/issues/{id}"] - before == 20, "a sample tells"

    play(story())


def test_without_links_any_account_may_begin() -> None:
    async def story() -> None:
        tube, _ = await settled(0)
        tube.owner = replace(tube.owner, halo_key_id="another-key")
        assert (await done(tube)).exit_code == 0

    play(story())


@pytest.mark.parametrize(
    ("field", "is_ours"), [("customfield_10010", True), ("halo issue id", True), ("labels", False)]
)
def test_the_id_field_may_be_named_otherwise_but_not_be_another(field: str, is_ours: bool) -> None:
    async def story() -> None:
        tube, _ = await settled(1)
        tube.policy = policy(tickets=replace(QUIET.routes.default.tickets, id_field=field))
        tube.owner = replace(tube.owner, id_field=field)
        ended = await tube.run()
        assert isinstance(ended, RunRecord if is_ours else MemoryOfAnother)

    play(story())


def test_memory_that_names_nobody_yet_is_taken_and_named_once() -> None:
    async def story() -> None:
        tube, _ = await settled(1)
        mark = await tube.store.watermark("0-of-1")
        assert mark is not None
        assert mark.owner is not None
        assert mark.owner.cloud_id == tube.jira.site.cloud_id
        assert tube.jira.calls["GET /_edge/tenant_info"] == 1

    play(story())
