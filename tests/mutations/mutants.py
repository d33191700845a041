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
    # --- Routes -----------------------------------------------------------------------------------
    Mutant("the last route that matches counts", "Routes._rule", "self.rules", "self.rules[::-1]"),
    Mutant(
        "an issue whose route changes follows the new route",
        "Routes.of",
        "own.project == project",
        "own.project != own.name",
    ),
    Mutant(
        "an issue that no route is for is skipped unasked",
        "Routes.skipped",
        "if self.skips_others",
        "if self.rules",
    ),
    Mutant(
        "a failing test of routes is let through", "rulebook", "wrong += _failures(book)", "pass"
    ),
    Mutant(
        "a shadowed rule is let through", "_without_a_turn", "if shadows:", "if not shadows[:0]:"
    ),
    Mutant(
        "a value that does not fit parks the ticket", "fields:filled", "_must_have(spec)", "spec.id"
    ),
    Mutant(
        "a pattern with a question mark covers more than it matches",
        "Word.covers",
        "'?' not in self.text",
        "self.text",
    ),
    Mutant("what Halo says may become JSON", "as_listed", "Raw(text.removeprefix(RAW))", "text"),
    Mutant(
        "an overdue ticket is due in the past",
        "ladders:due",
        "by_rule < today",
        "by_rule < today < by_rule",
    ),
    # --- Signing in -------------------------------------------------------------------------------
    Mutant(
        "a token that the site refuses is shown to the gateway with a write",
        "ByApiToken.call",
        "self._let_in or door.is_gateway or (not request.repeatable)",
        "self._let_in or door.is_gateway",
    ),
    Mutant(
        "a token that counted is tried at the gateway",
        "ByApiToken.call",
        "self._let_in or door.is_gateway or (not request.repeatable)",
        "door.is_gateway or (not request.repeatable)",
    ),
    Mutant(
        "a token is renewed by everybody who was refused",
        "SharedToken.good",
        "self._token is None or self._token is token",
        "True",
    ),
    Mutant(
        "a refused token of a service account is not renewed",
        "AsServiceAccount.call",
        "answer.status != 401 or access.lacks_scope(answer)",
        "True",
    ),
    Mutant(
        "anything that calls itself a site's id leads our token there",
        "_id_in",
        "isinstance(told, str) and _CLOUD_ID.fullmatch(told)",
        "isinstance(told, str)",
    ),
    Mutant(
        "of two ways to sign in one is taken",
        "sign_in_problems",
        "of_token and of_account",
        "False",
    ),
    Mutant(
        "a missing scope is told as a bad token",
        "lacks_scope",
        "told or b'scope does not match' in response.body",
        "False",
    ),
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
        "is_told(case)",
        "False",
    ),
    Mutant("an unchanged issue is told again", "seen_again", "is_told(case)", "False"),
    Mutant(
        "a hard-closed ticket is reopened",
        "no_ticket",
        "policy.is_hard_closed(case.ticket)",
        "policy.is_hard_closed(case.ticket) and not case.linked",
    ),
    Mutant("a closed ticket of an active issue stays closed", "RULES", "ticket_closed, ", ""),
    Mutant(
        "of two tickets the linked one is dropped",
        "policy:choose",
        "linked, not policy.is_closed(ticket)",
        "not linked, not policy.is_closed(ticket)",
    ),
    Mutant(
        "a ticket that is found is not remembered",
        "answers:nothing",
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
        "timedelta(minutes=20) + LONGEST_CALL",
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
    Mutant("a comment that was said is said again", "Step.unsaid", " and (not self.said)", ""),
    Mutant(
        "a comment's intent drops what a lost create left",
        "Sender.note",
        ", links=self._found_links(batch)",
        "",
    ),
    Mutant("half an action counts as the whole", "Visitor.ended_by", ", whole=is_told", ""),
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
        "rules:succeed",
        "last.until > now and",
        "last.until > now + LEASE_MAX and",
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
    Mutant(
        "no plan is refused",
        "Look.__call__",
        "await self._guard(planned, strangers=trust.strangers)",
        "",
    ),
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
        "_creates",
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
        "lane.wait_s(now) <= 0 and self._pauses.held_s(now=now, kind=kind) <= 0",
        "lane.wait_s(now) <= 0",
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
        "Caller._learn",
        "self._governor.complain(era, refused=response.status == 429)",
        "era = 0",
    ),
    Mutant(
        "what a remote allows is never learned",
        "Caller._learn",
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
        "Caller._learn",
        "response.status != 429",
        "not throttled(response, limits=self._limits)",
    ),
    Mutant("what is allowed is asked for to the last", "KEPT", "0.9", "1.0"),
    Mutant(
        "pauses do not grow for whoever comes",
        "pause_after",
        "max(attempt, refusals)",
        "attempt",
    ),
    Mutant(
        "a pause holds one alone",
        "Caller._pause_after",
        "self._governor.pause(pause.wait_s, reach=pause.reach, kind=kind, subject=subject)",
        "",
    ),
    Mutant("a write leaves unasked", "Caller._attempt", "await guard()", ""),
    Mutant(
        "a pause without end is waited for",
        "Pauses.too_long",
        "if held_s <= self._patience_s",
        "if held_s < inf",
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
    # --- Who we talk to, and whose memory it is ---------------------------------------------------
    Mutant(
        "a linked ticket is believed by its number",
        "make_case",
        "linked_ticket and linked_ticket.is_of(issue.id)",
        "linked_ticket",
    ),
    Mutant(
        "a ticket is made at once for a link to a stranger",
        "link_strange",
        "case.parked is None or case.parked.error_class != Reason.LINK_STRANGE",
        "case.parked is None and case.issue is None",
    ),
    Mutant("a collector of ids is somebody's ticket", "_names", "if len(held) == 1", "if held"),
    Mutant("an id in another spelling is another's", "ids:canonical", ".lower()", ""),
    Mutant("what Jira confirmed is created again", "RULES", "ticket_unconfirmed, ", ""),
    Mutant(
        "what Jira confirmed leaves no link", "Sender._create", "decision, link=link", "decision"
    ),
    Mutant("issues get a third ticket", "CREATES_MAX", "2", "9"),
    Mutant(
        "creates without effect count as tickets",
        "creates_with",
        "(not case.create_denied)",
        "1",
    ),
    Mutant("memory of another site is used", "prove_memory", "cloud_id != kept.cloud_id", "False"),
    Mutant(
        "memory of another account is used", "_is_same_account", "return not sample", "return True"
    ),
    Mutant("memory never says whose it is", "Run._own", "owner != mark.owner", "False"),
    # --- Refusals ---------------------------------------------------------------------------------
    Mutant(
        "a refusal of one ticket holds everybody", "JIRA_LIMITS", "Reach.SUBJECT", "Reach.EVERYBODY"
    ),
    Mutant(
        "a refusal of one endpoint holds everybody", "JIRA_LIMITS", "Reach.KIND", "Reach.EVERYBODY"
    ),
    Mutant(
        "a refusal that names no limit holds one alone",
        "reach_of",
        "(reason, Reach.EVERYBODY)",
        "(reason, Reach.SUBJECT)",
    ),
    Mutant(
        "a ticket's pause that begins while a write to it waits for a turn is missed",
        "Governor.enter",
        "self._pauses.held_s(now=now, subject=subject) <= 0",
        "True",
    ),
    Mutant(
        "a refusal of one ticket halves what goes at once",
        "throttled",
        "reach_of(response, limits=limits) is Reach.SUBJECT",
        "False",
    ),
    Mutant(
        "the pause of one ticket grows with the refusals of all",
        "pause_after",
        "asked_s is None and reach is not Reach.SUBJECT",
        "asked_s is None",
    ),
    Mutant(
        "when a limit is a new one is not read",
        "asked_pause_s",
        "response.headers.get(limits.reset_header, '')",
        "''",
    ),
    Mutant(
        "a reset that has passed is a pause of no length",
        "asked_pause_s",
        "reset_at is None or reset_at <= now",
        "reset_at is None",
    ),
    Mutant(
        "the reset of a limit that was not met is a pause",
        "asked_pause_s",
        "response.status != 429",
        "False",
    ),
    Mutant(
        "who waits when a pause without end begins waits on",
        "Caller._pause_after",
        "self._turn_away()",
        "",
    ),
    Mutant(
        "who comes to a closed door knocks until patience ends",
        "Caller.call",
        "isinstance(result, ClosedTooLong) or ",
        "",
    ),
    Mutant(
        "a request that was perhaps done counts as not done",
        "Caller.call",
        "undone and not_done(result)",
        "not_done(result)",
    ),
    Mutant(
        "a closed door is taken for a closed house",
        "Pauses.too_long",
        "self._everybody - now <= self._patience_s",
        "False",
    ),
    Mutant(
        "a write that was refused for its rate is of unknown fate",
        "Connection.send",
        "request.repeatable or not down.not_done",
        "True",
    ),
    Mutant(
        "a pause of one endpoint ends the run",
        "Connection.send",
        "None if down.others_go_on else down",
        "down",
    ),
    Mutant(
        "a pause of everybody that meets a write ends no run",
        "Brake.ended_by",
        "if error.stops:",
        "if error.stops is error:",
    ),
    Mutant(
        "a question that must wait ends the run",
        "_others_go_on",
        "error.others_go_on",
        "not error.not_done",
    ),
    Mutant(
        "what nobody looked at is parked",
        "Brake._only_this_issue",
        "isinstance(error, RemoteDown) and error.not_done",
        "False",
    ),
    Mutant("two tickets turned away in a row mean nothing", "ALIKE", "2", "3"),
    Mutant(
        "a success between two refusals is forgotten",
        "Brake.write_succeeded",
        "self._turned_away.in_a_row.clear()",
        "pass",
    ),
    Mutant(
        "what every write meets is parked",
        "Brake.judged",
        "issue_id in self._turned_away.in_a_row",
        "issue_id in ()",
    ),
    Mutant(
        "a whole batch is sent although every write is refused",
        "TurnedAway.note",
        "len(self.in_a_row) >= STREAK_MAX",
        "False",
    ),
    Mutant("a licence that ended leaves writes of unknown fate", "REJECTED", "402, ", ""),
    Mutant("a licence that ended parks one issue after the other", "TURNED_AWAY", "402, ", ""),
    Mutant(
        "a new ticket is no success of a write",
        "Sender._create",
        "self._brake.write_succeeded()",
        "pass",
    ),
    Mutant(
        "a comment is no success of a write",
        "Voice.say",
        "self._brake.write_succeeded()",
        "pass",
    ),
    # --- Workflows --------------------------------------------------------------------------------
    Mutant(
        "a closed ticket is not seen closed", "_is_there", "workflow.is_closed(standing)", "True"
    ),
    Mutant(
        "a reopened ticket is not seen open",
        "_is_there",
        "journey.goal.is_reached(standing) and (not workflow.is_closed_unnamed(standing))",
        "True",
    ),
    Mutant(
        "no ticket is asked for its own transitions",
        "Ways._choose",
        "self._in_vain[state] >= IN_VAIN_MAX + self._found[state]",
        "ticket",
    ),
    Mutant(
        "any number of tickets is asked for its own transitions",
        "Ways._choose",
        "self._in_vain[state] >= IN_VAIN_MAX + self._found[state]",
        "not ticket",
    ),
    Mutant(
        "a missing transition opens a circuit",
        "Brake.learn",
        "outcome.error_class != NO_WAY",
        "True",
    ),
    Mutant(
        "a refused comment keeps its ticket open",
        "Voice.say_if_taken",
        "{GONE, CONFLICT}",
        "{GONE, CONFLICT, 413}",
    ),
    Mutant("what could not be said is not logged", "Voice.say_late", "not step.unsaid", "True"),
    Mutant(
        "a comment that came along is said again",
        "Visitor._move",
        "moved.told and ",
        "not moved and ",
    ),
    Mutant(
        "a comment that came along with nothing counts as said",
        "Sight._look_for_comment",
        "step.told = None",
        "pass",
    ),
    Mutant("a resolution stays on reopen", "screens:_resolution", "{spec.id: None} if", "{} if"),
    Mutant(
        "a transition is taken by its name although another leads there",
        "transitions:_fitting",
        "leading or named if",
        "named or leading if",
    ),
    Mutant(
        "a ticket that a person moved gets its first status",
        "links:_link",
        "case.link.status_owed if is_where_it_was else ''",
        "case.link.status_owed",
    ),
    Mutant("blanks in the name of a status count", "spelled", "' '.join(name.split())", "name"),
    Mutant(
        "a status is not known by its id",
        "Status.among",
        "(self.name, self.untranslated, self.id)",
        "(self.name, self.untranslated)",
    ),
    Mutant(
        "Jira's own category is no witness that work is over",
        "why_over",
        "policy.is_closed_unnamed(ticket)",
        "False",
    ),
    Mutant(
        "a translated status is known by its translation alone",
        "Tongue.status",
        "names.get(status.id, '')",
        "''",
    ),
    Mutant(
        "an account that reads English asks what statuses are called",
        "Tongue.status",
        "not self._connection.reads_translations",
        "False",
    ),
    Mutant(
        "a new ticket is not closed where a validator wants a comment",
        "_may_want_words",
        "is_new and ",
        "not is_new and ",
    ),
    Mutant("an accepted risk is commented on", "RULES", "accepted, ", ""),
    Mutant(
        "a risk that became critical stays accepted",
        "acceptance_ended",
        "issue.critical and (not link.accepted_critical)",
        "False",
    ),
    Mutant(
        "a risk stays accepted however high its CVSS",
        "acceptance_ended",
        "round(after - before, 2) >= policy.accepted_worse_by",
        "False",
    ),
    Mutant(
        "a risk is accepted for ever",
        "acceptance_ended",
        "now - link.accepted_at >= policy.accepted_for",
        "False",
    ),
    Mutant(
        "the time of an accepted risk begins anew with each look",
        "link_to",
        "link.accepted_at is not None",
        "False",
    ),
    Mutant(
        "a resolved risk without a way out is told in each run",
        "Preparer._can_close",
        "not workflow.is_accepted(ticket.standing)",
        "True",
    ),
    # --- Time, orders and attempts ----------------------------------------------------------------
    Mutant(
        "a glance moves the watermark over what lies before",
        "Survey.reaches_mark",
        "self.since <= self.mark.at",
        "self.since >= self.mark.at",
    ),
    Mutant(
        "a glance reads from the watermark",
        "Look.__call__",
        "glance or self._since(mark, sweeps=sweeps)",
        "self._since(mark, sweeps=sweeps)",
    ),
    Mutant(
        "a time beside a sweep narrows it",
        "Look._glance",
        " or self._order.sweep",
        "",
    ),
    Mutant(
        "a back-fill that was begun is forgotten by a run that dies",
        "Run._begin",
        "if mark != found:",
        "if mark == found:",
    ),
    Mutant(
        "what a back-fill owes is not read",
        "Look._since",
        "mark.reading_from is not None",
        "mark is None and mark.reading_from",
    ),
    Mutant(
        "a back-fill is owed for ever",
        "Recorder.next_mark",
        "sweep_owed=owed",
        "sweep_owed=owed, reading_from=mark.reading_from",
    ),
    Mutant(
        "what a back-fill leaves does not take the watermark back",
        "Recorder.next_mark",
        "mark.reading_from is not None",
        "False",
    ),
    Mutant(
        "a glance drops what a back-fill owes",
        "Recorder.next_mark",
        "replace(mark, highest_keys=known.highest_keys, canary=known.canary)",
        "replace(mark, highest_keys=known.highest_keys, reading_from=None)",
    ),
    Mutant(
        "of two back-fills the shorter is owed",
        "owing",
        "min(since, reading_from or since)",
        "since",
    ),
    Mutant(
        "what lies after the watermark is owed as a back-fill",
        "owing",
        " and since <= mark.at",
        "",
    ),
    Mutant(
        "a sweep by hand that is cut short is forgotten",
        "Recorder.next_mark",
        "survey.sweeps and bool(left)",
        "False",
    ),
    Mutant(
        "a sweep that was begun by hand is forgotten by a run that dies",
        "owing",
        "mark.sweep_owed or sweep",
        "mark.sweep_owed",
    ),
    Mutant(
        "a refused command refuses every later run",
        "Recorder.record_failure",
        "taken_back=found",
        "taken_back=None",
    ),
    Mutant(
        "a new number of tasks owes nothing",
        "inherited",
        "min(owed, default=None)",
        "None",
    ),
    Mutant(
        "a new number of tasks owes no sweep",
        "inherited",
        "any((mark.sweep_owed for mark in latest))",
        "False",
    ),
    Mutant(
        "a look that is called off counts as done",
        "Run._called_off",
        "Verdict.STOPPED",
        "Verdict.DONE",
    ),
    Mutant(
        "the looking goes on when the time is over",
        "Run._unless_called_off",
        "time_is_over.set()",
        "pass",
    ),
    Mutant(
        "a task's next attempt waits for the lease of the dead one",
        "rules:succeed",
        " and (not comes_after(holder, last.holder))",
        "",
    ),
    Mutant(
        "any later attempt takes over the lease of another execution",
        "comes_after",
        "ours['execution'] == theirs['execution']",
        "True",
    ),
    Mutant(
        "an attempt takes over its own lease",
        "comes_after",
        "int(ours['attempt']) > int(theirs['attempt'])",
        "ours['attempt'] >= theirs['attempt']",
    ),
    Mutant(
        "a name does not say which attempt it is",
        "run_name",
        "{_ATTEMPT}{attempt}",
        "{_ATTEMPT}0",
    ),
    Mutant(
        "Halo's clock is not compared",
        "prove_identity",
        "compare_clocks('Halo', says=server_time, now=now())",
        "pass",
    ),
    Mutant(
        "Jira's clock is not compared",
        "prove_identity",
        "compare_clocks('Jira', says=server_time, now=now())",
        "pass",
    ),
    Mutant(
        "a create is waited for less long than it may take",
        "Policy.create_patience",
        "timedelta(minutes=25)",
        "timedelta(minutes=15)",
    ),
    Mutant(
        "a comment is waited for as if it left when it was noted",
        "COMMENT_PATIENCE",
        "timedelta(minutes=20) + LONGEST_CALL",
        "timedelta(minutes=2)",
    ),
    # --- Settings ---------------------------------------------------------------------------------
    Mutant(
        "patience may end before a late effect comes",
        "CREATE_PATIENCE_MIN",
        "timedelta(minutes=20)",
        "timedelta(0)",
    ),
    Mutant(
        "a run may read nothing again",
        "OVERLAP_MIN",
        "timedelta(minutes=2)",
        "timedelta(0)",
    ),
    Mutant(
        "a task may stand beside all that there are",
        "index_is_one_of_the_tasks",
        "value >= tasks",
        "value > tasks",
    ),
    # --- One ticket that Jira cannot load ---------------------------------------------------------
    Mutant("a ticket that is not loaded is decided about", "RULES", "ticket_not_loaded, ", ""),
    Mutant(
        "what is not loaded is looked for as what is missing",
        "Lookup.cases",
        "known.link.ticket_id in not_loaded",
        "False",
    ),
    Mutant(
        "a Jira that loads nothing is the trouble of each ticket",
        "Reader.fetch_block",
        "len(names) >= ABOUT_US",
        "False",
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
        "if known.issue.unreadable or why",
        "if why",
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
    Mutant(
        "nobody learns what was answered last",
        "http.caller:_down",
        "status=result.status if isinstance(result, Response) else 0",
        "status=0",
    ),
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
    # --- Searches that find nothing ---------------------------------------------------------------
    Mutant(
        "the silence of a search is believed unproven",
        "Trust.may_find",
        "await self._prove()",
        "True",
    ),
    Mutant(
        "a search that finds no ticket by its id is believed",
        "Prover.prove",
        "if found or not missed",
        "if True",
    ),
    Mutant(
        "only phrases are searched for",
        "id_clauses",
        "[Form.PHRASE, Form.WORDS]",
        "[Form.PHRASE]",
    ),
    Mutant(
        "the form that was seen to find is forgotten",
        "Prover._finds",
        "self._proven = clause",
        "pass",
    ),
    Mutant(
        "what Jira does not understand is taken for nothing found",
        "Prover._understood",
        "if refused:",
        "if False:",
    ),
    Mutant(
        "ids in any writing prove a search in a first run",
        "Prover.prove",
        "in_our_writing=bool(first_in)",
        "in_our_writing=False",
    ),
    Mutant(
        "tickets that others hold are no reason to wait",
        "guard",
        "if strangers and _creates(plan)",
        "if False",
    ),
    Mutant(
        "tickets of others hold back a run that creates nothing",
        "guard",
        "if strangers and _creates(plan)",
        "if strangers",
    ),
    Mutant(
        "ids that Halo knows are strangers",
        "Trust._prove",
        "proof.held and (not await knows_any(self._ports.halo, ids))",
        "proof.held",
    ),
    Mutant(
        "adopted memory keeps the keys of another site",
        "Run._own",
        "mark = replace(mark, owner=None, highest_keys={}, canary=IssueId(''))",
        "mark = replace(mark, owner=None)",
    ),
    Mutant(
        "no canary is remembered",
        "Sender._create",
        "self.canary = self.canary or step.draft.issue_id",
        "pass",
    ),
    # --- What comes and goes ----------------------------------------------------------------------
    Mutant(
        "one 404 closes a ticket",
        "decisions:issue_gone",
        "missed_at is None or now - missed_at < MISSES_APART",
        "False",
    ),
    Mutant(
        "a run that dies and its successor count two misses",
        "decisions:issue_gone",
        "missed_at is None or now - missed_at < MISSES_APART",
        "missed_at is None",
    ),
    Mutant(
        "an issue that is not known is never asked for again",
        "link_to",
        "live = case.link is None or case.link.live",
        "live = False",
    ),
    Mutant(
        "a ticket that was closed for good is asked for in each sweep",
        "steps:linked",
        "link.live and (not (whole and action is Action.CLOSE))",
        "link.live",
    ),
    Mutant(
        "an issue that is not known is told in each sweep",
        "decisions:issue_gone",
        "case.link is not None and case.link.missed_at is not None and case.linked",
        "False",
    ),
    Mutant(
        "an issue that is back is still missed",
        "links:_link",
        "missed_at=missed_at, updated_at=now)\n    return",
        "updated_at=now)\n    return",
    ),
    Mutant(
        "a gone issue is called resolved",
        "close_comment",
        "if issue.gone:",
        "if False:",
    ),
    Mutant(
        "a second reopening has the name of the first",
        "reopen_comment",
        "f'reopen-{times}' if times else 'reopen'",
        "'reopen'",
    ),
    Mutant(
        "an excluded issue's unsettled note is dropped",
        "RULES",
        "create_unsettled, out_of_scope, ",
        "out_of_scope, create_unsettled, ",
    ),
    Mutant(
        "an excluded issue's unsettled comment is dropped",
        "out_of_scope",
        "return nothing(",
        "return rest(",
    ),
    Mutant(
        "a resolved excluded issue's ticket is not looked for",
        "is_newsworthy",
        "return issue.status is IssueStatus.RESOLVED",
        "return False",
    ),
    Mutant(
        "evidence that comes and goes is news at each scan",
        "recollection:recollection",
        "msgspec.structs.replace(before, facts=seen.facts)",
        "Recollection(kind=seen.kind, facts=seen.facts)",
    ),
    Mutant(
        "nothing is news without evidence",
        "news:news",
        "return News(facts=facts)",
        "return News(facts={})",
    ),
    Mutant(
        "evidence of a new issue is called deleted",
        "HaloClient._is_young",
        "self._clock.now() - seen_at < YOUNG",
        "False",
    ),
    # --- What only rare orders of events, and only worlds, can show ------------------------------
    Mutant(
        "a status that is owed is not looked at again",
        "is_newsworthy",
        " or link.status_owed",
        "",
    ),
    Mutant(
        "the first sight of an issue wins over a newer one",
        "Gathering._keep",
        "given_at is not None and given_at >= issue.touched_at",
        "given_at is not None",
    ),
    Mutant(
        "no copy is looked for when the linked ticket is hard-closed",
        "needs_search",
        "is_active and scope.policy.is_hard_closed(ticket)",
        "False",
    ),
    Mutant(
        "lost creates are looked for above the highest of their keys",
        "Lookup._found",
        "min(",
        "max(",
    ),
    Mutant(
        "a first miss counts as gone",
        "_is_gone",
        " and link.misses + 1 >= MISSES_BEFORE_GONE",
        "",
    ),
    Mutant(
        "what an earlier comment of unknown fate said is forgotten",
        "Preparer._settled_link",
        "fingerprint=intent.fingerprint, ",
        "",
    ),
    Mutant(
        "patience for a comment is judged after it was looked for",
        "Preparer._settled_link",
        "asked_at - intent.at",
        "now() - intent.at",
    ),
    Mutant(
        "the streak of a remote's failures never clears",
        "Brake.all_is_well",
        "self._down.clear()",
        "self._down",
    ),
    Mutant(
        "an owed status is given to a ticket that a person moved",
        "steps:status_owed",
        "link.status_owed if ticket.status == link.status_seen else ''",
        "link.status_owed",
    ),
    Mutant(
        "a gone ticket's link stays live",
        "_remembered",
        "live=False, updated_at",
        "live=True, updated_at",
    ),
    Mutant(
        "quiet decisions never settle notes",
        "quietly",
        "settled.extend([case.issue.id] if case.intent else [])",
        "",
    ),
    Mutant("misses are not reset", "links:_link", "misses=0, ", ""),
    Mutant("a clock an hour behind is accepted", "compare_clocks", "abs(now - says)", "now - says"),
    Mutant(
        "the watermark passes all unfinished work",
        "Recorder.next_mark",
        "held_by=left",
        "held_by=()",
    ),
    Mutant("what is set aside is never written", "quietly", "parked=tuple(parked)", "parked=()"),
    Mutant(
        "every scan is told",
        "weigh",
        "worth = bool(found) or ",
        "worth = True or ",
    ),
    Mutant("what may wait is told at once", "weigh", "due_at <= now):", "True):"),
    Mutant("what is gathered is told by nobody", "Link.is_due", "self.tell_at <= now", "False"),
    Mutant("what became critical waits", "is_urgent", "== 'yes'", "== 'never'"),
    Mutant("a grave vulnerability waits", "is_urgent", ">= GRAVE", "> GRAVE"),
    Mutant("customers see what is internal", "remark", "not public", "False"),
    Mutant(
        "a vulnerability is asked for again", "Cves.details", "cve_id not in self._known", "True"
    ),
    Mutant("a dead link is given to people", "portal:address", "return ''", "return template"),
    # --- Documents that cannot be used ------------------------------------------------------------
    Mutant(
        "one link that cannot be used stops the run",
        "Gathering._look_into",
        "links(ids, broken=self._broken)",
        "links(ids)",
    ),
    Mutant(
        "an issue whose link cannot be used is taken for a new one",
        "decisions:memory_unreadable",
        "if not why:",
        "if True:",
    ),
    Mutant(
        "a note that cannot be used stops the run",
        "gather:recall",
        "intents(broken=lost)",
        "intents()",
    ),
    Mutant(
        "a broken note of a parked issue is written over",
        "case_set_aside",
        "issue.id not in scope.notes.never_parked",
        "True",
    ),
    Mutant(
        "an issue whose notes cannot be used is lost sight of",
        "Scope.to_describe",
        "self.notes.intents.keys() | due | unseen",
        "self.notes.intents.keys() | due",
    ),
)
