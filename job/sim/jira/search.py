"""Jira's search: an index that runs behind, and what it has seen so far.

Promises: a created or edited ticket shows after a delay drawn for it alone; two replicas may
disagree; old views are answered as if they were true.
Does not do: clauses (clauses.py), paging and visibility (searches.py). Direct reads never come
here.
Source: developer.atlassian.com "Search and reconcile".
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random

from job.sim.jira.clauses import INDEXED, Compiler
from job.sim.jira.jql import Node
from job.sim.jira.site import Field, Site
from job.sim.jira.ticket_values import values_of, words
from job.sim.jira.tickets import Ticket, Tickets

Lag = Callable[[Random], float]


def no_lag(draw: Random) -> float:
    return 0.0


def usual_lag(draw: Random) -> float:
    """Four of five within a second, one in twenty takes up to two minutes."""
    kind = draw.random()
    if kind < 0.8:
        return draw.uniform(0.0, 1.0)
    return draw.uniform(1.0, 10.0) if kind < 0.95 else draw.uniform(10.0, 120.0)


def long_lag(longest_s: float = 12 * 3_600.0) -> Lag:
    """As usual, but one in ten takes anything up to `longest_s` (twelve hours were seen in the
    field).
    """

    def lag(draw: Random) -> float:
        return draw.uniform(0.0, longest_s) if draw.random() < 0.1 else usual_lag(draw)

    return lag


def fixed_lag(seconds: float) -> Lag:
    return lambda draw: seconds


class Replica:
    """One copy of the index. Moments of tickets become visible when their time has come, the newest
    wins.
    """

    def __init__(self) -> None:
        self.shown: dict[int, Ticket] = {}
        self.by_word: dict[tuple[str, str], set[int]] = {}
        self._waiting: list[tuple[datetime, int, int, Ticket]] = []

    def note(self, ticket: Ticket, *, visible_at: datetime) -> None:
        heappush(self._waiting, (visible_at, ticket.id, ticket.seq, ticket))

    def catch_up(self, now: datetime, *, fields: Iterable[Field]) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, _, _, ticket = heappop(self._waiting)
            before = self.shown.get(ticket.id)
            if before is None or ticket.seq > before.seq:
                self.shown[ticket.id] = ticket
                self._index_words(ticket, fields=fields)

    def _index_words(self, ticket: Ticket, *, fields: Iterable[Field]) -> None:
        """Only ever adds, so a word leads to too many tickets and never to too few; the clause
        decides.
        """
        for field in fields:
            if field.kind in INDEXED and ticket.fields.get(field.id):
                for value in values_of(ticket, field=field):
                    for word in words(value):
                        self.by_word.setdefault((field.id, word), set()).add(ticket.id)


class Search:
    """The index of one site with its replicas."""

    def __init__(self, site: Site, *, now: Callable[[], datetime], seed: int) -> None:
        self.lag: Lag = usual_lag
        self.edit_lag: Lag | None = None
        self._site = site
        self._now = now
        self._random = Random(seed)
        self._replicas = [Replica()]

    def use_replicas(self, count: int) -> None:
        """More than one: each draws its own delays, and every request meets any of them. Set before
        any ticket.
        """
        self._replicas = [Replica() for _ in range(count)]

    def note(self, ticket: Ticket) -> None:
        """A new moment of a ticket. Edits take as long as creates, unless `edit_lag` says
        otherwise.
        """
        lag = self.edit_lag if self.edit_lag and ticket.seq else self.lag
        for replica in self._replicas:
            delay = timedelta(seconds=lag(self._random))
            replica.note(ticket, visible_at=self._now() + delay)

    def check(self, where: Node, *, tickets: Tickets) -> None:
        """Raises `Refused` for a clause that this site would not run."""
        Compiler(self._site, tickets=tickets, now=self._now()).test(where)

    def find(self, where: Node, *, tickets: Tickets, reconcile: Iterable[int] = ()) -> list[Ticket]:
        """What some replica believes. The ids to reconcile are looked up in the truth instead."""
        replica = (
            self._replicas[0] if len(self._replicas) == 1 else self._random.choice(self._replicas)
        )
        replica.catch_up(self._now(), fields=self._site.fields)
        compiler = Compiler(self._site, tickets=tickets, now=self._now())
        test = compiler.test(where)
        candidates = compiler.candidates(where, by_word=replica.by_word)
        seen = replica.shown
        if candidates is not None:
            seen = {ticket_id: replica.shown[ticket_id] for ticket_id in sorted(candidates)}
        truth = {
            ticket_id: tickets.by_id[ticket_id]
            for ticket_id in reconcile
            if ticket_id in tickets.by_id
        }
        pool = {**seen, **truth}
        return [
            ticket
            for ticket in pool.values()
            if not (ticket.deleted or ticket.archived or ticket.hidden) and test(ticket)
        ]
