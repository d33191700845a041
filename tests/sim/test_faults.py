"""Faults: exactly the one that was asked for, on exactly that call, and the same again from one
seed.
"""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from job.sim import LOST, Answer, Call, Faults, World
from job.sim.faults import REFUSALS, SPOILS

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_a_refusal_comes_before_the_effect(
    world: World, jira: Ask, draft: Draft, kind: str
) -> None:
    world.jira.faults.at = {0: kind}
    answer = jira("POST", "/issue", draft())
    assert answer.lost or answer.status >= 400
    assert world.jira.people.tickets() == []
    world.jira.faults.quiet()
    assert jira("POST", "/issue", draft()).status == 201


@pytest.mark.parametrize("kind", sorted(SPOILS))
def test_a_spoiled_answer_comes_after_the_effect(
    world: World, jira: Ask, draft: Draft, kind: str
) -> None:
    world.jira.faults.at = {0: kind}
    answer = jira("POST", "/issue", draft())
    world.jira.faults.quiet()
    assert len(world.jira.people.tickets()) == 1
    assert answer.lost or answer.status >= 500 or answer.delay_s > 0 or not _is_json(answer)


def test_a_lost_answer_says_nothing_about_its_effect(world: World, jira: Ask, draft: Draft) -> None:
    world.jira.faults.at = {0: "lost_before", 1: "lost_after"}
    assert jira("POST", "/issue", draft()) == jira("POST", "/issue", draft()) == LOST
    world.jira.faults.quiet()
    assert len(world.jira.people.tickets()) == 1


def test_the_hook_is_asked_before_and_after_every_effect(
    world: World, jira: Ask, draft: Draft
) -> None:
    asked: list[tuple[str, str, int]] = []

    def hook(call: Call, moment: Literal["before", "after"]) -> Answer | None:
        asked.append((call.method, moment, len(world.jira.people.tickets())))
        return LOST if len(asked) == 4 else None

    world.jira.faults.hook = hook
    assert jira("GET", "/myself").status == 200
    assert jira("POST", "/issue", draft()).lost
    assert asked == [
        ("GET", "before", 0),
        ("GET", "after", 0),
        ("POST", "before", 0),
        ("POST", "after", 1),
    ]


def test_a_hook_may_raise_to_end_the_caller_and_the_world_stays_whole(
    world: World, jira: Ask, draft: Draft
) -> None:
    class Crash(Exception):
        pass

    def hook(call: Call, moment: Literal["before", "after"]) -> Answer | None:
        if moment == "after":
            raise Crash
        return None

    world.jira.faults.hook = hook
    with pytest.raises(Crash):
        jira("POST", "/issue", draft())
    world.jira.faults.quiet()
    assert jira("GET", "/issue/SEC-1").status == 200


def test_one_seed_replays_exactly(draft: Draft) -> None:
    assert _statuses(draft, seed=5) == _statuses(draft, seed=5)
    assert _statuses(draft, seed=5) != _statuses(draft, seed=6)


def test_one_seed_replays_exactly_in_another_process_too() -> None:
    told = {_told(hash_seed=seed) for seed in ("1", "2")}
    assert len(told) == 1
    assert b"429" in told.pop()


def test_an_unknown_kind_of_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no such fault"):
        Faults(chance={"gremlins": 1.0})
    faults = Faults()
    faults.at = {0: "gremlins"}
    with pytest.raises(ValueError, match="no such fault"):
        faults.around(Call("GET", "/"), effect=lambda _: Answer(200))


def test_calls_are_counted_by_route_and_recorded_unless_that_is_switched_off(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    jira("GET", "/issue/SEC-1")
    jira("GET", "/issue/SEC-2")
    assert world.jira.calls == {"POST /issue": 1, "GET /issue/{key}": 2}
    assert [(one.route, one.answer.status) for one in world.jira.recorded][1:] == [
        ("GET /issue/{key}", 200),
        ("GET /issue/{key}", 404),
    ]
    silent = World.make(keep=0)
    silent.jira.answer(Call("GET", "/rest/api/3/myself"))
    assert not silent.jira.recorded


_TELL = (
    sys.executable,
    "-c",
    """
from datetime import UTC, datetime
from job.sim import KINDS, Call, World
world = World.make(seed=3, start=datetime(2026, 1, 1, tzinfo=UTC))
world.jira.faults.set_chance(dict.fromkeys(KINDS, 0.02))
for number in range(200):
    issue = world.halo.estate.open_issue(type="csm")
    answer = world.jira.answer(Call("GET", "/rest/api/3/serverInfo"))
    print(issue, answer.status, answer.body)
""",
)


def _told(*, hash_seed: str) -> bytes:
    project = Path(__file__).parents[2]
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(project)}
    return subprocess.run(
        _TELL, env=environment, cwd=project, capture_output=True, check=True
    ).stdout


def _statuses(draft: Draft, *, seed: int) -> list[int]:
    world = World.make(seed=seed, start=datetime(2026, 1, 1, tzinfo=UTC))
    world.halo.faults.set_chance(
        {"429_bare": 0.2, "500_after": 0.2, "html_body": 0.2, "lost_after": 0.2}
    )
    return [world.halo.answer(Call("GET", "/v3/issues")).status for _ in range(50)]


def _is_json(answer: Answer) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True
