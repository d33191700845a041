"""Everything that the program logs: the one catalogue of events, each with what it means.

Promises: whatever is logged carries one of these names (a test of the house holds it), and the
documentation's table of events is made from this file.
Does not do: the fields beside an event's name; those stand where it is logged.
"""

from enum import StrEnum


class Event(StrEnum):
    """The name of a log event, as `noun.past`, and what it means, for the operator."""

    means: str

    def __new__(cls, name: str, means: str) -> "Event":
        event = str.__new__(cls, name)
        event._value_ = name
        event.means = means
        return event

    RUN_STARTED = "run.started", "a run begins; the credentials are proven next"
    PLAN_MADE = (
        "plan.made",
        "what is about to be done: digest, actions by kind, how many for each route, how many "
        "wait, how many issues need nothing",
    )
    ACTION_PLANNED = "action.planned", "one action with its reason; only from `plan`"
    TICKET_CREATED = "ticket.created", "a ticket was created, and Jira confirms it"
    TICKET_COMMENTED = "ticket.commented", "an update was told on a ticket, and Jira confirms it"
    TICKET_CLOSED = "ticket.closed", "a ticket was closed, and Jira confirms it"
    TICKET_REOPENED = "ticket.reopened", "a ticket was reopened, and Jira confirms it"
    TICKET_UNTOLD = (
        "ticket.untold",
        "Jira took no comment for a ticket, which was moved all the same; what could not be said",
    )
    STATUS_UNNAMED = (
        "status.unnamed",
        "an active issue's ticket stands where work is over by Jira's own category, in a status "
        "that no setting names; updates go on, and it is not reopened",
    )
    TICKET_ADOPTED = "ticket.adopted", "a ticket that memory did not know is linked from now on"
    TICKET_DUPLICATE_SEEN = "ticket.duplicate_seen", "a further live ticket of an issue, left alone"
    FIELD_LEFT_OUT = "field.left_out", "a value does not fit; tickets say that they lack it"
    FIELDS_NOT_FOLLOWED = "fields.not_followed", "fields could not follow Halo; all else goes on"
    ISSUE_PARKED = "issue.parked", "an action failed, or a ticket is missing; the issue is parked"
    ISSUE_PARK_EXPIRED = "issue.park_expired", "an issue has been parked for more than seven days"
    ISSUE_UNREADABLE = (
        "issue.unreadable",
        "what Halo says of one issue cannot be read, or is refused; it is parked, others go on",
    )
    MEMORY_UNREADABLE = (
        "memory.unreadable",
        "memory of one issue cannot be used; it and its document are left alone, others go on",
    )
    ISSUE_GONE = (
        "issue.gone",
        "Halo does not know an issue that has a ticket; WHEN_ISSUE_GONE says what comes of it",
    )
    LINK_STRANGE = (
        "link.strange",
        "memory links a ticket that does not name the issue; it is not written to, and the issue's "
        "own ticket is looked for",
    )
    TICKET_UNCONFIRMED = (
        "ticket.unconfirmed",
        "Jira confirmed a ticket that it does not show us; told in every run, never made again",
    )
    TICKET_GONE = "ticket.gone", "a ticket was deleted and is not made anew"
    WRITE_UNSETTLED = "write.unsettled", "a create without an answer is still looked for"
    WRITE_UNKNOWN = (
        "write.unknown",
        "a write was sent without a readable answer; a later run finds out what became of it",
    )
    CIRCUIT_OPENED = (
        "circuit.opened",
        "one kind of action failed five times in a row in a project; it is left for the next run",
    )
    RUN_FINISHED = "run.finished", "the one line with all counts, see below"
    RUN_STOPPING = "run.stopping", "the run stops before its next write; `run.stopped` explains it"
    RUN_STOPPED = "run.stopped", "what stopped a run or a command, and what to do (exit 3)"
    RUN_ASKED_TO_STOP = "run.asked_to_stop", "SIGTERM or Ctrl-C came"
    RUN_UNRECORDED = "run.unrecorded", "a run that ended early could not write its record either"
    RUN_FAILED = "run.failed", "an error of one issue ended a command (exit 5)"
    RUN_INTERRUPTED = "run.interrupted", "the command was interrupted (exit 130)"
    RUN_CRASHED = "run.crashed", "a bug, with its stack trace (exit 1)"
    PLAN_REFUSED = "plan.refused", "a kind is over its limit and held: its digest (exit 4)"
    PLAN_UNEXPECTED = "plan.unexpected", "`plan --expect-nothing` found something to do (exit 4)"
    PLAN_SLICED = "plan.sliced", "how many new tickets wait for later slices, and until when"
    HELD_TOLD = "held.told", "what `plan --held` found in memory, and the digest that approves it"
    MEMORY_TOLD = "memory.told", "what `parked` or `state` found in memory"
    MEMORY_CHANGED = "memory.changed", "somebody has changed memory by hand, and how"
    APPROVAL_NOTED = "approval.noted", "what this digest names is let through, by this run or later"
    APPROVAL_IDLE = "approval.idle", "a digest that names nothing, or nothing any more"
    LEASE_HELD = "lease.held", "another run is at work (exit 0)"
    SETTINGS_REFUSED = "settings.refused", "every problem of the settings (exit 2)"
    COMMAND_REFUSED = "command.refused", "a command line that cannot be read (exit 2)"
    SETTINGS_UNKNOWN_VARIABLE = "settings.unknown_variable", "nobody reads it; which was meant"
    JIRA_GATEWAY_FOUND = (
        "jira.gateway_found",
        "the site refuses our API token and Atlassian's gateway accepts it: it has scopes; the run "
        "goes on there",
    )
    JIRA_GATEWAY_UNREACHABLE = (
        "jira.gateway_unreachable",
        "the site refuses our API token, and whether the gateway accepts it could not be asked",
    )
    CHECK_PASSED = "check.passed", "one proof of `check` that holds"
    CHECK_UNPROVEN = "check.unproven", "one proof of `check` that nothing tells yet, and why"
    CHECK_DOUBTED = "check.doubted", "a run works with it, and somebody should know"
    CHECK_FAILED = "check.failed", "one proof of `check` that does not hold, and the remedy"
    EXPLAINED = "issue.explained", "one thing that `explain` tells of an issue and its ticket"
    TAKEOVER_PLANNED = "takeover.planned", "what older programs left behind, counted by class"
    TAKEOVER_ROUTED = "takeover.routed", "how many routes were made of older rules"
    TAKEOVER_ENDED = "takeover.ended", "what `takeover apply` wrote, or `undo` took back"
    TAKEOVER_LEFT = "takeover.left", "a ticket that `takeover` left alone, and why (exit 5)"
    PROMISE_BROKEN = "promise.broken", "one counterexample to a promise that `prove` found (exit 5)"
    PROMISES_PROVEN = "promises.proven", "how much `prove` looked at, and what it found"
    TICKET_RENDERED = "ticket.rendered", "a ticket or a comment, whole, as `render` shows it"
    PAGE_WRITTEN = "page.written", "`render --html` wrote a page, and where"
    TABLE_ROW = "table.row", "one row of a table that a command shows"
    WEBHOOK_NOTED = "webhook.noted", "Jira told of a ticket of ours; the next run looks at it"
    WEBHOOK_REFUSED = "webhook.refused", "a delivery that is forged, too large or cannot be read"
    WEBHOOK_FAILED = "webhook.failed", "memory could not be reached; Jira sends the delivery again"
    REMOTE_THROTTLED = (
        "remote.throttled",
        "a remote asks for a pause. `holds` says who waits so long: everybody, requests of the "
        "same `request`, or writes to one `subject`. `a_minute` is the pace that is kept to, once "
        "it is known what Halo allows",
    )
    BLOCKS_SHRUNK = "blocks.shrunk", "bulk creates are smaller, after one without an answer"
    PROBE_BOUNDED = "probe.bounded", "the search for lost creates by key ended at its bound"
    HALO_FILTER_IGNORED = (
        "halo.filter_ignored",
        "Halo refused a filter, or returned rows older than asked for; it is read backward instead",
    )
    HALO_LISTING_MOVED = "halo.listing_moved", "issues changed while listed; they are listed again"
    HALO_LISTING_OFF = (
        "halo.listing_off",
        "in each of four readings Halo counted a few more or fewer issues than it listed; those "
        "are used, and the next sweep reads them again",
    )
    HALO_LISTING_CROWDED = (
        "halo.listing_crowded",
        "10,000 issues or more share one second, and Halo lists no more of them; those are used, "
        "and the watermark waits for the others",
    )
    HALO_ROW_UNREADABLE = (
        "halo.row_unreadable",
        "Halo lists something without an id; it can be neither used nor parked",
    )
    HALO_DETAIL_UNREADABLE = (
        "halo.detail_unreadable",
        "a finding or an asset cannot be read; the ticket is worded from its issue",
    )
    HALO_CVES_UNREAD = "halo.cves_unread", "details of CVEs cannot be had; tickets do without"
    HALO_FILES_CUT = "halo.files_cut", "a finding lists more files than a ticket can say"
    LIBRARY_LOGGED = "library.logged", "a library had something to say"


def table() -> str:
    """The documentation's table of events, in Markdown."""
    rows = [f"| `{event}` | {event.means} |" for event in Event]
    return "\n".join(["| event | means |", "|---|---|", *rows])
