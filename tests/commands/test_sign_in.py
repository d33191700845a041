"""The program signs in to Jira in every way that Atlassian offers, and rotation leaves no gap."""

import base64
from collections.abc import Mapping

import pytest

from job.sim.call import Answer, Call
from job.sim.server import Urls
from job.sim.world import World
from tests.kit.program import Program

NO_TOKEN = {"JIRA_API_USER": "", "JIRA_API_TOKEN": ""}


def service_account(world: World, urls: Urls) -> dict[str, str]:
    site = world.jira.site
    return {
        **NO_TOKEN,
        "JIRA_CLIENT_ID": site.client_id,
        "JIRA_CLIENT_SECRET": site.client_secret,
        "JIRA_TOKEN_URL": f"{urls.jira}/oauth/token",
    }


def ways(world: World, urls: Urls) -> Mapping[str, Mapping[str, str]]:
    """The settings of each way to sign in, all with the site's own address."""
    return {
        "no scopes": {},
        "scopes": {"JIRA_API_TOKEN": world.jira.site.scoped_token},
        "service account": service_account(world, urls),
    }


@pytest.mark.parametrize("way", ["no scopes", "scopes", "service account"])
def test_a_run_makes_its_tickets_whichever_way_it_signs_in(
    program: Program, world: World, urls: Urls, way: str
) -> None:
    spoken = program("run", "--since", "2d", **ways(world, urls)[way])
    assert spoken.exit_code == 0
    assert len(world.jira.people.tickets()) == 7
    assert program("run", **ways(world, urls)[way]).exit_code == 0
    assert len(world.jira.people.creations()) == 7


def test_no_way_to_sign_in_shows_its_secret(program: Program, world: World, urls: Urls) -> None:
    """Not the client secret, not a token that it was given, not as HTTP writes them."""
    spoken = program("run", LOG_LEVEL="debug", **service_account(world, urls))
    assert spoken.exit_code == 0
    site = world.jira.site
    pair = base64.b64encode(f"{site.client_id}:{site.client_secret}".encode()).decode()
    assert world.jira.reception.issued
    for secret in (site.client_secret, *world.jira.reception.issued, pair):
        assert secret not in spoken.stdout + spoken.stderr


def test_a_token_is_rotated_without_a_gap(program: Program, world: World) -> None:
    """Both count for a while, as in the order that the documentation gives."""
    new = "ATATT3xFfGF0-the-new-token"
    assert program("run", "--since", "2d").exit_code == 0
    world.jira.reception.further.add(new)
    assert program("run", JIRA_API_TOKEN=new).exit_code == 0
    world.jira.reception.revoked.add(world.jira.site.token)
    assert program("run", JIRA_API_TOKEN=new).exit_code == 0
    assert program("run").exit_code == 3
    assert len(world.jira.people.creations()) == 7


@pytest.mark.parametrize(
    ("side", "path", "made"), [("before", "/issuetypes", 0), ("after", "/issue/bulk", 7)]
)
@pytest.mark.parametrize("way", ["no scopes", "scopes", "service account"])
def test_what_was_revoked_in_the_middle_of_a_run_stops_it_and_nothing_is_lost(
    program: Program, world: World, urls: Urls, way: str, side: str, path: str, made: int
) -> None:
    """Before its first write, and between a create and the look at what came of it."""
    reception, site = world.jira.reception, world.jira.site

    def revoke(call: Call, moment: str) -> Answer | None:
        if moment == side and call.path.endswith(path):
            reception.revoked.update({site.token, site.scoped_token, site.client_secret})
            reception.revoked.update(reception.issued)
        return None

    world.jira.faults.hook = revoke
    stopped = program("run", "--since", "2d", **ways(world, urls)[way])
    assert stopped.exit_code == 3
    assert len(world.jira.people.creations()) == made
    world.jira.faults.quiet()
    reception.revoked.clear()
    assert program("run", **ways(world, urls)[way]).exit_code == 0
    assert len(world.jira.people.creations()) == 7


def test_a_run_outlives_its_token(program: Program, world: World, urls: Urls) -> None:
    """The token that the run began with ends before its first write."""

    def end(call: Call, moment: str) -> Answer | None:
        if moment == "before" and call.path.endswith("/issuetypes"):
            world.jira.reception.revoked.add(world.jira.reception.issued[0])
        return None

    world.jira.faults.hook = end
    assert program("run", "--since", "2d", **service_account(world, urls)).exit_code == 0
    assert len(world.jira.people.creations()) == 7
    assert len(world.jira.reception.issued) == 2


@pytest.mark.parametrize(
    "given", [{"JIRA_CLIENT_ID": "c1", "JIRA_CLIENT_SECRET": "c1-secret"}, {"JIRA_API_USER": ""}]
)
def test_two_ways_to_sign_in_or_half_of_one_end_with_exit_code_2(
    program: Program, given: dict[str, str]
) -> None:
    spoken = program("run", **given)
    assert spoken.exit_code == 2
    assert spoken.only("settings.refused")["problems"]
