"""Takes back what a takeover wrote: links, properties and ids, and nothing else.

Promises: only what is still as we wrote it is taken back; a kill does no harm, the next `undo` goes
on where it was; an issue with a write of unknown fate is left, and told.
Does not do: undoing what runs did since, such as comments and closed tickets.
"""

from collections.abc import Sequence
from functools import reduce

from job.batches import batches
from job.core.shape import CreateScreen
from job.core.taken import Taken
from job.each import each
from job.flow.look import prove_identity
from job.flow.mend import Mending, mending
from job.flow.setup import Setup
from job.flow.takeover import AT_ONCE, BATCH, notes
from job.flow.taking import Ended, Hands, Left, added


async def undo(setup: Setup) -> Ended:
    """Takes back what was written, as far as it still is what we wrote; drops every note."""
    await prove_identity(setup)
    every = await notes(setup)
    screen = await setup.ports.jira.create_screen(setup.policy.routes.default)
    hands = Hands(setup, screen=screen)
    ended = Ended()
    in_order = sorted(every.values(), key=lambda note: int(note.ticket_id))
    for some in batches(in_order, size=BATCH):
        async with mending(setup.ports.store, clock=setup.ports.clock) as hand:
            ended = added(ended, await _undone(setup, hand, some, hands=hands, screen=screen))
    return ended


async def _undone(
    setup: Setup, hand: Mending, some: Sequence[Taken], *, hands: Hands, screen: CreateScreen
) -> Ended:
    begun = [note for note in some if note.begun]
    store = setup.ports.store
    tickets = await setup.ports.jira.read(
        [note.ticket_id for note in begun], holding=(screen.id_field.id,)
    )
    uncertain = {intent.issue_id for intent in await store.intents()}
    free = [note for note in begun if note.issue_id not in uncertain]

    async def take_back(note: Taken) -> Ended:
        return await hands.take_back(note, ticket=tickets.get(note.ticket_id))

    waiting = Ended(left=tuple(_waiting(note) for note in begun if note.issue_id in uncertain))
    ended = reduce(added, await each(take_back, free, at_once=AT_ONCE), waiting)
    failed = {one.issue_id for one in ended.left}
    done = [note for note in some if note.issue_id not in failed]
    links = await store.links([note.issue_id for note in done if note.begun and note.links])
    ours = {
        note.issue_id
        for note in done
        if note.issue_id in links and links[note.issue_id].ticket_id == note.ticket_id
    }
    await hand.give_back([note.issue_id for note in done], links=ours)
    return added(ended, Ended(links=len(ours)))


def _waiting(note: Taken) -> Left:
    why = "What became of a write of a run for it is not known yet; let runs find out first."
    return Left(issue_id=note.issue_id, key=note.ticket_key, why=why, failed=True)
