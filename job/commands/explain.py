"""Explains one issue, or the issue of a ticket: both sides, memory, the rules, and what comes next.

Promises: nothing is written; what is said comes from the very rules and readings of a run.
Does not do: the looking (`flow/inquiry.py`).
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

import click
from msgspec import Struct, field

from job.commands.context import EVERYTHING, CommandContext
from job.core.endings import is_told
from job.core.model import Afterwards, Ticket
from job.core.noise import Telling, Weighed
from job.core.policy import Policy
from job.core.recollection import remembered
from job.events import Event
from job.flow.inquiry import Seen, inquire
from job.flow.setup import Setup


class Told(Struct, frozen=True, kw_only=True):
    """One sentence or a few about one subject."""

    about: str
    words: str
    facts: dict[str, object] = field(default_factory=dict)


def explain(context: CommandContext, *, about: str) -> int:
    """Tells what is known of the issue and what comes next. Raises `click.BadParameter` for an id
    that nobody knows.
    """

    async def work(setup: Setup, _: asyncio.Event) -> int:
        seen = await inquire(setup, about=about)
        if seen is None:
            raise click.BadParameter(
                f"Nobody knows {about!r}: it is no issue of this Halo account, no ticket that "
                "names one, and memory has nothing of it. Give Halo's id of an issue, or the key "
                "or id of a ticket."
            )
        for told in _all(seen, setup=setup):
            context.console.say(
                Event.EXPLAINED,
                told.words,
                subject=told.about,
                facts={"issue_id": seen.case.issue.id, **told.facts},
            )
        return 0

    return context.work(EVERYTHING, work)


def _all(seen: Seen, *, setup: Setup) -> Iterator[Told]:
    yield _halo(seen)
    yield _jira(seen, policy=setup.policy)
    yield from _memory(seen)
    yield _last_told(seen)
    yield _route(seen, policy=setup.policy)
    yield _rules(seen)
    yield _next(seen, setup=setup)
    yield from _past(seen)


def _halo(seen: Seen) -> Told:
    issue = seen.case.issue
    facts: dict[str, object] = {"status": issue.status, "critical": issue.critical}
    if issue.gone:
        return Told(about="Halo", words=f"Halo does not know {issue.id} (any more).")
    if issue.unreadable:
        return Told(about="Halo", words=f"{issue.id}: {issue.unreadable}")
    what = issue.rule_name or issue.name or "without a name"
    where = issue.asset_hostname or issue.asset_name
    words = f"Issue {issue.id} is {issue.status}, {'' if issue.critical else 'not '}critical"
    words += f", CVSS {issue.max_cvss:g}" if issue.max_cvss is not None else ""
    words += f"; {issue.type}: {what}" + (f" on {where}" if where else "")
    return Told(about="Halo", words=f"{words}. Last touched {_at(issue.touched_at)}.", facts=facts)


def _jira(seen: Seen, *, policy: Policy) -> Told:
    case = seen.case
    if case.not_loaded:
        return Told(about="Jira", words=f"Jira knows {case.not_loaded} and cannot load it now.")
    if case.ticket is not None:
        ticket = case.ticket
        words = f"{ticket.key} stands in {ticket.status}, which is {_standing(ticket, policy)}."
        facts: dict[str, object] = {"ticket": ticket.key, "ticket_status": ticket.status}
        return Told(about="Jira", words=words, facts=facts)
    if case.stranger is not None:
        words = f"The linked ticket {case.stranger.key} does not name this issue, and no other does"
        return Told(about="Jira", words=f"{words}.")
    if case.issue.unreadable or case.memory_broken:
        return Told(about="Jira", words="It was not asked, for the reason that a rule gives below.")
    return Told(about="Jira", words="No ticket that we can see names this issue.")


def _standing(ticket: Ticket, policy: Policy) -> str:
    if policy.is_hard_closed(ticket):
        return "hard-closed: it is never reopened"
    if policy.is_closed(ticket):
        return "closed"
    if policy.is_accepted(ticket):
        return "where people accept a risk"
    if policy.is_closed_unnamed(ticket):
        return "done by Jira's own category, though no setting names it"
    return "open"


def _memory(seen: Seen) -> Iterator[Told]:
    """The link and every note there is of unfinished work."""
    link, parked, intent = seen.link, seen.case.parked, seen.case.intent
    if link is None:
        yield Told(about="memory", words=seen.case.memory_broken or "It links no ticket.")
    else:
        applied = "applied" if is_told(seen.case) else "not applied yet"
        words = f"It links {link.ticket_key}; what Halo says now is {applied}."
        words += f" {link.status_owed} is still owed as its first status." * bool(link.status_owed)
        words += f" Jira did not show it {link.misses} times on end." * bool(link.misses)
        if link.accepted_at is not None:
            words += f" Its risk is accepted since {_at(link.accepted_at)}."
        facts: dict[str, object] = {"linked": link.ticket_key, "live": link.live}
        yield Told(about="memory", words=words, facts=facts)
    if parked is not None:
        words = f"Parked since {_at(parked.first_at)} after {parked.attempts} attempt"
        words += f"{'s' * (parked.attempts > 1)}, next try {_at(parked.next_at)}: {parked.message}"
        yield Told(about="parked", words=words, facts={"error_class": parked.error_class})
    if intent is not None:
        words = f"A {intent.kind} was sent {_at(intent.at)}, and what became of it is not known."
        yield Told(about="unsettled", words=words)
    if seen.held is not None:
        state = "approved and not done yet" if seen.approved else "held by a limit"
        words = f"Its {seen.held.line.split(' ', 1)[0]} is {state} since {_at(seen.held.at)}."
        yield Told(about="held", words=f"{words} See `plan --held`.")
    if seen.backlog is not None:
        words = f"It was old before the first run, noted {_at(seen.backlog.at)}."
        yield Told(about="backlog", words=words)


def _last_told(seen: Seen) -> Told:
    link = seen.link
    recalls = remembered(link.recalls) if link else None
    if link is None or recalls is None:
        return Told(about="last told", words="Nothing is known of what a ticket was told.")
    when = _at(link.commented_at) if link.commented_at else "when it was made"
    facts = ", ".join(f"{name} {value}" for name, value in recalls.facts.items() if value)
    rows = f"; rows of evidence: {recalls.total}" if recalls.total else ""
    return Told(about="last told", words=f"{link.ticket_key}, {when}: {facts or 'no facts'}{rows}.")


def _route(seen: Seen, *, policy: Policy) -> Told:
    to = seen.decision.destination
    facts: dict[str, object] = {"route": to.name, "project": to.project}
    if why := policy.why_excluded(seen.case.issue):
        return Told(about="route", words=f"It gets no ticket. {why}", facts={"excluded": why})
    words = f'"{to.name}" leads to project {to.project}.'
    return Told(about="route", words=f"{words} {seen.decision.aside}".rstrip(), facts=facts)


def _rules(seen: Seen) -> Told:
    *passed, answers = seen.rules
    decision = seen.decision
    before = f"{', '.join(passed)}: none applies. " if passed else ""
    outcome = decision.action or "nothing to do"
    words = f"{before}{answers} answers: {decision.because} ({decision.reason}; {outcome})"
    facts: dict[str, object] = {
        "rules": list(seen.rules),
        "reason": decision.reason,
        "action": decision.action,
    }
    return Told(about="rules", words=words, facts=facts)


def _next(seen: Seen, *, setup: Setup) -> Told:
    """What the next run does, and when it is looked at where that is not at once."""
    parked, intent = seen.case.parked, seen.case.intent
    if seen.held is not None and not seen.approved:
        words = "It stays held until somebody approves it, or for seven days."
    elif seen.looks:
        words = _deed(seen)
    elif parked is not None and intent is None:
        words = f"The next run after {_at(parked.next_at)} tries again, or the first one after "
        words += "Halo touches the issue or a setting changes; `run --retry-parked` does at once."
    else:
        words = _why_not(seen, setup=setup)
    return Told(about="next run", words=words, facts={"looks": seen.looks})


def _deed(seen: Seen) -> str:
    """What a run does that looks at it."""
    decision, because = seen.decision, seen.decision.because
    if seen.refused:
        return f"It asks what an update would say, and parks the issue if it must: {seen.refused}"
    if unsaid := _unsaid(seen.weighed):
        return unsaid
    if decision.action is not None:
        return f"It plans this: {decision.action}. {because} Limits may still hold it."
    match decision.afterwards:
        case Afterwards.PARK:
            deed = f"It parks the issue. {because}"
        case Afterwards.WAIT:
            deed = f"It waits. {because}"
        case Afterwards.REMEMBER:
            deed = f"It looks at the issue and does nothing. {because}"
        case _:
            assert_never(decision.afterwards)
    return deed


def _unsaid(weighed: Weighed | None) -> str:
    """What becomes of an update that is not told now; "" where it is, or there is none."""
    if weighed is None:
        return ""
    match weighed.telling:
        case Telling.TELL:
            return ""
        case Telling.SILENT:
            return "It looks at the issue, finds nothing new to say, and writes nothing to Jira."
        case Telling.GATHER:
            due = _at(weighed.tell_at) if weighed.tell_at else "the interval"
            return f"It gathers the news, which is told by the first run after {due}."
    assert_never(weighed.telling)


def _why_not(seen: Seen, *, setup: Setup) -> str:
    """Why no run looks at it, and what would make one look."""
    issue, every = seen.case.issue, setup.sweep_every
    until = "It is looked at when Halo touches it"
    if every and (seen.link is not None and seen.link.live):
        due = (seen.mark.swept_at or seen.mark.at) + every
        until += f", or at the sweep that is due {_at(due)}"
    if seen.since is not None and issue.touched_at < seen.since and not is_told(seen.case):
        since, touched = _at(seen.since), _at(issue.touched_at)
        old = f"It is too old: Halo touched it {touched}, and the next run reads from {since} on."
        return f"{old} {until}, and by `run --since {touched}`."
    return f"Nothing: it does not look at the issue. {until}."


def _past(seen: Seen) -> Iterator[Told]:
    """How the last runs fared with it."""
    if seen.link is not None:
        words = f"Memory of it was last changed {_at(seen.link.updated_at)}."
        yield Told(about="last runs", words=words)
    for record, error in seen.failures:
        words = f"{record.run_id} failed over it, {_at(record.finished_at)}: {error}"
        yield Told(about="last runs", words=words, facts={"run_id": record.run_id})
    if not seen.failures:
        yield Told(about="last runs", words="None of the last 50 runs recorded a failure over it.")


def _at(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%MZ")
