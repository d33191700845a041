"""Both vendors in a process of their own, the job in another, and what happens to their world from
outside.

The truth about the world comes back through the control port as JSON and is put into the shape that
the oracle of the simulations reads: one set of invariants for both ways of crashing.
"""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from job.core.memory import Changes
from job.flow.lease import LEASE
from job.state.urls import open_store
from tests.kit.oracle import ID_FIELD, Diary, always, settled

PYTHON = (sys.executable, "-W", "error")
SHARD = "0-of-1"
KINDS = ("csm", "fim", "sva", "lids", "image_sva")
PATIENCE = timedelta(minutes=30)
"""Longer than anybody waits for a write of unknown fate."""
AT_ONCE = {"COMMENT_EVERY": "0"}
END_S = 60.0
"""No run of these small worlds may take longer."""


@dataclass(frozen=True)
class Ended:
    """A run that is over, however it ended."""

    exit_code: int
    lines: tuple[dict[str, Any], ...]

    def only(self, event: str) -> dict[str, Any]:
        [line] = [line for line in self.lines if line["event"] == event]
        return line

    @property
    def last_words(self) -> str:
        return str(self.lines[-1]["event"]) if self.lines else "nothing said yet"


class Town:
    """A world behind its control port, the job's settings in it, and the diary of what happened."""

    def __init__(self, *, control: str, settings: Mapping[str, str]) -> None:
        self.settings = dict(settings)
        self.diary = Diary()
        self.free: set[str] = set()
        """Issues with a ticket that a person made: whether it is found in time, or a second one
        made, is not ours.
        """
        self._control = control.removeprefix("http://")

    # --- The job ----------------------------------------------------------------------------------

    def start(self, **changed: str) -> "subprocess.Popen[str]":
        """A run, begun."""
        passed = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "FIRESTORE_EMULATOR_HOST")
            if name in os.environ
        }
        environ = {**passed, **self.settings, **changed}
        command = [*PYTHON, "-m", "job", "run"]
        return subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    async def run(self, **changed: str) -> Ended:
        """A whole run."""
        return await asyncio.to_thread(finished, self.start(**changed))

    async def outlive_lease(self) -> None:
        """Lets six minutes pass for the store, which takes the time from its callers.

        The dead run's lease is taken as its successor would take it then, and given back.
        """
        async with open_store(self.settings["STATE_URL"]) as store:
            later = datetime.now(UTC) + LEASE
            lease = await store.take_lease(
                SHARD, holder="successor", now=later, until=later + timedelta(minutes=1)
            )
            await store.release_lease(lease)

    async def outlive_patience(self) -> None:
        """Lets so much time pass for the notes of unfinished writes that nobody waits any longer
        for what they speak of: it is there by now, or it never left.
        """
        now = datetime.now(UTC)
        async with open_store(self.settings["STATE_URL"]) as store:
            aged = tuple(
                replace(intent, at=intent.at - PATIENCE, follows=intent.attempt)
                for intent in await store.intents()
            )
            lease = await store.take_lease(
                SHARD, holder="time", now=now, until=now + timedelta(minutes=1)
            )
            await store.commit(lease, Changes(intents=aged))
            await store.release_lease(lease)

    # --- The world --------------------------------------------------------------------------------

    def open_issue(self, kind: str) -> str:
        issue_id = str(self._post("halo/open_issue", type=kind))
        self._say(issue_id, resolved=False)
        return issue_id

    def rescan(self, issue_id: str, *, changed: bool = False) -> None:
        if changed:
            self.diary.news[issue_id] = datetime.now(UTC)
        self._post("halo/rescan", issue_id=issue_id, changed=changed)

    def resolve(self, issue_id: str) -> None:
        self.diary.news.pop(issue_id, None)
        self._say(issue_id, resolved=True)
        self._post("halo/resolve", issue_id=issue_id)

    def reopen(self, issue_id: str) -> None:
        self._say(issue_id, resolved=False)
        self._post("halo/reopen", issue_id=issue_id)

    def close_by_person(self, issue_id: str, *, status: str) -> None:
        """Somebody closes the issue's ticket too early; Halo sees the issue again."""
        open_ones = [
            ticket
            for ticket in self.tickets_of(issue_id)
            if ticket["status"] not in {"Done", "Closed"}
        ]
        for ticket in open_ones:
            self._post("jira/transition_by_person", key=ticket["key"], status=status)
        self.rescan(issue_id)

    def make_by_person(self, issue_id: str) -> None:
        """Somebody makes a closed ticket for the issue by hand, as a copy of another one."""
        self.free.add(issue_id)
        copy = self._post("jira/clone_ticket", key=self.tickets()[0]["key"])
        self._post("jira/edit", key=copy, **{ID_FIELD: issue_id})
        self._post("jira/transition_by_person", key=copy, status="Done")

    def tickets_of(self, issue_id: str) -> list[dict[str, Any]]:
        return [ticket for ticket in self.tickets() if ticket["fields"].get(ID_FIELD) == issue_id]

    def tickets(self) -> list[dict[str, Any]]:
        every: list[dict[str, Any]] = self._ask("jira/tickets")
        return every

    def _say(self, issue_id: str, *, resolved: bool) -> None:
        self.diary.note(issue_id, at=datetime.now(UTC), resolved=resolved)

    # --- The truth --------------------------------------------------------------------------------

    def wrong_now(self) -> list[str]:
        """What must not be, at any instant."""
        return list(always(self._jira(), diary=self.diary))

    def wrong_at_rest(self) -> list[str]:
        """What must not be once two clean runs are over."""
        rows = [SimpleNamespace(forgotten=False, **row) for row in self._ask("halo/issues")]
        halo: Any = SimpleNamespace(estate=SimpleNamespace(issues={row.id: row for row in rows}))
        jira = self._jira()
        return [
            *always(jira, diary=self.diary),
            *settled(halo, jira=jira, diary=self.diary, free=self.free),
        ]

    def _jira(self) -> Any:
        every = [_snapshot(body) for body in self.tickets()]

        def tickets(*, deleted: bool = False) -> list[Any]:
            return [ticket for ticket in every if deleted or not ticket.deleted]

        return SimpleNamespace(people=SimpleNamespace(tickets=tickets))

    # --- The control port -------------------------------------------------------------------------

    def _post(self, path: str, **body: Any) -> Any:
        return self._ask(path, json.dumps(body).encode())["result"]

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(
            f"http://{self._control}/{path}", data=body, timeout=10
        ) as answer:
            return json.load(answer)


@contextmanager
def open_town(*, seed: int = 0, lag: str = "usual", **settings: str) -> Iterator[Town]:
    """A town whose vendors are as slow as the real ones. Their process ends with the block.

    Updates are told at once, unless the settings say otherwise: a town lives for minutes, and no
    interval between comments would end in it.
    """
    flags = ["--seed", str(seed), "--lag", lag, "--real-latency"]
    process = subprocess.Popen(
        [*PYTHON, "-m", "job.sim", *flags], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            yield Town(
                control=told["control"], settings={**told["settings"], **AT_ONCE, **settings}
            )
        finally:
            process.kill()


def finished(process: "subprocess.Popen[str]", *, within_s: float = END_S) -> Ended:
    """Waits for a run's end. What it said is JSON to its last whole line, and nothing is said
    elsewhere.
    """
    with process:
        try:
            stdout, stderr = process.communicate(timeout=within_s)
        finally:
            process.kill()
    assert not stderr, stderr
    whole, _, _ = stdout.rpartition("\n")
    return Ended(process.returncode, tuple(json.loads(line) for line in whole.splitlines()))


def _snapshot(body: dict[str, Any]) -> Any:
    """A ticket as the oracle reads it: instants are instants again, the rest is as JSON has it."""
    return SimpleNamespace(
        **{
            **body,
            "created_at": datetime.fromisoformat(body["created_at"]),
            "comments": [_with_instant(comment, "created_at") for comment in body["comments"]],
            "history": [_with_instant(change, "at") for change in body["history"]],
        }
    )


def _with_instant(body: dict[str, Any], name: str) -> Any:
    return SimpleNamespace(**{**body, name: datetime.fromisoformat(body[name])})
