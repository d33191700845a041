"""Tickets whose fields follow Halo, in whole runs: what is written, what stays, what it costs."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.ids import TicketId
from job.core.ladders import Step, parse_step
from job.core.memory import RunRecord
from job.core.shape import TicketSettings
from job.core.shards import Shard
from job.http.caller import unguarded
from job.sim.call import LOST, Answer, Call, json_answer
from job.sim.jira.people import Snapshot
from tests.kit.builders import destination, policy
from tests.kit.timeless import play
from tests.kit.tube import Fuse, Tube, writes

QUARTER_HOUR_S = 900.0
HOUR_S = 3_600.0
EDIT = "PUT /issue/{key}"
SETTINGS = replace(
    destination().tickets,
    mapping=(
        ("max_cvss", "Halo Score"),
        ("critical", "Halo Group"),
        ("tags.owner", "Halo Notes"),
    ),
    labels=("halo", "{tags.env}"),
    priority=(
        Step(parse_step("critical"), "Highest"),
        Step(parse_step("default"), "Medium"),
    ),
    due=(Step(parse_step("critical"), "7d"), Step(parse_step("default"), "30d")),
)


class Place:
    """A deployment with one ticket of an issue that is not critical."""

    def __init__(self, *, settings: TicketSettings = SETTINGS, **words: Any) -> None:
        self.tube = Tube(policy=policy(tickets=settings, **words))
        self.issue = self.tube.halo.estate.open_issue(type="sva", critical=False)
        self.tube.halo.estate.edit_issue(self.issue, csp_tags=[{"key": "env", "value": "prod"}])

    async def made(self) -> "Place":
        for _ in range(2):
            await self.run()
        return self

    async def run(self, *, fuse: Fuse | None = None) -> RunRecord | None:
        record = await self.tube.run(fuse=fuse)
        assert record is None or isinstance(record, RunRecord), record
        await asyncio.sleep(QUARTER_HOUR_S)
        return record

    def worsens(self) -> None:
        self.tube.halo.estate.edit_issue(self.issue, critical=True)

    @property
    def ticket(self) -> Snapshot:
        (found,) = self.tube.jira.people.tickets()
        return found

    @property
    def edits(self) -> int:
        return self.tube.jira.calls[EDIT]

    def by_person(self, **fields: Any) -> None:
        self.tube.jira.people.edit(self.ticket.key, **fields)


def test_a_ticket_of_what_became_critical_follows_in_one_silent_edit() -> None:
    async def story() -> None:
        place = await Place().made()
        assert place.ticket.fields["priority"]["name"] == "Medium"
        place.worsens()
        await place.run()
        assert place.ticket.fields["priority"]["name"] == "Highest"
        assert place.ticket.fields["customfield_10020"] == "True"
        assert place.edits == 1
        assert place.tube.jira.mailed == []
        place.tube.halo.estate.rescan(place.issue)
        await place.run()
        assert place.edits == 1

    play(story())


def test_what_a_person_set_stays_and_everything_else_follows() -> None:
    async def story() -> None:
        place = await Place().made()
        place.by_person(priority={"id": "5", "name": "Lowest"}, summary="Ours to name")
        place.worsens()
        await place.run()
        assert place.ticket.fields["priority"]["name"] == "Lowest"
        assert place.ticket.fields["summary"] == "Ours to name"
        assert place.ticket.fields["customfield_10020"] == "True"

    play(story())


def test_values_that_jira_writes_in_its_own_form_are_known_again() -> None:
    async def story() -> None:
        settings = replace(
            SETTINGS,
            mapping=(
                ("max_cvss", "Halo Score"),
                ("tags.owner", "Halo Notes"),
                ("tags.at", "Halo Created"),
                ("tags.who", "Security Contact"),
                ("tags.severity", "Halo Severity"),
                ("{tags.modules},cloud_secure", "Halo Modules"),
            ),
        )
        place = Place(settings=settings)
        person = place.tube.jira.site.people[1].account_id
        after = place.tube.jira.site.people[2].account_id

        def tagged(owner: str, at: str, who: str, severity: str, module: str) -> None:
            tags = {"owner": owner, "at": at, "who": who, "severity": severity, "modules": module}
            place.tube.halo.estate.edit_issue(
                place.issue, csp_tags=[{"key": key, "value": tags[key]} for key in tags]
            )

        tagged("a", "2026-03-01T12:00:00Z", person, "High", "server_secure")
        await place.made()
        tagged("b", "2026-03-02T12:00:00Z", after, "Normal", "container_secure")
        await place.run()
        fields = place.ticket.fields
        assert fields["customfield_10017"].startswith("2026-03-02T22:00")
        assert fields["customfield_10018"]["accountId"] == after
        assert fields["customfield_10014"]["value"] == "Normal"
        assert [option["value"] for option in fields["customfield_10015"]] == [
            "container_secure",
            "cloud_secure",
        ]
        assert "'b'" in str(fields["customfield_10019"])
        assert place.edits == 1

    play(story())


def test_labels_follow_by_name() -> None:
    async def story() -> None:
        place = await Place().made()
        assert place.ticket.fields["labels"] == ["halo", "prod"]
        place.by_person(labels=["mine", "prod"])
        place.tube.halo.estate.edit_issue(place.issue, csp_tags=[{"key": "env", "value": "test"}])
        await place.run()
        assert place.ticket.fields["labels"] == ["mine", "test"]

    play(story())


def test_without_the_right_to_edit_it_is_said_once_a_run_and_all_else_goes_on(
    said: LogCapture,
) -> None:
    async def story() -> None:
        place = await Place().made()
        place.tube.jira.site.refused_permissions.add("EDIT_ISSUES")
        others = [place.tube.halo.estate.open_issue(type="csm", critical=False) for _ in range(3)]
        await place.run()
        for issue in (place.issue, *others):
            place.tube.halo.estate.edit_issue(issue, critical=True)
        said.entries.clear()
        record = await place.run()
        assert record is not None
        assert record.exit_code == 0
        told = [entry for entry in said.entries if entry["event"] == "fields.not_followed"]
        assert len(told) == 1
        assert all(len(ticket.comments) == 1 for ticket in place.tube.jira.people.tickets())
        place.tube.jira.site.refused_permissions.clear()
        place.tube.halo.estate.rescan(place.issue, changed=True)
        await place.run()
        first = next(t for t in place.tube.jira.people.tickets() if t.key.endswith("-1"))
        assert first.fields["priority"]["name"] == "Highest"

    play(story())


def test_where_silence_is_for_administrators_edits_are_loud_after_one_refusal() -> None:
    async def story() -> None:
        place = Place()
        others = [place.tube.halo.estate.open_issue(type="csm", critical=False) for _ in range(4)]
        await place.made()
        place.tube.jira.site.administered = False
        place.tube.at_once_max = 1
        for issue in (place.issue, *others):
            place.tube.halo.estate.edit_issue(issue, critical=True)
        await place.run()
        tickets = place.tube.jira.people.tickets()
        assert {ticket.fields["priority"]["name"] for ticket in tickets} == {"Highest"}
        assert sorted(place.tube.jira.mailed) == sorted(ticket.key for ticket in tickets)

    play(story())


def test_silence_is_asked_for_once_a_run_where_it_is_refused() -> None:
    async def story() -> None:
        place = await Place().made()
        place.tube.jira.site.administered = False
        jira = place.tube.setup(Fuse(), shard=Shard()).ports.jira
        ticket_id = TicketId(str(place.ticket.id))
        ticket = (await jira.read([ticket_id]))[ticket_id]
        for summary in ("One", "Two", "Three"):
            await jira.edit(ticket, fields={"summary": summary}, labels={}, guard=unguarded)
        assert place.ticket.fields["summary"] == "Three"
        assert place.edits == 4

    play(story())


def test_a_field_that_jira_refuses_costs_neither_the_others_nor_the_comment() -> None:
    async def story() -> None:
        place = await Place().made()
        place.worsens()
        refusal = json_answer({"errorMessages": [], "errors": {"priority": "No."}}, status=400)

        def refuse(call: Call, when: str) -> Answer | None:
            refused = call.method == "PUT" and b'"priority"' in call.body
            return refusal if refused else None

        place.tube.jira.faults.hook = refuse
        record = await place.run()
        assert record is not None
        assert record.exit_code == 0
        assert place.ticket.fields["customfield_10020"] == "True"
        assert place.ticket.fields["priority"]["name"] == "Medium"
        assert len(place.ticket.comments) == 1

    play(story())


@pytest.mark.parametrize("status", [403, 500])
def test_an_asset_that_halo_refuses_costs_no_comment_and_is_told_once(
    said: LogCapture, status: int
) -> None:
    async def story() -> None:
        place = Place(settings=replace(SETTINGS, mapping=(("server_state", "Halo Notes"),)))
        estate = place.tube.halo.estate
        others = [estate.open_issue(type="sva", critical=False) for _ in range(3)]
        await place.made()
        for issue in (place.issue, *others):
            estate.edit_issue(issue, critical=True)
        refusal = json_answer({"error": "No."}, status=status)
        place.tube.halo.faults.hook = lambda call, when: (
            refusal if call.path.startswith("/v1/servers/") else None
        )
        record = await place.run()
        assert record is not None
        assert record.counts["comment"] == {"done": 4}
        assert place.edits == 0
        told = [entry for entry in said.entries if entry["event"] == "fields.not_followed"]
        assert len(told) == 1
        place.tube.halo.faults.hook = None
        estate.rescan(place.issue, changed=True)
        await place.run()
        assert place.edits == 1, "it follows as soon as it can"

    play(story())


def test_fields_that_cannot_be_looked_up_any_more_cost_no_comment() -> None:
    async def story() -> None:
        place = await Place().made()
        place.tube.jira.site.refused_permissions.add("CREATE_ISSUES")
        place.worsens()
        record = await place.run()
        assert record is not None
        assert (record.exit_code, record.counts["comment"]) == (0, {"done": 1})
        assert place.edits == 0

    play(story())


def test_a_ticket_that_vanishes_before_its_edit_stops_nobody_elses() -> None:
    async def story() -> None:
        place = Place()
        estate = place.tube.halo.estate
        batches = [estate.open_issue(type="csm", critical=False) for _ in range(600)]
        await place.made()
        for issue in (place.issue, *batches):
            estate.edit_issue(issue, critical=True)
        gone = json_answer({"errorMessages": ["No such issue."], "errors": {}}, status=404)
        hidden: list[str] = []

        def hide_first(call: Call, when: str) -> Answer | None:
            if call.method == "PUT" and not hidden:
                hidden.append(call.path)
            return gone if call.method == "PUT" and call.path in hidden else None

        place.tube.jira.faults.hook = hide_first
        await place.run()
        kept = [ticket.fields["priority"]["name"] for ticket in place.tube.jira.people.tickets()]
        assert (kept.count("Highest"), kept.count("Medium")) == (600, 1)

    play(story())


@pytest.mark.parametrize("follow", [(), ("Labels",)])
def test_fields_that_are_not_to_follow_stay(follow: tuple[str, ...]) -> None:
    async def story() -> None:
        place = await Place(settings=replace(SETTINGS, follow=follow)).made()
        place.worsens()
        await place.run()
        assert place.ticket.fields["priority"]["name"] == "Medium"
        assert place.edits == 0

    play(story())


def test_the_tickets_of_an_older_program_keep_all_their_values() -> None:
    async def story() -> None:
        place = await Place().made()
        links = place.tube.store._links
        for issue_id, link in list(links.items()):
            links[issue_id] = replace(link, wrote="")
        place.worsens()
        await place.run()
        assert place.ticket.fields["priority"]["name"] == "Medium"
        assert place.edits == 0

    play(story())


def test_a_ticket_that_is_reopened_follows_once_it_is_open() -> None:
    async def story() -> None:
        place = await Place().made()
        place.tube.halo.estate.resolve(place.issue)
        await place.run()
        assert place.ticket.status == "Done"
        place.tube.halo.estate.reopen(place.issue)
        place.worsens()
        await place.run()
        assert place.ticket.status != "Done"
        assert place.ticket.fields["priority"]["name"] == "Highest"
        assert place.edits == 1

    play(story())


def test_a_run_killed_at_any_instant_of_an_edit_takes_no_value_for_a_persons() -> None:
    async def story(at: tuple[int, Any]) -> bool:
        place = await Place().made()
        place.worsens()
        fuse = Fuse(at=at)
        await place.run(fuse=fuse)
        place.tube.halo.estate.edit_issue(place.issue, critical=False)
        for _ in range(4):
            await place.run()
        assert place.ticket.fields["priority"]["name"] == "Medium", at
        assert place.ticket.fields["customfield_10020"] == "False", at
        assert len(place.ticket.comments) <= 2, at
        return fuse.dead

    for number in range(1, 200):
        dead = [play(story((number, side))) for side in ("before", "after")]
        if not any(dead):
            return
    raise AssertionError("a run of one ticket has no end")


def test_a_comment_is_not_said_again_where_the_edit_after_it_fails() -> None:
    async def story() -> None:
        place = await Place().made()
        place.worsens()
        faults = place.tube.jira.faults
        faults.hook = lambda call, when: LOST if call.method == "PUT" else None
        await place.run()
        faults.hook = None
        for _ in range(4):
            await place.run()
        assert len(place.ticket.comments) == 1
        assert place.ticket.fields["priority"]["name"] == "Highest"

    play(story())


def test_a_ticket_whose_create_got_no_answer_follows_all_the_same() -> None:
    async def story() -> None:
        place = Place()
        place.tube.jira.faults.at[place.tube.jira.faults.count + 1] = "lost_after"
        for _ in range(6):
            await place.run()
        place.worsens()
        for _ in range(3):
            await place.run()
        assert place.ticket.fields["priority"]["name"] == "Highest"

    play(story())


def test_an_edit_writes_nothing_but_the_ticket_and_its_link() -> None:
    async def story() -> None:
        place = await Place().made()
        before = writes(place.tube.jira.calls)
        place.worsens()
        await place.run()
        assert writes(place.tube.jira.calls) - before == {EDIT: 1, "POST /issue/{key}/comment": 1}

    play(story())
