"""All settings as one value, in the groups that parts of the program ask for.

Promises: a field has the name of its variable, in small letters.
Does not do: reading the environment (`load.py`), or listing all variables (`table.py`).
"""

import hashlib
from dataclasses import dataclass

from job.settings.parse import Secret
from job.settings.runs import MemorySettings, RunSettings
from job.settings.scope import ScopeSettings
from job.settings.tickets import DestinationSettings
from job.settings.vendors import HaloSettings, JiraSettings


@dataclass(frozen=True, kw_only=True)
class Settings(
    HaloSettings,
    JiraSettings,
    DestinationSettings,
    ScopeSettings,
    RunSettings,
    MemorySettings,
):
    """Everything that can be configured. Names are the variables' own, in small letters."""

    @property
    def digest(self) -> str:
        """Of all that can change how an issue fares: not the secrets, and not which execution of
        Cloud Run this is, nor where memory is kept: a move changes nothing of an issue.
        """
        chosen = {
            name: value
            for name, value in vars(self).items()
            if not (isinstance(value, Secret) or name.startswith("cloud_") or name == "state_url")
        }
        return hashlib.sha256(repr(sorted(chosen.items())).encode()).hexdigest()[:16]
