"""What people read, of each type and at each moment, whole: the texts in `snapshots/`.

`.venv/bin/python -m tests.core.test_snapshots` writes the texts anew, to be read and committed.
"""

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from job.core.comments import Comment, close_comment, reopen_comment, update_comment
from job.core.evidence import fingerprint
from job.core.issues import Evidence
from job.core.memory import Link
from job.core.noise import Telling, weigh
from job.core.reading import WIDTH, columns, lines, text, words_of
from job.core.recollection import recollection, written
from job.core.routes import CommentRule
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.sheets import Sheet, comment_sheet, ticket_sheet
from job.core.sightings import sighting
from job.core.tickets import draft
from tests.core.documents import opened, schema
from tests.core.stories import STORIES, Story
from tests.kit.builders import destination, link

FOLDER = Path(__file__).with_name("snapshots")
COMMAND = ".venv/bin/python -m tests.core.test_snapshots"
MADE_AT = datetime(2021, 4, 12, 6, 45, tzinfo=UTC)
PORTAL = "https://portal.acme.example/issues/{issue_id}"
_CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"
_ID = FieldSpec(id="customfield_1", name="Halo issue", type="string", custom=f"{_CUSTOM}textfield")
_GROUP = FieldSpec(
    id="customfield_2", name="Halo group", type="string", custom=f"{_CUSTOM}textfield"
)
_LABELS = FieldSpec(id="labels", name="Labels", type="array", items="string", system="labels")
_TEXT = FieldSpec(id="description", name="Description", type="string", system="description")
SCREEN = CreateScreen(
    project_key="SEC",
    type_id="10001",
    type_name="Bug",
    id_field=_ID,
    fields={spec.id: spec for spec in (_ID, _GROUP, _LABELS, _TEXT)},
)
HOME = destination(
    tickets=TicketSettings(
        project_key="SEC",
        ticket_type="Bug",
        id_field="Halo issue",
        mapping=(("group_path", "Halo group"), ("issue_type", "labels")),
        halo_link=PORTAL,
    )
)


def new(story: Story) -> Sheet:
    made = draft(story.at_first(), destination=HOME, screen=SCREEN, made_at=MADE_AT)
    return ticket_sheet(made, screen=SCREEN, title="New")


def update(before: Evidence, now: Evidence, *, title: str) -> Sheet:
    """The comment of a run that sees this after a ticket was told that."""
    known = _told(before)
    weighed = weigh(now, link=known, rule=CommentRule(every=timedelta()), now=MADE_AT)
    if weighed.telling is not Telling.TELL:
        return Sheet(title=f"{title}: nothing is said")
    return comment_sheet(update_comment(now, weighed=weighed, halo_link=PORTAL), title=title)


def _told(evidence: Evidence) -> Link:
    recalls = written(recollection(sighting(evidence), before=None))
    return link(recalls=recalls, fingerprint=fingerprint(evidence))


def sheets(story: Story) -> Iterator[Sheet]:
    """All that is said about one issue in its life."""
    yield new(story)
    yield update(story.at_first(), story.updated(), title="Updated")
    yield update(story.updated(), story.worsened(), title="Worse")
    yield comment_sheet(close_comment(story.resolved(), halo_link=PORTAL), title="Resolved")
    yield comment_sheet(_reopening(story), title="Reopened")
    yield update(story.updated(), story.gone(), title="Worse, and its evidence is gone")


def _reopening(story: Story) -> Comment:
    return reopen_comment(
        story.worsened(),
        because="Halo found the issue again.",
        halo_link=PORTAL,
        accepted=["Risk accepted"],
    )


def main() -> None:
    """Writes each text that is not as it should be."""
    FOLDER.mkdir(exist_ok=True)
    for name, story in STORIES.items():
        (FOLDER / f"{name}.txt").write_text(text(sheets(story)))


@pytest.mark.parametrize("name", STORIES)
def test_what_people_read_is_what_was_read_and_found_good(name: str) -> None:
    kept = (FOLDER / f"{name}.txt").read_text().splitlines()
    said = text(sheets(STORIES[name])).splitlines()
    moved = difflib.unified_diff(kept, said, f"snapshots/{name}.txt", "now", lineterm="", n=2)
    assert said == kept, "\n".join(["", *moved, f"If this reads well: {COMMAND}"])


def test_no_text_is_kept_that_nobody_says_any_more() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_no_line_is_wider_than_a_terminal(name: str) -> None:
    for sheet in sheets(STORIES[name]):
        assert max(columns(words_of(line)) for line in lines(sheet)) <= WIDTH


@pytest.mark.parametrize("name", STORIES)
def test_every_document_of_the_texts_is_one_that_jira_takes(name: str) -> None:
    for sheet in sheets(STORIES[name]):
        if sheet.document is not None:
            schema().validate(opened(sheet.document))


if __name__ == "__main__":
    main()
