"""Mistakes that somebody could make: each changes one definition and breaks one promise.

Promises: a mistake follows its definition into whatever file that moves, however it is laid out;
one that fits no more fails its test, so that the list follows the code.
It says neither how a place is found, which is for `places.py`, nor what catches a mistake.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """What goes wrong, where, and how.

    `where` is the qualified name of a function, class or constant, as `Governor.enter`; where two
    modules use it, the module's name comes first, as in `decisions:choose`. `before` stands once in
    that definition as `ast.unparse` writes it: one line a statement, no comments, single quotes.
    `after` is put in its place; "" leaves a statement out, if its block has others.
    """

    name: str
    where: str
    before: str
    after: str


ARRIVAL = "jira.has_comment(case.ticket.id, marker=intent.marker, since=intent.at)"
"""How Jira is asked whether a comment has arrived."""

MUTANTS: Final = (
    # --- Decisions --------------------------------------------------------------------------------
    Mutant("one miss of a ticket counts as its end", "MISSES_BEFORE_GONE", "2", "1"),
    Mutant("a lost create is not waited for", "RULES", "create_unsettled, ", ""),
    Mutant(
        "patience for a lost create never ends",
        "create_unsettled",
        "now - intent.at >= policy.create_patience",
        "now - intent.at < -policy.create_patience",
    ),
    Mutant(
        "an issue that Halo forgot closes its ticket unasked",
        "issue_gone",
        "policy.when_issue_gone is WhenGone.CLOSE",
        "policy.when_issue_gone is not WhenGone.CLOSE",
    ),
    Mutant(
        "a ticket that a person opened again is closed again",
        "resolved",
        "case.link is not None and case.link.version == case.issue.version",
        "case.link is None and case.issue is None",
    ),
    Mutant("an unchanged issue is told again", "seen_again", "case.issue.version", "case.issue.id"),
    Mutant(
        "a hard-closed ticket is reopened",
        "no_ticket",
        "policy.is_hard_closed(case.ticket)",
        "policy.is_hard_closed(case.ticket) and not case.linked",
    ),
    Mutant("a closed ticket of an active issue stays closed", "RULES", "ticket_closed, ", ""),
    Mutant(
        "of two tickets the linked one is dropped",
        "decisions:choose",
        "linked, not policy.is_closed(ticket)",
        "not linked, not policy.is_closed(ticket)",
    ),
    Mutant(
        "a ticket that is found is not remembered",
        "_nothing",
        "(not case.linked or case.intent is not None)",
        "case.intent is not None",
    ),
    Mutant(
        "a new ticket is moved on although a person moved it",
        "create_cut_short",
        "ticket.status != link.status_seen or ",
        "",
    ),
    # --- Watermark --------------------------------------------------------------------------------
    Mutant(
        "the watermark passes unsettled work",
        "next_watermark",
        "min([started_at - overlap, *held_by])",
        "started_at - overlap",
    ),
    Mutant(
        "the watermark comes up to the start",
        "next_watermark",
        "started_at - overlap, *held_by",
        "started_at, *held_by",
    ),
    Mutant(
        "the watermark goes back by itself",
        "next_watermark",
        " if may_go_back else max(previous, reached)",
        "",
    ),
    Mutant(
        "a lost write does not hold the watermark",
        "Ledger.enter",
        "{OutcomeKind.UNKNOWN, OutcomeKind.DEFERRED}",
        "{OutcomeKind.DEFERRED}",
    ),
    Mutant("what waits behind the cap is forgotten", "unsettled", "plan.deferred.held", "()"),
    Mutant(
        "a watermark from the future is believed",
        "begin_mark",
        "mark.at > started_at + CLOCK_SKEW_MAX",
        "mark.at < started_at - setup.look_back * 999",
    ),
    Mutant(
        "a first run that dies leaves no watermark",
        "begin_mark",
        "if lease:",
        "if not mark and lease:",
    ),
    Mutant(
        "a run does not read again before its mark",
        "Look._since",
        "since - self._setup.overlap",
        "since",
    ),
    # --- Ledger -----------------------------------------------------------------------------------
    Mutant("no intent is stored", "Sender.note", "if intents:", "if not batch:"),
    Mutant(
        "no intent is stored for comments",
        "Sender.note",
        " or (step.comment and (not step.said))",
        "",
    ),
    Mutant(
        "an intent is dropped although its write is unknown",
        "after",
        "[outcome for outcome in outcomes if outcome.kind is not OutcomeKind.UNKNOWN]",
        "list(outcomes)",
    ),
    Mutant(
        "an intent is never dropped",
        "Apply._batch",
        "noted | steps.noted_before",
        "steps.noted_before",
    ),
    Mutant(
        "an older intent is dropped although the newer one could not be written",
        "Apply._batch",
        "steps.noted_before(unchanged)",
        "steps.noted_before([*unchanged, *(step.decision for step in batch)])",
    ),
    Mutant(
        "what could not be remembered holds nothing",
        "Apply._remember",
        "remembered = False",
        "pass",
    ),
    Mutant(
        "a comment that is on its way is said again",
        "COMMENT_PATIENCE",
        "timedelta(minutes=2)",
        "timedelta(0)",
    ),
    Mutant("more is written in one commit than it may hold", "QUIET_A_COMMIT", "160", "400"),
    Mutant(
        "nobody keeps the lease while we look",
        "Gathering._look_into",
        "await self._keep_lease()",
        "",
    ),
    Mutant(
        "a lost write counts as refused",
        "Brake.ended_by",
        "isinstance(error, FateUnknown)",
        "error is None",
    ),
    Mutant(
        "a comment of unknown fate is said again blindly",
        "Preparer._settled_link",
        f"not await {ARRIVAL}",
        "intent.marker",
    ),
    Mutant(
        "a comment that was said is said again", "Sender._carry_out", " and (not step.said)", ""
    ),
    Mutant(
        "a comment's intent drops what a lost create left",
        "Sender.note",
        ", links=self._found_links(batch)",
        "",
    ),
    Mutant("half an action counts as the whole", "Sender._finish", ", whole=told", ""),
    Mutant(
        "a lost ticket is looked for too high",
        "steps:intent",
        "above_key=above_key",
        "above_key=above_key + 1",
    ),
    Mutant(
        "a lost ticket is only searched for",
        "Lookup._found",
        "for intent in lost})",
        "for intent in lost[:0]})",
    ),
    Mutant(
        "an intent is looked at only when Halo lists its issue",
        "Scope.to_describe",
        "self.notes.intents.keys() | due",
        "due",
    ),
    Mutant("a create is sent again after a lost answer", "create", "repeatable=False, ", ""),
    Mutant("a comment is sent again after a lost answer", "comment", "repeatable=False, ", ""),
    Mutant(
        "every request may be repeated",
        "judge",
        " if request.repeatable else AfterAttempt.UNKNOWN",
        "",
    ),
    Mutant(
        "an adopted create counts as fully applied",
        "link_begun",
        "version=Version('')",
        "version=case.issue.version",
    ),
    # --- Lease and fence --------------------------------------------------------------------------
    Mutant(
        "a lease is never renewed",
        "HeldLease._is_good",
        "self.lease.until - self._clock.now() >= LONGEST_WRITE",
        "True",
    ),
    Mutant(
        "a lease is renewed too late for a long write",
        "LONGEST_WRITE",
        "timedelta(minutes=4)",
        "timedelta(0)",
    ),
    Mutant(
        "a lease is not given back",
        "take_lease",
        "await store.release_lease(held.lease)",
        "pass",
    ),
    Mutant(
        "nobody asks for the lease before a write",
        "Brake.may_write",
        "await self._lease.hold()",
        "pass",
    ),
    Mutant(
        "two runs get the lease",
        "succeed",
        "if last is not None and last.until > now:",
        "if last is None and now is None:",
    ),
    Mutant("the fence does not rise", "succeed", "last.fence + 1", "last.fence"),
    Mutant(
        "the fence is not compared",
        "holds",
        "(kept.fence, kept.holder) == (ours.fence, ours.holder)",
        "kept.holder == ours.holder",
    ),
    Mutant(
        "the holder is not compared",
        "holds",
        "(kept.fence, kept.holder) == (ours.fence, ours.holder)",
        "kept.fence == ours.fence",
    ),
    Mutant(
        "intents overwrite each other",
        "follow",
        "found != new.follows",
        "found and found == new.attempt",
    ),
    Mutant(
        "a commit in memory ignores the fence",
        "MemoryStore.commit",
        "rules.confirm(self._leases.get(lease.shard), lease)",
        "",
    ),
    Mutant(
        "a commit in SQLite ignores the fence",
        "SqliteStore.commit",
        "rules.confirm(self._documents.lease(lease.shard), lease)",
        "",
    ),
    # --- Limits -----------------------------------------------------------------------------------
    Mutant("no plan is refused", "Look.__call__", "await self._guard(planned)", ""),
    Mutant("any digest approves any plan", "guard", "approved == plan.digest", "approved"),
    Mutant(
        "closes behind the cap are not counted",
        "_broken",
        "plan.tally[Action.CLOSE]",
        "now[Action.CLOSE]",
    ),
    Mutant("a handful of closes is refused", "_broken", "max(CLOSE_FLOOR", "min(CLOSE_FLOOR"),
    Mutant(
        "one create too many is allowed",
        "_broken",
        "creates > limits.create_max",
        "creates > limits.create_max + 1",
    ),
    Mutant(
        "resolved issues' new tickets are not counted as creates",
        "_broken",
        " + now[Action.CREATE_AND_CLOSE]",
        "",
    ),
    Mutant("the digest does not name the tickets", "plan:_line", "{held.ticket_id or '-'}", "-"),
    # --- Accounting, parking, sweeping ------------------------------------------------------------
    Mutant("nobody checks the ledger", "account", "if wrong:", "if not wrong and wrong:"),
    Mutant(
        "deferred actions are missing in the ledger",
        "account",
        "[OutcomeKind.DEFERRED] += 1",
        "[OutcomeKind.DEFERRED] += 0",
    ),
    Mutant("the first try again comes after an hour", "FIRST_RETRY", "minutes=10", "minutes=60"),
    Mutant("delays do not grow", "park", "FIRST_RETRY * 2 ** min(attempts - 1, 16)", "FIRST_RETRY"),
    Mutant(
        "a parked issue that went well stays parked",
        "after",
        ", released=tuple((case.issue.id for case in well if case.parked is not None))",
        "",
    ),
    Mutant("a parked issue is never due", "Scope.is_due", "parked.next_at <= self.until or ", ""),
    Mutant(
        "other settings do not release a parked issue",
        "Scope.is_due",
        " or parked.settings_digest != self.settings_digest",
        "",
    ),
    Mutant(
        "a sweep that left something counts as complete",
        "Recorder.next_mark",
        " and (not left)",
        "",
    ),
    Mutant("a sweep is never due", "Look._sweep_is_due", "bool(every)", "not every"),
    Mutant("a circuit never opens", "Circuits.is_open", ">= STREAK_MAX", "< 0"),
    Mutant(
        "what stops a run does not stop its writes",
        "Brake.may_write",
        "if self.stopped_by or self._asked_to_stop():\n        raise Withheld(STOPPING)",
        "",
    ),
    Mutant(
        "whoever is asked to stop goes on",
        "Brake.may_begin",
        "if self.stopped_by or self._asked_to_stop():\n        raise Withheld(STOPPING)",
        "",
    ),
    Mutant(
        "what failed stays in nobody's sight",
        "Ledger.enter",
        "= kind is OutcomeKind.FAILED",
        "= False",
    ),
    # --- Pace and memory --------------------------------------------------------------------------
    Mutant(
        "a burst knows no bound",
        "Lane.pass_through",
        "max(self._filled_at, now - self._burst_s)",
        "self._filled_at",
    ),
    Mutant(
        "more leave in a second than allowed",
        "Lane.__init__",
        "per_second_max * (1.0 - BURST)",
        "per_second_max",
    ),
    Mutant(
        "a pause that begins while somebody waits for a turn is missed",
        "Governor.enter_any",
        "self._wait_s(lane, now=now)",
        "lane.wait_s(now)",
    ),
    Mutant("a waiting crowd leaves one by one", "TOGETHER", "0.5", "0.0"),
    Mutant("two writes to one ticket leave together", "Apart.note", "at + self._apart_s", "at"),
    Mutant(
        "turns that lie idle outlive a complaint",
        "Governor.enter_any",
        "while self._owed:",
        "while False:",
    ),
    Mutant(
        "nobody hears of a limit",
        "Caller._attempt",
        "self._governor.complain(era, refused=response.status == 429)",
        "era = 0",
    ),
    Mutant(
        "what a remote allows is never learned",
        "Caller._attempt",
        "refused=response.status == 429",
        "refused=False",
    ),
    Mutant(
        "a minute that somebody else used up counts",
        "Allowance.measure",
        "now - self._measured_at >= self._period_s",
        "now - self._measured_at >= 0",
    ),
    Mutant("a bad minute counts for a whole run", "GROWTH", "0.05", "0.0"),
    Mutant(
        "silence is taken for a measure",
        "Allowance.measure",
        "(lately := self._lately(now))",
        "(lately := self._lately(now)) >= 0",
    ),
    Mutant(
        "a measure may be next to nothing",
        "Allowance.measure",
        "max(lately / self._period_s, SLOWEST)",
        "(lately / self._period_s)",
    ),
    Mutant(
        "one kind starves the others",
        "Allowance.pass_through",
        "async with self._line:",
        "if True:",
    ),
    Mutant("who wakes up late falls behind", "LATE_S", "0.1", "0.0"),
    Mutant(
        "the wait for a turn uses up patience",
        "Caller.call",
        "inf, 0.0",
        "self._clock.monotonic() + self._patience_s, 0.0",
    ),
    Mutant(
        "an answer with a warning is no answer",
        "Caller._attempt",
        "response.status != 429",
        "not throttled(response)",
    ),
    Mutant("what is allowed is asked for to the last", "KEPT", "0.9", "1.0"),
    Mutant(
        "pauses do not grow for whoever comes",
        "Caller._pause_after",
        "max(attempt, refusals)",
        "attempt",
    ),
    Mutant("a pause holds one alone", "Caller._pause_after", "self._governor.pause(wait_s)", ""),
    Mutant("a write leaves unasked", "Caller._attempt", "await guard()", ""),
    Mutant(
        "a pause without end is waited for",
        "Governor._wait_s",
        "closed_s > self._patience_s",
        "closed_s == inf",
    ),
    Mutant(
        "every run asks whether the id field is in use",
        "Look.__call__",
        "not mark.highest_keys",
        "True",
    ),
    Mutant(
        "an older sight of an issue outlives the newer one",
        "Shelf.put",
        "self.drop(decision.case.issue.id)",
        "if decision.case.issue.id in self._held: return",
    ),
    Mutant(
        "what is packed loses its action",
        "Row.of",
        "held.action in actions",
        "held.action in actions and isinstance(held._kept, Decision)",
    ),
    # --- One bad thing of Halo's ------------------------------------------------------------------
    Mutant("an issue that cannot be read is decided about", "RULES", "issue_unreadable, ", ""),
    Mutant(
        "what has no id is parked and not waited for",
        "issue_unreadable",
        "Afterwards.PARK if case.issue.has_id else Afterwards.WAIT",
        "Afterwards.PARK",
    ),
    Mutant(
        "an issue that cannot be read misses its ticket",
        "Gathering._look_up",
        "[known for known in some if not known.issue.unreadable]",
        "some",
    ),
    Mutant(
        "whoever settings exclude unread is lost",
        "Issue.illegible",
        "critical=True",
        "critical=False",
    ),
    Mutant(
        "one that cannot be read is tried whenever it moves",
        "Issue.version",
        "if self.unreadable:",
        "if self.unreadable and self.last_seen_at is None:",
    ),
    Mutant(
        "one refused detail is about us",
        "halo.wire:found",
        "DetailRefused(f'While {doing}: {_answered(response)}')",
        "_refused(response, doing=doing, kind=RemoteRefused)",
    ),
    Mutant(
        "one thing that Halo breaks over is Halo that is down",
        "broken_over",
        "failure.status == 500",
        "failure.status == 501",
    ),
    Mutant(
        "a token that Halo breaks over is one issue's own",
        "broken_over",
        "failure.doing == request.name",
        "True",
    ),
    Mutant("nobody learns what was answered last", "Caller.call", "status=status", "status=0"),
    Mutant(
        "an asset that is refused is asked for by each issue",
        "HaloClient._described_asset",
        "return error",
        "raise",
    ),
    Mutant(
        "a garbled token is one issue's own",
        "_about_one",
        "error.doing == wire.SIGNING_IN",
        "error.doing is None",
    ),
    Mutant(
        "what cannot be read is told whenever it is garbled otherwise",
        "_substance",
        "(type(finding).__name__.lower(),)",
        "(repr(finding),)",
    ),
    Mutant("a page may be broken altogether", "UNREADABLE_MIN", "5", "500"),
    Mutant("a few odd rows are a broken page", "UNREADABLE_MIN", "5", "1"),
    Mutant(
        "a few odd rows among many are a broken page",
        "_hold_readable",
        "2 * len(reasons) >= len(issues)",
        "True",
    ),
    Mutant(
        "rows without an id that are alike are one",
        "halo.wire:_issues",
        "alike[issue.id] += 1",
        "alike[issue.id] = 1",
    ),
    Mutant("a time may lie in the year 9999", "YEARS", "range(1971, 3000)", "range(1971, 10000)"),
    Mutant(
        "a capped count is believed",
        "_is_too_deep",
        "DEPTH_MAX not in {first.count, above}",
        "True",
    ),
    Mutant(
        "a full hundredth page is an end",
        "Reading.next_pages",
        "self.ends_full or done < last",
        "done < last",
    ),
    Mutant("a crowded second stops the run", "halo.listing:_window", "middle is None", "False"),
    Mutant(
        "nothing waits for the rest of a crowded second",
        "_crowded",
        "yield [Issue.unnamed(f'{span.listing} since {at}', why=why, at=at)]",
        "",
    ),
    Mutant("a count may be off by many", "_is_steady", "max(1, due // OFF_MAX)", "due"),
    Mutant("a count that is off stops every run", "_is_steady", "max(1, due // OFF_MAX)", "0"),
    Mutant(
        "what moves is taken for a wrong count",
        "halo.listing:_settled",
        "reading.fresh or not _is_steady",
        "not _is_steady",
    ),
    Mutant(
        "a refused filter stops every run",
        "_first_if_filtered",
        "except FilterRefused:\n        return None",
        "except FilterRefused:\n        raise",
    ),
    Mutant(
        "who reads backward still filters",
        "halo.wire:page_request",
        "not listing.descending",
        "listing.stamp",
    ),
)
