"""How machines see a command: one JSON object a line.

Promises: nothing but log events, through the same log as everything else, with secrets taken out.
Does not do: asking. Where nobody can answer, the answer is no.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import structlog

from job.console.protocol import NO_FACTS, AddressOf, Explanation, Table, no_address
from job.core.memory import RunRecord
from job.core.model import Decision, Outcome
from job.core.plan import Plan
from job.core.reading import text
from job.core.sheets import Sheet
from job.core.summary import summary
from job.events import Event
from job.ports import Watcher

log = structlog.get_logger()

FAILURES = frozenset({Event.CHECK_FAILED, Event.PROMISE_BROKEN, Event.PLAN_UNEXPECTED})
"""What is told as an error although no error ends the command because of it."""
DOUBTS = frozenset({Event.CHECK_DOUBTED})
"""What is told as a warning."""


class Lines:
    """A `Console` for machines."""

    def say(
        self,
        event: Event,
        message: str,
        *,
        subject: str = "",
        facts: Mapping[str, object] = NO_FACTS,
    ) -> None:
        say = log.warning if event in DOUBTS else log.info
        if event in FAILURES:
            say = log.error
        about = {"subject": subject} if subject else {}
        say(event, message=f"{subject}: {message}" if subject else message, **about, **facts)

    def explain(self, explanation: Explanation, *, error: BaseException) -> None:
        say = log.error if explanation.exit_code else log.info
        stack = {"exc_info": error} if explanation.exit_code == 1 else {}
        say(
            explanation.event,
            message=explanation.happened,
            doing=explanation.doing,
            next=explanation.next,
            exit_code=explanation.exit_code,
            **explanation.facts,
            **stack,
        )

    @contextmanager
    def watching(self, *, carries_out: bool, in_full: bool = False) -> Iterator[Watcher]:
        """What becomes of each action is told by those who do it."""
        yield PlanLines(each_action=not carries_out)

    def finished(self, record: RunRecord, *, address_of: AddressOf = no_address) -> None:
        """Nothing: `run.finished` has said it already."""

    def told(self, title: str, *, happenings: Sequence[str]) -> None:
        for happening in happenings:
            log.info(Event.TABLE_ROW, message=happening, table=title)

    def show(self, table: Table) -> None:
        for row in table.rows:
            cells = dict(zip(table.columns, row, strict=True))
            log.info(Event.TABLE_ROW, message=" ".join(row), table=table.title, cells=cells)

    def show_sheet(self, sheet: Sheet) -> None:
        document = None if sheet.document is None else msgspec.json.decode(sheet.document)
        log.info(
            Event.TICKET_RENDERED,
            message=sheet.title,
            summary=sheet.summary,
            fields=dict(sheet.fields),
            text=text([sheet]),
            document=document,
        )

    def confirm(self, question: str) -> bool:
        """There is nobody who could say yes."""
        return False


class PlanLines:
    """A `Watcher` for machines: the plan as events."""

    def __init__(self, *, each_action: bool) -> None:
        self._each_action = each_action

    def planned(self, plan: Plan) -> None:
        for row in (plan.decisions, plan.held) if self._each_action else ():
            for decision in row:
                _say_planned(decision, held=row is plan.held)
        tally = {str(action): many for action, many in plan.tally.items()}
        routes = {name: sum(of.values()) for name, of in plan.by_destination.items()}
        left = {
            "routes": routes,
            "deferred": len(plan.deferred),
            "held": len(plan.held),
            "quiet": len(plan.quiet) + plan.unmoved,
        }
        older = {"backlog": plan.backlog} if plan.backlog else {}
        log.info(Event.PLAN_MADE, digest=plan.digest, actions=tally, **left, **older)

    def ended(self, outcome: Outcome) -> None:
        """Nothing: those who do it have said it already."""


def _say_planned(decision: Decision, *, held: bool) -> None:
    log.info(Event.ACTION_PLANNED, **facts_of(decision, held=held))


def facts_of(decision: Decision, *, held: bool) -> dict[str, object]:
    """What a plan says of one action, for machines."""
    issue, ticket = decision.case.issue, decision.case.ticket
    return {
        "message": f"{decision.because} {decision.aside}".rstrip(),
        "action": decision.action,
        "reason": decision.reason,
        "issue_id": issue.id,
        "ticket": ticket.key if ticket else None,
        "destination": decision.destination.name,
        "project": decision.destination.project,
        "host": issue.asset_hostname or issue.asset_name,
        "summary": summary(issue),
        "severity_of_issue": "critical" if issue.critical else "not critical",
        "cvss": issue.max_cvss,
        "held": held,
    }
