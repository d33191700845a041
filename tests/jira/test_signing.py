"""Signing in to Jira: every way that Atlassian offers, and what each refusal says."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import structlog
from structlog.testing import LogCapture

from job.core.ids import Marker, TicketId
from job.errors import RemoteRefused, StopsRun
from job.events import Event
from job.jira.wire.access import ApiToken, ClientCredentials
from job.sim.call import Answer, Call, json_answer
from job.sim.world import World
from tests.jira.site import Desk, at_desk, new_world, paragraph

MYSELF, TENANT, TOKEN = "myself", "/_edge/tenant_info", "/oauth/token"


@pytest.fixture
def world() -> World:
    return new_world()


@pytest.fixture
def said() -> Iterator[LogCapture]:
    """Everything that was logged."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture
    structlog.reset_defaults()


def asked(desk: Desk) -> list[str]:
    """The path of each request, without what all paths to the API begin with."""
    host = desk.recorder.requests[0].url.split("/", 3)[2]
    paths = (request.url.partition(host)[2] for request in desk.recorder.requests)
    return [path.replace("/rest/api/3/", " ").strip() for path in paths]


def add_ticket(world: World) -> TicketId:
    body = b'{"fields": {"project": {"key": "SEC"}, "issuetype": {"id": "10004"}, "summary": "x"}}'
    site = world.jira.site
    signed = {"authorization": ApiToken(user=site.email, token=site.token).authorization}
    made = world.jira.answer(Call("POST", "/rest/api/3/issue", (), signed, body))
    return TicketId(made.json()["id"])


def comments(world: World) -> int:
    return sum(len(ticket.comments) for ticket in world.jira.people.tickets())


async def comment(desk: Desk, ticket: TicketId) -> None:
    marker = Marker("0123456789abcdef")
    await desk.jira.comment(ticket, body=paragraph("x"), marker=marker, guard=_let_pass)


async def _let_pass() -> None:
    """The guard of what may leave at any time."""


# --- An API token ---------------------------------------------------------------------------------


async def test_a_token_with_scopes_is_found_to_count_at_the_gateway_and_used_there_from_then_on(
    world: World, said: LogCapture
) -> None:
    site = world.jira.site
    async with at_desk(world, token=site.scoped_token) as desk:
        identity = await desk.jira.myself()
        await desk.jira.visible("SEC")
        gate = f"/ex/jira/{site.cloud_id}"
        assert identity.account_id == site.me.account_id
        assert asked(desk)[:4] == [MYSELF, TENANT, f"{gate} {MYSELF}", asked(desk)[3]]
        assert all(path.startswith(gate) for path in asked(desk)[3:])
        assert await desk.jira.cloud_id() == site.cloud_id
    (told,) = [entry for entry in said.entries if entry["event"] == Event.JIRA_GATEWAY_FOUND]
    assert told["base_url"].endswith(gate)
    assert "JIRA_API_URL" in told["message"]


async def test_many_who_are_refused_at_once_try_the_gateway_once(world: World) -> None:
    async with at_desk(world, token=world.jira.site.scoped_token) as desk:
        await asyncio.gather(*(desk.jira.myself() for _ in range(6)))
        assert asked(desk).count(TENANT) == 1


async def test_a_token_that_nobody_accepts_is_refused_in_the_sites_own_words(world: World) -> None:
    async with at_desk(world, token="expired") as desk:
        with pytest.raises(RemoteRefused, match=r"AUTHENTICATED_FAILED.*JIRA_API_TOKEN"):
            await desk.jira.myself()
        with pytest.raises(RemoteRefused):
            await desk.jira.myself()
        assert asked(desk).count(TENANT) == 1, "the gateway is tried once"


async def test_a_token_that_counted_is_never_tried_at_the_gateway(world: World) -> None:
    async with at_desk(world) as desk:
        await desk.jira.myself()
        world.jira.reception.revoked.add(world.jira.site.token)
        with pytest.raises(RemoteRefused):
            await desk.jira.myself()
        assert TENANT not in asked(desk)


async def test_a_write_is_never_tried_at_the_gateway(world: World) -> None:
    ticket = add_ticket(world)
    async with at_desk(world, token=world.jira.site.scoped_token) as desk:
        with pytest.raises(RemoteRefused):
            await comment(desk, ticket)
        assert len(desk.recorder.requests) == 1
    assert comments(world) == 0


async def test_a_gateway_that_cannot_be_reached_leaves_the_sites_answer(
    world: World, said: LogCapture
) -> None:
    world.jira.faults.hook = lambda call, moment: (
        Answer(503) if moment == "before" and call.path.startswith("/ex/") else None
    )
    async with at_desk(world, token=world.jira.site.scoped_token) as desk:
        with pytest.raises(RemoteRefused, match="not accepted"):
            await desk.jira.myself()
    assert Event.JIRA_GATEWAY_UNREACHABLE in {entry["event"] for entry in said.entries}


@pytest.mark.parametrize("told", ["../../evil", "", "a b", 7, None])
async def test_an_id_that_is_none_leads_our_token_nowhere(world: World, told: object) -> None:
    world.jira.faults.hook = lambda call, moment: (
        json_answer({"cloudId": told}) if moment == "before" and call.path == TENANT else None
    )
    async with at_desk(world, token=world.jira.site.scoped_token) as desk:
        with pytest.raises(RemoteRefused):
            await desk.jira.myself()
        assert asked(desk) == [MYSELF, TENANT]


async def test_people_find_the_site_at_its_own_address_wherever_it_is_asked(world: World) -> None:
    site = world.jira.site
    async with at_desk(world, token=site.scoped_token, gateway=True) as desk:
        assert await desk.jira.survey.web_address() == site.base_url
    async with at_desk(world) as desk:
        address = await desk.jira.survey.web_address()
        assert desk.recorder.requests == []
        await desk.jira.myself()
        assert desk.recorder.requests[0].url.startswith(f"{address}/rest/")


# --- A service account ----------------------------------------------------------------------------


async def test_a_service_account_has_one_token_for_all_who_ask(world: World) -> None:
    async with at_desk(world, service_account=True) as desk:
        await asyncio.gather(*(desk.jira.myself() for _ in range(8)))
        assert sorted(asked(desk)[:2]) == [TENANT, TOKEN]
        assert len(asked(desk)) == 10
        assert len(world.jira.reception.issued) == 1


async def test_a_service_account_may_name_the_gateways_address(world: World) -> None:
    async with at_desk(world, service_account=True, gateway=True) as desk:
        await desk.jira.myself()
        assert asked(desk) == [TOKEN, f"/ex/jira/{world.jira.site.cloud_id} {MYSELF}"]


async def test_its_token_is_renewed_before_its_hour_ends(world: World) -> None:
    async with at_desk(world, service_account=True) as desk:
        await desk.jira.myself()
        await desk.clock.sleep(3600 - 181)
        await desk.jira.myself()
        assert len(world.jira.reception.issued) == 1
        await desk.clock.sleep(2)
        await asyncio.gather(*(desk.jira.myself() for _ in range(8)))
        assert len(world.jira.reception.issued) == 2
        assert 401 not in {exchange.answer.status for exchange in world.jira.recorded}


async def test_a_revoked_token_is_renewed_once_for_all_who_were_refused(world: World) -> None:
    async with at_desk(world, service_account=True) as desk:
        await desk.jira.myself()
        world.jira.reception.revoked.update(world.jira.reception.issued)
        await asyncio.gather(*(desk.jira.myself() for _ in range(8)))
        assert len(world.jira.reception.issued) == 2


async def test_a_write_that_was_turned_away_is_done_once_with_the_newer_token(
    world: World,
) -> None:
    ticket = add_ticket(world)
    async with at_desk(world, service_account=True) as desk:
        await desk.jira.myself()
        world.jira.reception.revoked.update(world.jira.reception.issued)
        await comment(desk, ticket)
    assert comments(world) == 1


async def test_a_credential_that_was_revoked_on_the_way_stops_at_the_next_answer(
    world: World,
) -> None:
    ticket = add_ticket(world)
    async with at_desk(world, service_account=True) as desk:
        await desk.jira.myself()
        world.jira.reception.revoked.update(world.jira.reception.issued)
        world.jira.reception.revoked.add(world.jira.site.client_secret)
        with pytest.raises(RemoteRefused, match=r"JIRA_CLIENT_ID and JIRA_CLIENT_SECRET"):
            await comment(desk, ticket)
        assert asked(desk)[-1] == TOKEN
    assert comments(world) == 0


async def test_a_missing_scope_is_named_and_no_token_is_asked_for_because_of_it(
    world: World,
) -> None:
    world.jira.site.scopes.discard("read:jira-user")
    async with at_desk(world, service_account=True) as desk:
        with pytest.raises(RemoteRefused, match=r"JIRA_CLIENT_ID needs the scopes read:jira-user"):
            await desk.jira.myself()
        assert len(world.jira.reception.issued) == 1
        assert await desk.jira.survey.scopes() == frozenset({"read:jira-work", "write:jira-work"})


async def test_where_the_site_does_not_tell_its_id_the_gateway_does(world: World) -> None:
    resources = "/oauth/token/accessible-resources"
    world.jira.faults.hook = lambda call, moment: (
        json_answer({}, status=404) if moment == "before" and call.path == TENANT else None
    )
    async with at_desk(world, service_account=True) as desk:
        with pytest.raises(RemoteRefused, match=r"nothing tells which site .* is\. Check JIRA_API"):
            await desk.jira.myself()
        world.jira.site.base_url = desk.recorder.requests[0].url.removesuffix(TOKEN)
        await desk.jira.myself()
        assert asked(desk)[-2:] == [resources, f"/ex/jira/{world.jira.site.cloud_id} {MYSELF}"]


def _answers(answer: Answer) -> Callable[[Call, str], Answer | None]:
    return lambda call, moment: answer if moment == "before" and call.path == TOKEN else None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (json_answer({"error": "access_denied"}, status=401), "JIRA_CLIENT_SECRET"),
        (json_answer({"error": "access_denied"}, status=403), "JIRA_CLIENT_SECRET"),
        (json_answer({}, status=404), "Check JIRA_TOKEN_URL"),
        (Answer(302, {"location": "https://elsewhere.example"}), "Check JIRA_TOKEN_URL"),
        (json_answer({"token_type": "Bearer"}), "Check JIRA_TOKEN_URL"),
        (
            Answer(200, {"content-type": "text/html"}, b"<html>log in</html>"),
            "Check JIRA_TOKEN_URL",
        ),
        (json_answer(["eyJ-a-token"]), "Check JIRA_TOKEN_URL"),
    ],
)
async def test_an_answer_without_a_token_names_the_setting_and_is_not_quoted(
    world: World, answer: Answer, words: str
) -> None:
    world.jira.faults.hook = _answers(answer)
    async with at_desk(world, service_account=True) as desk:
        with pytest.raises(StopsRun, match=words) as caught:
            await desk.jira.myself()
    assert "eyJ" not in str(caught.value)
    assert "log in" not in str(caught.value)


@pytest.mark.parametrize("told", [None, 0, -1, True, "soon"])
async def test_a_token_that_does_not_say_how_long_it_lives_is_kept_for_most_of_an_hour(
    world: World, told: object
) -> None:
    def forget_the_end(call: Call, moment: str) -> Answer | None:
        if call.path != TOKEN or moment == "before":
            return None
        token = world.jira.reception.issued[-1]
        return json_answer({"access_token": token, "expires_in": told})

    world.jira.faults.hook = forget_the_end
    async with at_desk(world, service_account=True) as desk:
        await desk.jira.myself()
        await desk.clock.sleep(3000)
        await desk.jira.myself()
        assert len(world.jira.reception.issued) == 1


def test_no_credential_is_shown() -> None:
    token = ApiToken(user="a@example.com", token="planted-token")
    secret = ClientCredentials(client_id="id", secret="planted-secret", token_url="https://t")
    assert "planted" not in repr(token) + repr(secret)
