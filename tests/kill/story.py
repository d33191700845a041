"""A story with every action in each of its turns, for runs that are killed at any of them.

Promises: each turn has news for a comment, a close, both kinds of reopening, a ticket made anew, a
create, a create-and-close and an adoption.
"""

import random
from dataclasses import dataclass, field

from tests.kit.town import KINDS, Town


@dataclass
class Story:
    """News for every action, again and again: each killed run has all kinds of work before it."""

    town: Town
    rng: random.Random
    back: list[str] = field(default_factory=list)
    """Resolved issues that may come back."""
    open: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.open = [self.town.open_issue(kind) for kind in KINDS]
        self.back = [self.town.open_issue("csm")]
        for issue_id in self.back:
            self.town.resolve(issue_id)

    def turn(self) -> None:
        """Comment, close, reopen (two kinds), create anew, create, create-and-close, adopt."""
        town = self.town
        self.rng.shuffle(self.open)
        told, early, hard, over, *_ = self.open
        town.rescan(told, changed=True)
        town.close_by_person(early, status="Done")
        town.close_by_person(hard, status="Closed")
        town.resolve(over)
        self.open.remove(over)
        came_back = self.back.pop(0)
        town.reopen(came_back)
        self.open += [came_back, town.open_issue(self.rng.choice(KINDS))]
        found_resolved, made_by_hand = town.open_issue("fim"), town.open_issue("sva")
        town.resolve(found_resolved)
        town.resolve(made_by_hand)
        town.make_by_person(made_by_hand)
        self.back += [over, found_resolved]
