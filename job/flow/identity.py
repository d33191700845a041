"""Compares whose memory it is with whom the settings name, before a run reads on.

Promises: a run with the memory of another site, another Halo account or another id field stops
before it writes anything, and says both; a renamed site, a rotated key and another spelling of the
id field are no others.
Does not do: believing single links. Whether a ticket names its issue is asked of each
(`core/cases.py`).
"""

from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Owner, Watermark
from job.errors import MemoryOfAnother
from job.flow.setup import Order, Setup
from job.flow.trust import SAMPLE, knows_any


async def prove_memory(setup: Setup, *, order: Order, mark: Watermark) -> Owner:
    """Whose memory it is from now on. Raises `MemoryOfAnother`.

    Jira is asked which site it is only where its address is not the remembered one.
    """
    kept, here = mark.owner, setup.owner
    if kept is None or order.adopt_memory:
        return replace(here, cloud_id=await setup.ports.jira.cloud_id())
    cloud_id = kept.cloud_id
    if here.jira_url != kept.jira_url:
        cloud_id = await setup.ports.jira.cloud_id()
    if cloud_id != kept.cloud_id:
        raise _another(
            f"It is of the Jira site {kept.cloud_id} ({kept.jira_url}); the settings name the site "
            f"{cloud_id} ({here.jira_url})."
        )
    if not await _is_same_account(setup, kept=kept):
        raise _another(
            f"It is of the Halo account at {kept.halo_url} with the key {kept.halo_key_id}; at "
            f"{here.halo_url} with the key {here.halo_key_id} none of its issues is known."
        )
    if not await _is_same_id_field(setup, kept=kept):
        raise _another(
            f'Its tickets hold the ids of their issues in "{kept.id_field}"; the settings name '
            f'"{here.id_field}".'
        )
    return replace(here, cloud_id=cloud_id)


async def _is_same_account(setup: Setup, *, kept: Owner) -> bool:
    """Nothing that Halo answers names the account. So another host or key is of the same account if
    it knows at least one of the issues that memory links, or if there is none.
    """
    here = setup.owner
    if (here.halo_url, here.halo_key_id) == (kept.halo_url, kept.halo_key_id):
        return True
    sample: list[IssueId] = []
    async for piece in setup.ports.store.live_links(broken={}):
        sample += [link.issue_id for link in piece]
        if len(sample) >= SAMPLE:
            break
    return not sample or await knows_any(setup.ports.halo, sample)


async def _is_same_id_field(setup: Setup, *, kept: Owner) -> bool:
    """A field goes by its name or by its id: where the words differ, the create screen tells."""
    if setup.owner.id_field == kept.id_field:
        return True
    screen = await setup.ports.jira.create_screen(setup.policy.routes.default)
    return any(spec.id == screen.id_field.id for spec in screen.matching(kept.id_field))


def _another(happened: str) -> MemoryOfAnother:
    return MemoryOfAnother(
        "store",
        "comparing whose memory it is",
        f"This memory belongs to somebody else. {happened}",
        "Name other memory in STATE_URL. If this one is right all the same, say so once with `run "
        "--adopt-memory`: then each link is believed only where the ticket names its issue.",
    )
