"""Which fields may be written where: on a create or an edit, and on the screen of a transition.

Promises: every field is checked on its own, so that one answer names all that is wrong.
Does not do: checking a single value (fields.py), or writing any (writes.py).
"""

from collections.abc import Mapping
from typing import Any

from job.sim.jira.bodies import Bodies
from job.sim.jira.fields import accept
from job.sim.jira.sentences import Refused
from job.sim.jira.site import Field, Site
from job.sim.jira.workflow import Transition


class RefusedAll(Exception):
    """Several fields were refused at once."""

    def __init__(self, refusals: list[Refused], *, status: int = 400) -> None:
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = refusals
        self.status = status


class Screens:
    """The screens of one site."""

    def __init__(self, site: Site, *, bodies: Bodies) -> None:
        self._site = site
        self._bodies = bodies

    def accepted(self, raw: Mapping[str, Any], *, missing_matters: bool) -> dict[str, Any]:
        """The values as Jira will answer them later. Raises `RefusedAll`."""
        accepted: dict[str, Any] = {}
        refusals: list[Refused] = []
        for name, value in raw.items():
            field = self._site.field_by_id(name)
            if field is None or not field.on_screen:
                refusals.append(Refused("off_screen", name, field=name))
                continue
            try:
                accepted[name] = accept(field, raw=value, site=self._site, bodies=self._bodies)
            except Refused as refused:
                refusals.append(refused)
        refusals += self._missing(raw, missing_matters=missing_matters)
        if refusals:
            raise RefusedAll(refusals)
        return accepted

    def _missing(self, raw: Mapping[str, Any], *, missing_matters: bool) -> list[Refused]:
        missing = [
            field
            for field in self._site.fields
            if field.required and not field.has_default and field.id not in ("project", "issuetype")
            if raw.get(field.id, None if missing_matters else ...) in (None, [])
        ]
        return [
            Refused(
                "summary_required" if field.id == "summary" else "required",
                field.name,
                field=field.id,
            )
            for field in missing
        ]

    def field(self, field_id: str) -> Field:
        field = self._site.field_by_id(field_id)
        if field is None:
            raise Refused("off_screen", field_id, field=field_id)
        return field

    def resolution(self, name: str) -> Any:
        return accept(
            self.field("resolution"), raw={"name": name}, site=self._site, bodies=self._bodies
        )

    def of_transition(self, transition: Transition, *, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The fields on the screen of a transition, all of them checked."""
        refusals = [
            Refused("off_screen", name, field=name) for name in raw if name not in transition.screen
        ]
        accepted: dict[str, Any] = {}
        for name in transition.screen:
            if name == "comment":
                continue  # it is no field, and writes.py takes it
            field = self.field(name)
            if raw.get(name) is None:
                if name in transition.required:
                    refusals.append(Refused("required", field.name, field=name))
                elif name in raw:
                    accepted[name] = None
                continue
            try:
                accepted[name] = accept(field, raw=raw[name], site=self._site, bodies=self._bodies)
            except Refused as refused:
                refusals.append(refused)
        if refusals:
            raise RefusedAll(refusals)
        return accepted
