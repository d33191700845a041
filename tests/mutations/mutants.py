"""Mistakes that somebody could make: each a small change to one file that breaks one promise, named by what it breaks.

A mutant is a text that stands exactly once in its file, and what is put in its place. One that does not fit any more
fails its test, so that the list follows the code.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """What goes wrong, where, and how."""

    name: str
    file: str
    before: str
    after: str


DECISIONS, OUTCOMES, PLAN = "job/core/decisions.py", "job/core/outcomes.py", "job/core/plan.py"
RUN, APPLY, GATHER, LEASE = "job/run.py", "job/apply.py", "job/gather.py", "job/lease.py"
RULES, MEMORY, SQLITE = "job/state/rules.py", "job/state/memory.py", "job/state/sqlite.py"
TICKETS, RETRY, GOVERNOR = "job/jira/wire/tickets.py", "job/http/retry.py", "job/http/governor.py"
SHELF, CALLER = "job/core/shelf.py", "job/http/caller.py"

MUTANTS: Final = (
    # --- Decisions --------------------------------------------------------------------------------------------------
    Mutant(
        "one miss of a ticket counts as its end",
        DECISIONS,
        "MISSES_BEFORE_GONE = 2",
        "MISSES_BEFORE_GONE = 1",
    ),
    Mutant("a lost create is not waited for", DECISIONS, "    create_unsettled,\n", ""),
    Mutant(
        "patience for a lost create never ends",
        DECISIONS,
        "if now - intent.at >= policy.create_patience:",
        "if now - intent.at < -policy.create_patience:",
    ),
    Mutant(
        "an issue that Halo forgot closes its ticket unasked",
        DECISIONS,
        "policy.when_issue_gone is WhenGone.CLOSE",
        "policy.when_issue_gone is not WhenGone.CLOSE",
    ),
    Mutant(
        "a ticket that a person opened again is closed again",
        DECISIONS,
        'if case.link is not None and case.link.version == case.issue.version:\n        because = f"Resolved and',
        'if case.link is None and case.issue is None:\n        because = f"Resolved and',
    ),
    Mutant(
        "an unchanged issue is told again",
        DECISIONS,
        ' == case.issue.version:\n        return _nothing(case, reason="unchanged"',
        ' == case.issue.id:\n        return _nothing(case, reason="unchanged"',
    ),
    Mutant(
        "a hard-closed ticket is reopened",
        DECISIONS,
        "if policy.is_hard_closed(case.ticket):\n        because",
        "if policy.is_hard_closed(case.ticket) and not case.linked:\n        because",
    ),
    Mutant(
        "a closed ticket of an active issue stays closed", DECISIONS, "    ticket_closed,\n", ""
    ),
    Mutant(
        "of two tickets the linked one is dropped",
        DECISIONS,
        "ticket), linked, not",
        "ticket), not linked, not",
    ),
    Mutant(
        "a ticket that is found is not remembered",
        DECISIONS,
        "(not case.linked or case.intent is not None)",
        "case.intent is not None",
    ),
    Mutant(
        "a new ticket is moved on although a person moved it",
        DECISIONS,
        "if ticket.status != link.status_seen or policy.is_closed(ticket):",
        "if policy.is_closed(ticket):",
    ),
    # --- Watermark --------------------------------------------------------------------------------------------------
    Mutant(
        "the watermark passes unsettled work",
        OUTCOMES,
        "min([started_at - overlap, *held_by])",
        "started_at - overlap",
    ),
    Mutant(
        "the watermark comes up to the start",
        OUTCOMES,
        "min([started_at - overlap,",
        "min([started_at,",
    ),
    Mutant(
        "the watermark goes back by itself",
        OUTCOMES,
        "if may_go_back else max(previous, reached)",
        "",
    ),
    Mutant(
        "a lost write does not hold the watermark",
        OUTCOMES,
        "if kind in {OutcomeKind.UNKNOWN, OutcomeKind.DEFERRED} or",
        "if kind in {OutcomeKind.DEFERRED} or",
    ),
    Mutant("what waits behind the cap is forgotten", OUTCOMES, "in plan.deferred.held)", "in ())"),
    Mutant(
        "a watermark from the future is believed",
        RUN,
        "if mark.at > self._started_at + CLOCK_SKEW_MAX and",
        "if mark.at < self._started_at - self._setup.look_back * 999 and",
    ),
    Mutant(
        "a first run that dies leaves no watermark",
        RUN,
        "            if tenure:\n                await self._ports",
        "            if not mark and tenure:\n                await self._ports",
    ),
    Mutant(
        "a run does not read again before its mark",
        RUN,
        "return since - self._setup.overlap",
        "return since",
    ),
    # --- Ledger -----------------------------------------------------------------------------------------------------
    Mutant(
        "no intent is stored",
        APPLY,
        "        if intents:\n            changes",
        "        if not steps:\n            changes",
    ),
    Mutant(
        "no intent is stored for comments",
        APPLY,
        "if step.draft or (step.comment and not step.said)]",
        "if step.draft]",
    ),
    Mutant(
        "an intent is dropped although its write is unknown",
        OUTCOMES,
        "[outcome for outcome in outcomes if outcome.kind is not OutcomeKind.UNKNOWN]",
        "list(outcomes)",
    ),
    Mutant(
        "an intent is never dropped",
        APPLY,
        "            standing |= noted | _noted_before",
        "            standing |= _noted_before",
    ),
    Mutant(
        "an older intent is dropped although the newer one could not be written",
        APPLY,
        "        standing = _noted_before(unchanged)",
        "        standing = _noted_before([*unchanged, *(step.decision for step in steps)])",
    ),
    Mutant(
        "what could not be remembered holds nothing",
        APPLY,
        "            remembered = False",
        "            pass",
    ),
    Mutant(
        "a comment that is on its way is said again", APPLY, "timedelta(minutes=2)", "timedelta(0)"
    ),
    Mutant(
        "more is written in one commit than it may hold",
        RUN,
        "QUIET_A_COMMIT = 160",
        "QUIET_A_COMMIT = 400",
    ),
    Mutant(
        "nobody keeps the lease while we look",
        GATHER,
        "        await self._stay()\n        mine",
        "        mine",
    ),
    Mutant(
        "a lost write counts as refused",
        APPLY,
        "if isinstance(error, FateUnknown):",
        "if error is None:",
    ),
    Mutant(
        "a comment of unknown fate is said again blindly",
        APPLY,
        "if not await self._ports.jira.has_comment(case.ticket.id, marker=intent.marker, since=intent.at):",
        "if intent.marker:",
    ),
    Mutant(
        "a comment that was said is said again",
        APPLY,
        "        if step.comment and not step.said:\n",
        "        if step.comment:\n",
    ),
    Mutant(
        "a comment's intent drops what a lost create left",
        APPLY,
        "changes = Changes(intents=tuple(intents), links=tuple(links))",
        "changes = Changes(intents=tuple(intents))",
    ),
    Mutant(
        "half an action counts as the whole", APPLY, "ticket=ticket, whole=told)", "ticket=ticket)"
    ),
    Mutant(
        "a lost ticket is looked for too high",
        APPLY,
        "above_key=self.high[self._manner.shape.project_key],",
        "above_key=self.high[self._manner.shape.project_key] + 1,",
    ),
    Mutant(
        "a lost ticket is only searched for",
        GATHER,
        "for project in sorted({intent.project for intent in lost}):",
        "for project in sorted({intent.project for intent in lost[:0]}):",
    ),
    Mutant(
        "an intent is looked at only when Halo lists its issue",
        GATHER,
        "self._described((notes.intents.keys() | due) - self._given.keys())",
        "self._described(due - self._given.keys())",
    ),
    Mutant(
        "a create is sent again after a lost answer",
        TICKETS,
        "        repeatable=False,\n        deadline_s=60.0 + len(drafts),",
        "        deadline_s=60.0 + len(drafts),",
    ),
    Mutant(
        "a comment is sent again after a lost answer",
        TICKETS,
        "        repeatable=False,\n        deadline_s=60.0,",
        "        deadline_s=60.0,",
    ),
    Mutant(
        "every request may be repeated",
        RETRY,
        "return Verdict.REPEAT if request.repeatable else Verdict.UNKNOWN",
        "return Verdict.REPEAT",
    ),
    Mutant(
        "an adopted create counts as fully applied",
        OUTCOMES,
        'now=now, version=Version(""), live=True)',
        "now=now, version=case.issue.version, live=True)",
    ),
    # --- Lease and fence --------------------------------------------------------------------------------------------
    Mutant(
        "a lease is never renewed",
        LEASE,
        "return self.lease.until - self._clock.now() >= LONGEST_WRITE",
        "return True",
    ),
    Mutant(
        "a lease is renewed too late for a long write",
        LEASE,
        "LONGEST_WRITE = timedelta(minutes=4)",
        "LONGEST_WRITE = timedelta(0)",
    ),
    Mutant(
        "a lease is not given back",
        LEASE,
        "        await store.release_lease(tenure.lease)",
        "        pass",
    ),
    Mutant(
        "nobody asks for the lease before a write",
        APPLY,
        "            await self._tenure.hold()\n        except",
        "            pass\n        except",
    ),
    Mutant(
        "two runs get the lease",
        RULES,
        "if last is not None and last.until > now:",
        "if last is None and now is None:",
    ),
    Mutant("the fence does not rise", RULES, "else last.fence + 1", "else last.fence"),
    Mutant(
        "the fence is not compared",
        RULES,
        "(kept.fence, kept.holder) == (ours.fence, ours.holder)",
        "kept.holder == ours.holder",
    ),
    Mutant(
        "the holder is not compared",
        RULES,
        "(kept.fence, kept.holder) == (ours.fence, ours.holder)",
        "kept.fence == ours.fence",
    ),
    Mutant(
        "intents overwrite each other",
        RULES,
        "if found != new.follows:",
        "if found and found == new.attempt:",
    ),
    Mutant(
        "a commit in memory ignores the fence",
        MEMORY,
        "            rules.confirm(self._leases.get(lease.shard), lease)\n            for",
        "            for",
    ),
    Mutant(
        "a commit in SQLite ignores the fence",
        SQLITE,
        "            rules.confirm(self._lease(lease.shard), lease)\n            self._check",
        "            self._check",
    ),
    # --- Limits -----------------------------------------------------------------------------------------------------
    Mutant("no plan is refused", RUN, "        await self._guard(planned)\n", ""),
    Mutant("any digest approves any plan", PLAN, "if approved == plan.digest:", "if approved:"),
    Mutant(
        "closes behind the cap are not counted",
        PLAN,
        "closes, closes_max = plan.tally[Action.CLOSE],",
        "closes, closes_max = now[Action.CLOSE],",
    ),
    Mutant(
        "a handful of closes is refused",
        PLAN,
        "max(CLOSE_FLOOR, live_links",
        "min(CLOSE_FLOOR, live_links",
    ),
    Mutant(
        "one create too many is allowed",
        PLAN,
        "creates > limits.create_max:",
        "creates > limits.create_max + 1:",
    ),
    Mutant(
        "resolved issues' new tickets are not counted as creates",
        PLAN,
        "now[Action.CREATE] + now[Action.CREATE_AND_CLOSE]",
        "now[Action.CREATE]",
    ),
    Mutant("the digest does not name the tickets", PLAN, "{held.ticket_id or '-'}", "-"),
    # --- Accounting, parking, sweeping ------------------------------------------------------------------------------
    Mutant("nobody checks the books", OUTCOMES, "    if wrong:\n", "    if not wrong and wrong:\n"),
    Mutant(
        "deferred actions are missing in the books",
        OUTCOMES,
        "ended[one.action][OutcomeKind.DEFERRED] += 1",
        "ended[one.action][OutcomeKind.DEFERRED] += 0",
    ),
    Mutant(
        "the first try again comes after an hour",
        OUTCOMES,
        "FIRST_RETRY = timedelta(minutes=10)",
        "FIRST_RETRY = timedelta(minutes=60)",
    ),
    Mutant(
        "delays do not grow", OUTCOMES, "FIRST_RETRY * 2 ** min(attempts - 1, 16)", "FIRST_RETRY"
    ),
    Mutant(
        "a parked issue that went well stays parked",
        OUTCOMES,
        "released=tuple(case.issue.id for case in well if case.parked is not None),",
        "",
    ),
    Mutant(
        "a parked issue is never due",
        GATHER,
        "parked.next_at <= self.until or parked.settings_digest",
        "parked.settings_digest",
    ),
    Mutant(
        "other settings do not release a parked issue",
        GATHER,
        "parked.next_at <= self.until or parked.settings_digest != self.settings_digest",
        "parked.next_at <= self.until",
    ),
    Mutant(
        "a sweep that left something counts as complete",
        RUN,
        "if sight.sweeps and not left else",
        "if sight.sweeps else",
    ),
    Mutant(
        "a sweep is never due", RUN, "return bool(every) and (mark", "return not every and (mark"
    ),
    Mutant(
        "a circuit never opens",
        APPLY,
        "return self.streaks[scope] >= STREAK_MAX",
        "return self.streaks[scope] < 0",
    ),
    Mutant(
        "what stops a run does not stop its writes",
        APPLY,
        "        if self.stopped_by or self._stop():\n            raise Withheld(STOPPING)\n        try",
        "        try",
    ),
    Mutant(
        "whoever is asked to stop goes on",
        APPLY,
        "        if self.stopped_by or self._stop():\n            raise Withheld(STOPPING)\n        if self._circuits",
        "        if self._circuits",
    ),
    Mutant(
        "what failed stays in nobody's sight",
        OUTCOMES,
        "self.parked[decision.case.issue.id] = kind is OutcomeKind.FAILED",
        "self.parked[decision.case.issue.id] = False",
    ),
    # --- Pace and memory ----------------------------------------------------------------------------------------------
    Mutant(
        "a burst knows no bound",
        GOVERNOR,
        "max(self._filled_at, now - self._burst_s)",
        "self._filled_at",
    ),
    Mutant(
        "more leave in a second than allowed",
        GOVERNOR,
        "per_second_max * (1.0 - BURST)",
        "per_second_max",
    ),
    Mutant(
        "a pause that begins while somebody waits for a turn is missed",
        GOVERNOR,
        "if self._wait_s(lane, now=now) <= 0:",
        "if lane.wait_s(now) <= 0:",
    ),
    Mutant("a waiting crowd leaves one by one", GOVERNOR, "TOGETHER = 0.5", "TOGETHER = 0.0"),
    Mutant("two writes to one ticket leave together", GOVERNOR, "at + APART_S", "at"),
    Mutant(
        "turns that lie idle outlive a complaint",
        GOVERNOR,
        "                while self._owed:",
        "                while False:",
    ),
    Mutant(
        "nobody hears of a limit",
        CALLER,
        "self._governor.complain(era, refused=response.status == 429)",
        "era = 0",
    ),
    Mutant(
        "what a remote allows is never learned",
        CALLER,
        "refused=response.status == 429",
        "refused=False",
    ),
    Mutant(
        "a minute that somebody else used up counts",
        GOVERNOR,
        "_measured_at >= self._period_s",
        "_measured_at >= 0",
    ),
    Mutant(
        "a bad minute counts for a whole run",
        GOVERNOR,
        "GROWTH, DOUBLINGS = 3, 0.05",
        "GROWTH, DOUBLINGS = 3, 0.0",
    ),
    Mutant(
        "silence is taken for a measure",
        GOVERNOR,
        "(lately := self._lately(now)):",
        "(lately := self._lately(now)) >= 0:",
    ),
    Mutant(
        "a measure may be next to nothing",
        GOVERNOR,
        "max(lately / self._period_s, SLOWEST)",
        "(lately / self._period_s)",
    ),
    Mutant(
        "one kind starves the others",
        GOVERNOR,
        "        async with self._line:",
        "        if True:",
    ),
    Mutant("who wakes up late falls behind", GOVERNOR, "LATE_S = 0.1", "LATE_S = 0.0"),
    Mutant(
        "the wait for a turn uses up patience",
        CALLER,
        "wait_s = inf, 0.0",
        "wait_s = self._clock.monotonic() + self._patience_s, 0.0",
    ),
    Mutant(
        "an answer with a warning is no answer",
        CALLER,
        "response.status < 500 and response.status != 429",
        "response.status < 500 and not throttled(response)",
    ),
    Mutant("what is allowed is asked for to the last", GOVERNOR, "KEPT = 0.9", "KEPT = 1.0"),
    Mutant("pauses do not grow for whoever comes", CALLER, "max(attempt, refusals)", "attempt"),
    Mutant("a pause holds one alone", CALLER, "            self._governor.pause(wait_s)\n", ""),
    Mutant("a write leaves unasked", CALLER, "                    await guard()\n", ""),
    Mutant(
        "a pause without end is waited for",
        GOVERNOR,
        "if closed_s > self._patience_s:",
        "if closed_s == inf:",
    ),
    Mutant(
        "every run asks whether the id field is in use",
        RUN,
        "begins=not mark.highest_keys,",
        "begins=True,",
    ),
    Mutant(
        "an older sight of an issue outlives the newer one",
        SHELF,
        "        self.drop(decision.case.issue.id)\n",
        "        if decision.case.issue.id in self._held:\n            return\n",
    ),
    Mutant(
        "what is packed loses its action",
        SHELF,
        "if one.action in actions)",
        "if one.action in actions and isinstance(one._kept, Decision))",
    ),
)
