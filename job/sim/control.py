"""The remote control of a world: lets another process change it and read the truth about it, as
JSON.

Promises: the verbs are those of HaloEstate and People, by their names and keyword arguments; what
they refuse comes back as 400 with the reason.
Does not do: anything a vendor's API would do; it listens on a port of its own.

    POST /halo/{verb} {...}     HALO_VERBS, as open_issue or rescan
    POST /jira/{verb} {...}     JIRA_VERBS, as edit or move_ticket
    POST /clock {"advance_s": 60}
    POST /faults {"vendor": "jira", "chance": {...}, "at": {"3": "lost_after"}}
    POST /revoke {"vendor": "halo"}
    POST /story {"act": 1}
    GET  /halo/issues, /jira/tickets, /jira/creations, /calls
"""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from job.sim.call import Answer, Call, json_answer
from job.sim.faults import Faults
from job.sim.halo.bodies import issue_body
from job.sim.jira.people import Snapshot
from job.sim.story import Story
from job.sim.world import World

HALO_VERBS: Final = frozenset(
    {
        *("open_issue", "rescan", "resolve", "reopen", "forget"),
        *("forget_asset", "retire_asset", "edit_issue", "add_asset"),
    }
)
JIRA_VERBS: Final = frozenset(
    {
        *("transition_by_person", "comment_by_person", "edit", "move_ticket", "delete_ticket"),
        *("archive_ticket", "clone_ticket", "hide_project", "show_project"),
    }
)


class Control:
    """What is asked of a world, and of the story that is told about it."""

    def __init__(self, world: World, *, story: Story) -> None:
        self._world = world
        self._story = story

    def answer(self, call: Call) -> Answer:
        self._world.jira.late.catch_up()
        body = Answer(0, body=call.body or b"{}").json()
        try:
            return json_answer(self._carry_out(call, body=body))
        except (KeyError, TypeError, ValueError) as wrong:
            return json_answer({"error": f"{type(wrong).__name__}: {wrong}"}, status=400)

    def _carry_out(self, call: Call, *, body: dict[str, Any]) -> Any:
        match (call.method, *call.path.strip("/").split("/")):
            case ("GET", "halo", "issues"):
                return [issue_body(issue) for issue in self._world.halo.estate.issues.values()]
            case ("GET", "jira", "tickets"):
                tickets = self._world.jira.people.tickets(deleted=True)
                return [_plain(ticket) for ticket in tickets]
            case ("GET", "jira", "creations"):
                return [_plain(ticket) for ticket in self._world.jira.people.creations()]
            case ("GET", "calls"):
                return {"halo": self._world.halo.calls, "jira": self._world.jira.calls}
            case ("POST", "halo" | "jira" as vendor, verb):
                return {"result": self._verb(vendor, name=verb)(**body)}
            case ("POST", setting):
                return self._setting(setting)(body)
        raise KeyError(f"no such control: {call.method} {call.path}")

    def _verb(self, vendor: str, *, name: str) -> Callable[..., Any]:
        if name not in (HALO_VERBS if vendor == "halo" else JIRA_VERBS):
            raise KeyError(f"no such verb: {name}")
        actor = self._world.halo.estate if vendor == "halo" else self._world.jira.people
        verb: Callable[..., Any] = getattr(actor, name)
        return verb

    def _setting(self, name: str) -> Callable[[dict[str, Any]], Any]:
        settings = {
            "clock": self._clock,
            "faults": self._faults,
            "revoke": self._revoke,
            "story": self._play,
        }
        return settings[name]

    def _clock(self, body: dict[str, Any]) -> dict[str, str]:
        self._world.clock.advance(body["advance_s"])
        return {"now": self._world.clock().isoformat()}

    def _faults(self, body: dict[str, Any]) -> dict[str, int]:
        """`at` counts from the next call on."""
        faults: Faults = {"halo": self._world.halo.faults, "jira": self._world.jira.faults}[
            body["vendor"]
        ]
        faults.set_chance(body.get("chance", {}))
        faults.at = {
            faults.count + int(number): kind for number, kind in body.get("at", {}).items()
        }
        return {"count": faults.count}

    def _revoke(self, body: dict[str, Any]) -> dict[str, str]:
        if body["vendor"] == "halo":
            self._world.halo.revoke_tokens()
        else:
            self._world.jira.reception.tokens_end_at = self._world.clock() - timedelta(seconds=1)
        return {"revoked": body["vendor"]}

    def _play(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"happened": self._story.play(body["act"])}


def _plain(snapshot: Snapshot) -> Any:
    body = {field.name: getattr(snapshot, field.name) for field in dataclasses.fields(snapshot)}
    return _jsonable({**body, "texts": snapshot.texts})


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = {
            field.name: _jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return own | ({"ours": value.ours} if hasattr(value, "ours") else {})
    if isinstance(value, dict):
        return {key: _jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value
