"""The small story that the demo plays: three acts, and what happens to the world in each.

Promises: each act has a title, and every event a sentence that says what happened, for people to
read before they watch the job deal with it. `settings` is the environment in which the job meets
this world.
Does not do: running the job or printing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from job.sim.jira.people import Snapshot
from job.sim.world import World

ID_FIELD: Final = "customfield_10010"


class Addresses(Protocol):
    """Where the two vendors can be reached (what `server.serve` hands out)."""

    @property
    def halo(self) -> str: ...

    @property
    def jira(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Event:
    says: str
    happens: Callable[["Story"], None]


@dataclass(frozen=True, slots=True)
class Act:
    title: str
    events: tuple[Event, ...]


class Story:
    """One telling. `cast` maps the names used here to Halo's issue ids."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cast: dict[str, str] = {}

    def play(self, number: int) -> list[str]:
        """Let act `number` (from 1) happen; the sentences of its events."""
        act = ACTS[number - 1]
        for event in act.events:
            event.happens(self)
        return [event.says for event in act.events]

    def ticket_of(self, name: str) -> Snapshot:
        """The newest live ticket that carries the id of this issue."""
        wanted = self.cast[name]
        tickets = self.world.jira.people.tickets()
        return [ticket for ticket in tickets if ticket.fields.get(ID_FIELD) == wanted][-1]


def _open(
    name: str, *, kind: str, called: str, source: str | None = None
) -> Callable[[Story], None]:
    """The first of the cast is the critical one."""

    def happens(story: Story) -> None:
        opened = story.world.halo.estate.open_issue(
            type=kind, source=source, name=called, critical=not story.cast
        )
        story.cast[name] = opened

    return happens


def _open_resolved(name: str, *, kind: str, called: str) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        _open(name, kind=kind, called=called)(story)
        story.world.halo.estate.resolve(story.cast[name])

    return happens


def _rescan(name: str, *, changed: bool) -> Callable[[Story], None]:
    return lambda story: story.world.halo.estate.rescan(story.cast[name], changed=changed)


def _resolve(name: str, *, by: str, comment: str) -> Callable[[Story], None]:
    return lambda story: story.world.halo.estate.resolve(story.cast[name], by=by, comment=comment)


def _reopen(name: str) -> Callable[[Story], None]:
    return lambda story: story.world.halo.estate.reopen(story.cast[name])


def _person_sets(name: str, *, status: str) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        story.world.jira.people.transition_by_person(story.ticket_of(name).key, status=status)
        story.world.halo.estate.rescan(story.cast[name])

    return happens


def _person_moves(name: str, *, project: str) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        story.world.jira.people.move_ticket(story.ticket_of(name).key, project=project)
        story.world.halo.estate.rescan(story.cast[name], changed=True)

    return happens


ACTS: Final = (
    Act(
        "Halo finds things",
        (
            Event(
                "A server lets root log in from afar, which is critical.",
                _open("ssh", kind="csm", called="5.2.8 Ensure SSH root login is disabled"),
            ),
            Event(
                "Files that should not change have changed.",
                _open("files", kind="fim", called="/etc/nginx"),
            ),
            Event(
                "A package with a known hole is installed.",
                _open("package", kind="sva", called="sudo.x86_64"),
            ),
            Event(
                "A log line matches an intrusion rule.",
                _open("log", kind="lids", called="New local user added"),
            ),
            Event(
                "A container image carries a bad library.",
                _open("image", kind="image_sva", called="zlib1g"),
            ),
            Event(
                "A storage bucket is open to the world.",
                _open(
                    "bucket", kind="csm", called="Bucket allows public read", source="cloud_secure"
                ),
            ),
            Event(
                "A weakness was found and repaired before we looked.",
                _open_resolved(
                    "repaired", kind="csm", called="1.4.2 Ensure bootloader password is set"
                ),
            ),
        ),
    ),
    Act(
        "Scans repeat, and people step in",
        (
            Event(
                "The configuration is scanned again and looks worse.", _rescan("ssh", changed=True)
            ),
            Event(
                "The files are scanned again and look the same.", _rescan("files", changed=False)
            ),
            Event(
                "The package was updated; the next scan passes.",
                _resolve(
                    "package",
                    by="system",
                    comment="Halo detected that the issue has been remediated.",
                ),
            ),
            Event(
                "Anna closes the log ticket, but Halo sees it again.",
                _person_sets("log", status="Done"),
            ),
            Event(
                "Anna closes the image ticket for good; Halo disagrees.",
                _person_sets("image", status="Closed"),
            ),
        ),
    ),
    Act(
        "What was settled comes back",
        (
            Event("The old package is back; Halo reopens its issue.", _reopen("package")),
            Event(
                "An analyst resolves the open bucket by hand, without a word.",
                _resolve("bucket", by="analyst@example.com", comment=""),
            ),
            Event(
                "Anna moves the files ticket to OPS, then the files change again.",
                _person_moves("files", project="OPS"),
            ),
        ),
    ),
)


def settings(world: World, *, urls: Addresses) -> dict[str, str]:
    """The environment variables for a job that shall work on this world."""
    key, _, secret = world.halo.credentials.partition(":")
    return {
        "HALO_API_KEY": key,
        "HALO_API_SECRET_KEY": secret,
        "HALO_API_HOSTNAME": urls.halo,
        "JIRA_API_USER": world.jira.site.email,
        "JIRA_API_TOKEN": world.jira.site.token,
        "JIRA_API_URL": urls.jira,
        "JIRA_GATEWAY_URL": urls.jira,
        "JIRA_ISSUE_ID_FIELD": "Halo Issue ID",
        "JIRA_PROJECT_KEY": "SEC",
        "JIRA_ISSUE_TYPE": "Bug",
        "JIRA_FIELD_MAPPING": "asset_group_name:Halo Group;issue_created_at:Halo Created;"
        "issue_type:labels",
        "JIRA_FIELD_STATIC": "Halo Severity:Normal;priority:High",
        "ISSUE_REOPEN_TRANSITION": "Reopen",
        "ISSUE_CLOSE_TRANSITION": "Resolve",
        "ISSUE_STATUS_CLOSED": "Done",
        "STATUS_HARD_CLOSED": "Closed",
    }
