"""From the plain settings and a rulebook to destinations.

Promises: what a route does not say is as the plain settings say it; what it says of a field takes
the place of whatever the plain settings put there.
Does not do: reading either.
"""

from datetime import timedelta

from msgspec.structs import replace

from job.core import templates
from job.core.fields import DUE, LABELS, PRIORITY
from job.core.ladders import Ladder
from job.core.routes import CommentRule, CommentWhen, Destination, Routes, Rule, Workflow
from job.core.shape import TicketSettings
from job.settings.rulebook import CommentWords, Rulebook, RuleText, WorkflowWords

ASSIGNEE = "assignee"
_SAME = {"due date": DUE}
"""Names of Jira's own fields that differ from their ids."""


def routed(home: Destination, *, book: Rulebook | None) -> Routes:
    """All destinations. `home` is that of the plain settings."""
    if book is None:
        return Routes(default=home)
    words = {rule.project: rule.workflow for rule in book.rules if rule.workflow != WorkflowWords()}
    rules = tuple(
        Rule(
            name=rule.name,
            when=rule.when,
            to=None if rule.skip else _destination(rule, home=home, words=words.get(rule.project)),
            skip=rule.skip,
        )
        for rule in book.rules
    )
    return Routes(default=home, rules=rules, skips_others=book.skips_others)


def _destination(rule: RuleText, *, home: Destination, words: WorkflowWords | None) -> Destination:
    """`words` are those of its project, whichever of its routes says them."""
    return replace(
        home,
        name=rule.name,
        tickets=_tickets(rule, plain=home.tickets),
        workflow=_workflow(words or WorkflowWords(), plain=home.workflow),
        comment_rule=_comment_rule(rule.comments, plain=home.comment_rule),
    )


def _comment_rule(words: CommentWords | None, *, plain: CommentRule) -> CommentRule:
    """Each update by Halo is told at once, unless the route names an interval."""
    if words is None:
        return plain
    every = words.every
    if every is None:
        every = timedelta() if words.when is CommentWhen.UPDATE else plain.every
    return replace(plain, when=words.when, every=every)


def _tickets(rule: RuleText, *, plain: TicketSettings) -> TicketSettings:
    fields = [*rule.fields, *([(ASSIGNEE, rule.assignee)] if rule.assignee else [])]
    taken = {_key(name) for name, _ in fields}
    taken |= {PRIORITY} if rule.priority else set()
    taken |= {DUE} if rule.due else set()
    said = [(name, words) for name, words in fields if not templates.is_template(words)]
    filled = [(words, name) for name, words in fields if templates.is_template(words)]
    return replace(
        plain,
        project_key=rule.project or plain.project_key,
        ticket_type=rule.ticket_type or plain.ticket_type,
        mapping=(*(pair for pair in plain.mapping if _key(pair[1]) not in taken), *filled),
        static=(*(pair for pair in plain.static if _key(pair[0]) not in taken), *said),
        labels=() if LABELS in taken else (*plain.labels, *rule.labels),
        priority=_ladder(rule.priority, plain=plain.priority, taken=PRIORITY in taken),
        due=_ladder(rule.due, plain=plain.due, taken=DUE in taken),
        said_in=rule.place,
    )


def _key(name: str) -> str:
    return _SAME.get(name.casefold(), name.casefold())


def _ladder(own: Ladder, *, plain: Ladder, taken: bool) -> Ladder:
    return own if own or taken else plain


def _workflow(words: WorkflowWords, *, plain: Workflow) -> Workflow:
    closed = plain.closed if words.closed is None else frozenset(words.closed)
    hard_closed = plain.hard_closed if words.hard_closed is None else frozenset(words.hard_closed)
    accepted = plain.accepted if words.accepted is None else frozenset(words.accepted)
    new = plain.new_status if words.new is None else words.new
    close = replace(
        plain.close,
        transition=words.close or plain.close.transition,
        statuses=words.closed or plain.close.statuses,
        resolution=words.resolution or plain.close.resolution,
    )
    reopen = replace(
        plain.reopen,
        transition=words.reopen or plain.reopen.transition,
        statuses=(new,) if new else (),
    )
    return replace(
        plain,
        close=close,
        reopen=reopen,
        closed=closed,
        hard_closed=hard_closed,
        accepted=accepted,
        new_status=new,
    )
