"""Sites as versions 1.2.1, 2.0.0 and 3.x of jira_halo_issues_sync leave them.

Promises: each ticket is as that version writes it; what became of it since is told with it.
Does not do: knowing what the job makes of any of them.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from job.sim.halo.api import HaloSim
from job.sim.halo.estate import HaloIssue
from job.sim.jira.api import JiraSim
from job.sim.jira.site import Person

ID_FIELD = "customfield_10010"
BOT = Person("acct-old-bot", "Old Bot")


@dataclass(frozen=True)
class Leftovers:
    """Makes tickets of one site, as an older program's account."""

    halo: HaloSim
    jira: JiraSim
    author: Person = BOT

    def v1(self, issue_id: str, **over: Any) -> str:
        """Its id is the old one; without it the ticket is an orphan."""
        issue = self._issue(issue_id)
        summary = f"Halo detected issue in server {issue.asset.name} ({issue.type}): {issue.name}"
        return self._make({"summary": summary, ID_FIELD: issue_id.replace("-", "")} | over)

    def v2(self, issue_id: str, **over: Any) -> str:
        """Its description holds the issue as JSON, cut where it is too long."""
        issue = self._issue(issue_id)
        summary = f"Source: {issue.source} Issue - Critical: {issue.critical} - "
        summary += f"Type: {issue.type} - Name: {issue.name}"
        body = json.dumps({"id": issue_id, "name": issue.name, "asset_name": issue.asset.name})
        description = _document(f"h2. issue {{code:JSON}}{body}{{code}}h2. findings {{code:JSON}}")
        fields = {"summary": summary, "description": description, ID_FIELD: issue_id}
        return self._make(fields | over)

    def v3(self, issue_id: str, **over: Any) -> str:
        """The name of the issue and nothing else is its summary."""
        return self._make({"summary": self._issue(issue_id).name, ID_FIELD: issue_id} | over)

    def epic(self, group: str) -> str:
        """The epic of a group holds the hash of what the group has in common."""
        text = json.dumps({"csp_resource_id": group})
        return self._make({"summary": text, ID_FIELD: sha256(text.encode()).hexdigest()})

    def _issue(self, issue_id: str) -> HaloIssue:
        return self.halo.estate.issues[issue_id]

    def _make(self, fields: dict[str, Any], *, project: int = 0) -> str:
        site = self.jira.site
        kept = {name: value for name, value in fields.items() if value is not None}
        made = self.jira.store.create(
            project=site.projects[project],
            issue_type=site.issue_types[0],
            fields=kept,
            author=self.author,
        )
        return made.key


def _document(text: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"version": 1, "type": "doc", "content": [paragraph]}
