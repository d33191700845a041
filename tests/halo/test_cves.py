"""What Halo tells of single vulnerabilities: once each, and never at the cost of a ticket."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from job.core.findings import CveDetails
from job.errors import RemoteRefused
from job.halo import cves
from job.sim.world import World
from tests.halo.site import Answer, scripted, simulated

PATH = "/v1/cve_details/CVE-2021-3156"
V2 = {"score": 7.2, "access_vector": "LOCAL", "access_complexity": "LOW", "authentication": "NONE"}
V3 = {
    "attack_vector": "NETWORK",
    "attack_complexity": "HIGH",
    "privileges_required": "LOW",
    "user_interaction": "REQUIRED",
    "base_severity": "HIGH",
}
BODY = {"CVE": "CVE-2021-3156", "summary": "Heap overflow.", "CVSS Metrics": V2}


@pytest.mark.parametrize("none", [None, {}, "odd", []])
def test_the_old_vector_counts_where_there_is_no_newer_one(none: Any) -> None:
    assert cves.read(BODY | {"CVSS v3 Metrics": none}, cve_id="C") == CveDetails(
        id="C",
        summary="Heap overflow.",
        score=7.2,
        attack_vector="LOCAL",
        complexity="LOW",
        privileges="NONE",
    )


def test_the_newer_vector_counts_where_it_is_there() -> None:
    found = cves.read(BODY | {"CVSS v3 Metrics": V3}, cve_id="C")
    assert (found.attack_vector, found.privileges) == ("NETWORK", "LOW")
    assert (found.severity, found.interaction) == ("HIGH", "REQUIRED")


def test_nothing_that_is_odd_in_an_answer_fails() -> None:
    odd = {"summary": 7, "CVSS Metrics": {"score": "many", "access_vector": None}}
    assert cves.read(odd, cve_id="C") == CveDetails(id="C", summary="7")


async def test_a_vulnerability_is_asked_for_once_whoever_asks() -> None:
    world = World.make(seed=1)
    async with simulated(world) as site:
        known = [await site.halo.cve("CVE-2021-3156") for _ in range(3)]
        unknown = [await site.halo.cve("CVE-1999-0001") for _ in range(3)]
    assert {details.attack_vector for details in known if details} == {"LOCAL"}
    assert unknown == [None, None, None]
    assert world.halo.calls["GET /v1/cve_details/{id}"] == 2


@pytest.mark.parametrize("answer", [(403, {}), (418, {}), (500, {}), b"<html>", (200, [])])
async def test_after_three_refusals_no_other_is_asked_for_and_it_is_said_once(
    answer: Answer,
) -> None:
    paths = [f"/v1/cve_details/CVE-2021-{number}" for number in range(1000, 1008)]
    async with scripted(dict.fromkeys(paths, answer)) as (site, server):
        with capture_logs() as logs:
            found = [await site.halo.cve(path.rpartition("/")[2]) for path in paths]
    assert found == [None] * 8
    assert len({request.path for request in server.asked if "cve" in request.path}) == 3
    assert [line["event"] for line in logs if "cves" in line["event"]] == ["halo.cves_unread"]


async def test_a_404_is_no_refusal() -> None:
    known = "/v1/cve_details/CVE-2021-3156"
    async with scripted({known: (200, BODY)}) as (site, _):
        for number in range(5):
            assert await site.halo.cve(f"CVE-1999-{number}") is None
        assert await site.halo.cve("CVE-2021-3156") is not None


async def test_a_token_that_is_not_taken_is_about_us() -> None:
    async with scripted({PATH: (401, {})}) as (site, _):
        with pytest.raises(RemoteRefused):
            await site.halo.cve("CVE-2021-3156")
