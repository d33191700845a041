"""Halo's fields by every name that people may call them, and how each is read from what we know.

Promises: a field of a v3 issue goes by its own name; the names of the program's older versions
still mean what they meant; a name that is none of these is no field.
Does not do: putting values into Jira's fields (`fields.py`), or comparing them (`conditions.py`).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

from job.core.issues import Evidence, Issue

Value = str | bool | float | datetime | tuple[str, ...]
"""What a field of Halo holds, and what we may have for a field of Jira. Several texts are for
fields that hold several.
"""

_OWN: Final = (
    *("id", "type", "source", "status", "critical", "name", "url", "rule_key", "rule_name"),
    *("cp_rule_id", "policy_id", "policy_name", "created_at", "first_seen_at", "last_seen_at"),
    *("updated_at", "resolved_at", "resolved_by", "asset_id", "asset_url", "asset_type"),
    *("asset_name", "asset_hostname", "asset_fqdn", "group_id", "group_name", "group_path"),
    *("os_type", "finding_url", "package_name", "package_version", "max_cvss"),
    *("remotely_exploitable", "csp_account_type", "csp_account_id", "csp_account_name"),
    *("csp_region", "csp_service_type", "csp_resource_id", "csp_resource_uri", "csp_image_id"),
    *("registry_id", "registry_name", "repository_id", "repository_name", "image_sha"),
    *("external_issue_source",),
)
"""The fields that a v3 issue and our `Issue` call the same."""

HALO_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (f"issue.{name}",) for name in _OWN},
    "category": ("issue.type",),
    "comment": ("issue.resolution",),
    "resolution_comment": ("issue.resolution",),
    "cve_ids": ("issue.cves",),
    "csp_tags": ("issue.tags",),
    "asset_state": ("asset.state",),
    "asset_ip_address": ("asset.ip_address",),
    # The words of this program's first version.
    "asset_group_name": ("issue.group_name", "asset.group_name"),
    "asset_group_path": ("issue.group_path", "asset.group_path"),
    "issue_created_at": ("issue.created_at", "issue.first_seen_at"),
    "server_csp_provider": ("asset.csp_provider", "issue.csp_account_type"),
    "server_csp_account_id": ("issue.csp_account_id", "asset.csp_account_id"),
    "server_csp_instance_id": ("issue.csp_resource_id", "asset.csp_instance_id"),
    "server_id": ("issue.asset_id",),
    "server_hostname": ("issue.asset_hostname", "issue.asset_name", "asset.hostname"),
    "server_state": ("asset.state",),
}
"""The fields of Halo, and where each is looked for. The first place that has a value gives it.

Only the agent knows a server's state, and calls its cloud `aws_ec2` where the issue says `aws`:
both need the asset.
"""

ALIASES: Final[Mapping[str, str]] = {
    "cvss": "max_cvss",
    "tags": "csp_tags",
    "issue_cve_ids": "cve_ids",
    "issue_csp_rule_id": "cp_rule_id",
    **{f"issue_{name}": name for name in _OWN if not name.startswith("external")},
    "issue_created_at": "issue_created_at",
}
"""Shorter and older names: those of version 2.0.0 began with `issue_`."""

_NUMBERS: Final = frozenset({"max_cvss"})
_TRUTHS: Final = frozenset({"critical", "remotely_exploitable"})
_INSTANTS: Final = frozenset(name for name in HALO_FIELDS if name.endswith("_at"))
TAG: Final = "tags."
"""Begins the name of a tag of the cloud resource, such as `tags.env`."""


def plain_name(name: str) -> str | None:
    """The one name of a field among all that it goes by; `None` where Halo has no such field.

    Version 3 wrote `issue.` before each name.
    """
    name = name.strip().removeprefix("issue.")
    if name.startswith(("csp_tags.", TAG)):
        key = name.partition(".")[2]
        return TAG + key if key else None
    name = ALIASES.get(name, name)
    return name if name in HALO_FIELDS else None


def unknown(name: str) -> tuple[str, str]:
    """What to say of a name that is no field's: what is wrong, and what is allowed."""
    known = [*HALO_FIELDS, *ALIASES, "tags.NAME"]
    close = get_close_matches(name.casefold(), known, n=5, cutoff=0.6)
    return f'Halo has no field "{name}".', ", ".join(close or known)


def places(name: str) -> tuple[str, ...]:
    """Where the field of this plain name is looked for."""
    return () if name.startswith(TAG) else HALO_FIELDS.get(name, ())


def is_number(name: str) -> bool:
    """Whether values of this field are numbers."""
    return name in _NUMBERS


def is_truth(name: str) -> bool:
    """Whether values of this field are yes or no."""
    return name in _TRUTHS


def is_instant(name: str) -> bool:
    """Whether values of this field are instants."""
    return name in _INSTANTS


def is_of_the_issue(name: str) -> bool:
    """Whether the issue alone may tell it, so that nothing has to be asked."""
    return name.startswith(TAG) or any(place.startswith("issue.") for place in places(name))


def needs_asset(name: str, *, issue: Issue) -> bool:
    """Whether this field of this issue can only be known from its asset."""
    for place in places(name):
        thing, attribute = place.split(".")
        if thing == "asset":
            return True
        if getattr(issue, attribute) not in (None, "", ()):
            return False
    return False


def read(name: str, *, evidence: Evidence) -> Value | None:
    """The value of the field of this plain name; `None` when nothing that we know has one."""
    if name.startswith(TAG):
        return _tag(evidence.issue, name=name.removeprefix(TAG)) or None
    if name == "csp_tags":
        return tuple(f"{key}={value}" for key, value in evidence.issue.tags) or None
    return next(_values(places(name), evidence=evidence), None)


def in_words(value: Value) -> str:
    """A value as one text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _values(where: tuple[str, ...], *, evidence: Evidence) -> Iterator[Value]:
    for place in where:
        thing, attribute = place.split(".")
        value: Value | None = getattr(
            getattr(evidence, thing), attribute, None
        )  # an asset may be None or Gone
        if value not in (None, "", ()):
            yield value


def _tag(issue: Issue, *, name: str) -> str:
    """The value of the tag of this name, else of this name in another case; "" for none."""
    alike = {key.casefold(): value for key, value in reversed(issue.tags)}
    return dict(issue.tags).get(name) or alike.get(name.casefold(), "")
