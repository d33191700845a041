"""The simulated Halo API: who is asking, for which route, and what an issue points at.

Promises: answers as CloudPassage Halo does (sources in bodies.py and at the lines that need one),
and is meaner where nothing is known.
Does not do: v1 and v2 issue lists, writing.
"""

from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from random import Random

from job.sim.call import Answer, Call, Exchange, json_answer
from job.sim.faults import Faults
from job.sim.halo.bodies import asset_body
from job.sim.halo.cves import cve_answer
from job.sim.halo.estate import HaloEstate, HaloIssue
from job.sim.halo.evidence import event_body, finding_body
from job.sim.halo.issues import Issues
from job.sim.halo.quirks import Quirks
from job.sim.halo.refusals import error, not_found
from job.sim.halo.tokens import Tokens


class HaloSim:
    """One Halo account behind `answer`. Change its world through `estate`, its manners through the
    switches.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        seed: int = 0,
        keep: int = 10_000,
    ) -> None:
        self.now = now
        self.estate = HaloEstate(now, seed=seed)
        self.faults = Faults(seed=seed + 1)
        self.calls: Counter[str] = Counter()
        self.recorded: deque[Exchange] = deque(maxlen=keep)
        self.ignores_gte = False
        self.ignores_lte = False
        self.quirks = Quirks()
        self.calls_a_minute: int | None = None
        self._this_minute = (now(), 0)
        draw = Random(seed + 2)
        self.tokens = Tokens(now, draw=draw)
        self._issues = Issues(self.estate, faults=self.faults, quirks=self.quirks, draw=draw)

    @property
    def credentials(self) -> str:
        """The key's id and its secret, with a colon between them."""
        return self.tokens.credentials

    def answer(self, call: Call) -> Answer:
        route, effect = self._route(call)
        self.calls[route] += 1
        answer = self.faults.around(call, effect=effect)
        self.recorded.append(Exchange(route, call, answer))
        return answer

    def revoke_tokens(self) -> None:
        """Every token given out so far answers 401 from now on."""
        self.tokens.revoke_all()

    def _route(self, call: Call) -> tuple[str, Callable[[Call], Answer]]:
        if call.path == "/oauth/access_token":
            return f"{call.method} /oauth/access_token", self.tokens.give
        route, effect = self._member_route(call)
        return f"{call.method} {route}", self._signed_in(effect)

    def _member_route(self, call: Call) -> tuple[str, Callable[[Call], Answer]]:
        found: tuple[str, Callable[[Call], Answer]] = (
            "(unknown)",
            lambda asked: not_found(asked.path),
        )
        match (call.method, *call.path.strip("/").split("/")):
            case ("GET", "v3", "issues"):
                found = "/v3/issues", self._list
            case ("GET", "v3", "issues", issue_id):
                found = "/v3/issues/{id}", lambda _: self._issues.describe(issue_id)
            case ("GET", "v1", "scans", scan_id, "findings", finding_id):
                found = (
                    "/v1/scans/{id}/findings/{id}",
                    lambda asked: self._finding(asked, key=(scan_id, finding_id)),
                )
            case ("GET", "v1", "events", event_id):
                found = "/v1/events/{id}", lambda _: self._event(event_id)
            case ("GET", "v1", "cve_details", cve_id):
                found = "/v1/cve_details/{id}", lambda _: cve_answer(cve_id)
            case ("GET", "v1", "csp_findings", _):
                found = "/v1/csp_findings/{id}", lambda asked: not_found(asked.path)
            case (
                "GET",
                "v1" | "v2" as version,
                "servers" | "csp_resources" | "container_images" as kind,
                asset_id,
            ):
                found = f"/{version}/{kind}/{{id}}", lambda _: self._asset(asset_id)
        return found

    def _signed_in(self, effect: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def checked(call: Call) -> Answer:
            if self._is_throttled():
                return error("API rate limit exceeded: too many calls per minute.", status=429)
            token = call.headers.get("authorization", "").removeprefix("Bearer ")
            if self.faults.strikes("token_revoked"):
                self.tokens.revoke(token)
            if not self.tokens.is_good(token):
                return error(
                    "Authorization failed: the access token is invalid or has expired.", status=401
                )
            return self.quirks.instead(call) or effect(call)

        return checked

    def _is_throttled(self) -> bool:
        """Halo counts calls by the minute; the number is not published, and nor is any header."""
        minute = self.now().replace(second=0, microsecond=0)
        self._this_minute = (
            minute,
            self._this_minute[1] + 1 if self._this_minute[0] == minute else 1,
        )
        return self.calls_a_minute is not None and self._this_minute[1] > self.calls_a_minute

    def _list(self, call: Call) -> Answer:
        switches = (("_gte", self.ignores_gte), ("_lte", self.ignores_lte))
        ignored = tuple(suffix for suffix, is_ignored in switches if is_ignored)
        return self._issues.page(call, ignored=ignored)

    def _finding(self, call: Call, *, key: tuple[str, str]) -> Answer:
        issue, finding = self.estate.scans.findings.get(key, (None, None))
        if issue is None or finding is None or self._is_gone(issue) or finding.is_event:
            return not_found(call.path)
        page = int(call.args().get("page", "1"))
        return json_answer(finding_body(issue, finding=finding, page=page))

    def _event(self, event_id: str) -> Answer:
        """Bare in the captured answer; clients have been seen to unwrap `event` as well, so it
        comes both ways.
        """
        issue, finding = self.estate.scans.events.get(event_id, (None, None))
        if issue is None or finding is None or self._is_gone(issue) or not finding.is_event:
            return not_found(f"/v1/events/{event_id}")
        body = event_body(issue, finding=finding)
        return json_answer({"event": body} if issue.shape % 2 else body)

    def _is_gone(self, issue: HaloIssue) -> bool:
        return issue.asset.forgotten or self.faults.strikes("missing_finding")

    def _asset(self, asset_id: str) -> Answer:
        hyphenated = asset_id if "-" in asset_id else _hyphenate(asset_id)
        asset = self.estate.assets.get(hyphenated)
        if asset is None or asset.forgotten or self.faults.strikes("missing_asset"):
            return not_found(asset_id)
        return json_answer(asset_body(asset))


def _hyphenate(bare: str) -> str:
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))
