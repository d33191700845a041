"""Kill the run before and after every single operation it does outside: two clean runs later the
world is right.

The story touches every action: create, create-and-close, comment, close, reopen (both kinds), a
hard-closed ticket, adopt. A second suite kills the recovery as well.
"""

import asyncio
import random
from itertools import count
from typing import get_args

import pytest

from job.core.memory import RunRecord
from job.core.model import Action
from job.flow.setup import Order
from job.sim.jira.site import ANNA
from tests.kit.oracle import ID_FIELD, Diary, always, settled
from tests.kit.timeless import play
from tests.kit.tube import Fuse, Onlooker, Side, Tube, writes

QUARTER_HOUR_S = 900.0
PAIRS = 300
TOGETHER = 50
"""So many pairs of crashes are one test, for workers to share them out."""


class Story:
    """A small world on its way through two ordinary runs, up to the moment before the run that
    will be killed.
    """

    def __init__(self) -> None:
        self.tube = Tube()
        self.diary = Diary()

    async def begin(self) -> None:
        kinds = ["csm", "fim", "sva", "lids", "image_sva"]
        self.comment, self.close, self.early, self.hard, self.back = (
            self.opened(kind) for kind in kinds
        )
        await self.clean_run()
        self.resolve(self.back)
        await self.clean_run()
        self.tube.halo.estate.rescan(self.comment, changed=True)
        self.diary.news[self.comment] = self.tube.clock()
        self.resolve(self.close)
        for issue_id, status in ((self.early, "Done"), (self.hard, "Closed")):
            self.tube.jira.people.transition_by_person(self.key_of(issue_id), status=status)
            self.tube.halo.estate.rescan(issue_id)
        self.tube.halo.estate.reopen(self.back)
        self.diary.note(self.back, at=self.tube.clock(), resolved=False)
        self.opened("csm")
        self.resolve(self.opened("fim"))
        self.adopted = self.opened("sva")
        self.resolve(self.adopted)
        self.made_by_person(self.adopted)

    def opened(self, kind: str) -> str:
        issue_id = self.tube.halo.estate.open_issue(type=kind)
        self.diary.note(issue_id, at=self.tube.clock(), resolved=False)
        return issue_id

    def resolve(self, issue_id: str) -> None:
        self.tube.halo.estate.resolve(issue_id)
        self.diary.note(issue_id, at=self.tube.clock(), resolved=True)

    def key_of(self, issue_id: str) -> str:
        return next(
            t.key for t in self.tube.jira.people.tickets() if t.fields.get(ID_FIELD) == issue_id
        )

    def made_by_person(self, issue_id: str) -> None:
        """A ticket that somebody made by hand for the same issue, and closed."""
        copy = self.tube.jira.people.clone_ticket(self.key_of(self.comment))
        self.tube.jira.people.edit(copy, author=ANNA, **{ID_FIELD: issue_id})
        self.tube.jira.people.transition_by_person(copy, status="Done")

    async def clean_run(self) -> RunRecord:
        await asyncio.sleep(QUARTER_HOUR_S)
        record = await self.tube.run()
        assert isinstance(record, RunRecord), record
        return record

    async def killed_run(self, at: tuple[int, Side]) -> Fuse:
        """The run is a sweep, for a sweep does everything that any other run does and more."""
        await asyncio.sleep(QUARTER_HOUR_S)
        fuse = Fuse(at=at)
        await self.tube.run(fuse=fuse, order=Order(sweep=True))
        return fuse

    def complaints(self) -> list[str]:
        tube = self.tube
        everywhere = list(always(tube.jira, diary=self.diary))
        return everywhere + list(
            settled(tube.halo, jira=tube.jira, diary=self.diary, free={self.adopted})
        )


async def survives(*crashes: tuple[int, Side]) -> tuple[list[str], list[Fuse]]:
    """What is wrong after these crashes, one a run, and two clean runs; and how far the killed
    runs came.
    """
    story = Story()
    await story.begin()
    fuses = []
    for at in crashes:
        fuses.append(await story.killed_run(at))
        wrong = list(always(story.tube.jira, diary=story.diary))
        assert not wrong, wrong
    for _ in range(2):
        await story.clean_run()
    wrong = story.complaints()
    before = writes(story.tube.jira.calls)
    await story.clean_run()
    wrong += [
        f"a third clean run still wrote {what}" for what in writes(story.tube.jira.calls) - before
    ]
    return wrong, fuses


def test_the_story_touches_every_action() -> None:
    async def look() -> set[Action]:
        story, onlooker = Story(), Onlooker()
        await story.begin()
        await asyncio.sleep(QUARTER_HOUR_S)
        await story.tube.run(watcher=onlooker)
        assert not story.complaints()
        return set(onlooker.plans[0].tally)

    assert play(look()) == set(Action)


@pytest.mark.long
@pytest.mark.parametrize("side", get_args(Side))
def test_a_run_killed_at_any_step_is_healed_by_two_clean_runs(side: Side) -> None:
    for number in count(1):
        wrong, (fuse,) = play(survives((number, side)))
        if not fuse.dead:
            break
        assert not wrong, f"killed {side} step {number}, {fuse.names[number - 1]}: {wrong}"
    assert number > 40, "the story has become too short to prove anything"


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, PAIRS, TOGETHER))
def test_a_second_crash_during_the_recovery_is_healed_as_well(first: int) -> None:
    for pair in pairs_of_crashes()[first : first + TOGETHER]:
        wrong, fuses = play(survives(*pair))
        assert not wrong, f"killed at {pair} ({[fuse.names[-1] for fuse in fuses]}): {wrong}"


def pairs_of_crashes() -> list[list[tuple[int, Side]]]:
    pick = random.Random(20260301)
    return [
        [(pick.randint(1, 46), pick.choice(get_args(Side))) for _ in range(2)] for _ in range(PAIRS)
    ]
