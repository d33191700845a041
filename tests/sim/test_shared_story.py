"""One story is told, whoever plays its acts: the process that serves the world, or its control."""

import asyncio
import base64
import json
import sys
from typing import Any

import aiohttp

from job.sim.story import ACTS, ID_FIELD


def _draft(issue: dict[str, Any]) -> dict[str, Any]:
    of = {"project": {"key": "SEC"}, "issuetype": {"name": "Bug"}, "summary": "x"}
    return {"fields": {**of, ID_FIELD: issue["id"]}}


async def test_a_process_that_began_the_story_goes_on_with_it_about_the_same_issues() -> None:
    command = [sys.executable, "-m", "job.sim", "--story", "--lag", "none"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        told = json.loads(await process.stdout.readline())
        pair = f"{told['settings']['JIRA_API_USER']}:{told['settings']['JIRA_API_TOKEN']}"
        headers = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            async with http.get(f"{told['control']}/halo/issues") as answer:
                issues = await answer.json()
            assert len(issues) == len(ACTS[0].events)
            for issue in issues:
                new = f"{told['jira']}/rest/api/3/issue"
                async with http.post(new, json=_draft(issue), headers=headers) as answer:
                    assert answer.status == 201
            for number, act in enumerate(ACTS[1:], 2):
                async with http.post(f"{told['control']}/story", json={"act": number}) as answer:
                    assert (answer.status, await answer.json()) == (
                        200,
                        {"happened": [event.says for event in act.events]},
                    )
    finally:
        process.terminate()
        await process.wait()
