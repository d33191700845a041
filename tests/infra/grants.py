"""The table of who may do what, made from what Terraform plans for a deployment with everything on.

Promises: every grant of the plan is in it, one row for each member, role and thing; nothing is
written by hand.
Does not do: saying what a role allows, which Google documents, and `infra/` where it is our own.
"""

import tempfile
from collections import defaultdict
from pathlib import Path

from tests.infra.terraform import Terraform, TestReport, providers
from tests.infra.tools import PROJECT

MEMBERS = {
    "serviceAccount:job@": "job",
    "serviceAccount:schedule@": "schedule",
    "serviceAccount:builder@": "builder",
    "serviceAccount:deployer@": "deployer",
    "serviceAccount:rebuild@": "monthly rebuild",
    "group:sec@": "operators",
    "group:rel@": "releasers",
    "principalSet:": "rotators",
}
PLACES = {
    "google_project_iam_member": "the project",
    "google_cloud_run_v2_job_iam_member": "name",
    "google_artifact_registry_repository_iam_member": "repository",
    "google_service_account_iam_member": "service_account_id",
    "google_storage_bucket_iam_member": "bucket",
    "google_secret_manager_secret_iam_member": "secret_id",
    "google_pubsub_topic_iam_member": "topic",
    "google_kms_crypto_key_iam_member": "crypto_key_id",
}


def rows(report: TestReport, *, run: str = "everything_on") -> list[tuple[str, str, str]]:
    """Who, which role, and on what, of one run."""
    found = defaultdict(set)
    for _, kind, values in report.of_run(run).resources():
        if kind in PLACES:
            where = values.get(PLACES[kind], PLACES[kind]) or PLACES[kind]
            limit = f", {values['condition'][0]['title']}" if values.get("condition") else ""
            found[_who(values["member"]), values["role"]].add(f"{where.rsplit('/', 1)[-1]}{limit}")
    order = [*MEMBERS.values(), "Google's own agents"]
    told = [(who, role, ", ".join(sorted(on))) for (who, role), on in found.items()]
    return sorted(told, key=lambda row: (order.index(row[0]), row))


def _who(member: str) -> str:
    named = [who for start, who in MEMBERS.items() if member.startswith(start)]
    return named[0] if named else "Google's own agents"


def table(report: TestReport) -> str:
    """The rows as Markdown."""
    head = ["| identity | role | on |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {who} | `{role}` | {on} |" for who, role, on in rows(report))])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        ready = Terraform(providers()[-1], Path(folder), PROJECT)
        ready.init()
        readme = PROJECT / "infra" / "README.md"
        text = readme.read_text()
        before, _, rest = text.partition("m tests.infra.grants -->\n")
        after = rest.partition("<!-- End -->")[2]
        made = f"{before}m tests.infra.grants -->\n{table(ready.test())}\n<!-- End -->{after}"
        readme.write_text(made)
