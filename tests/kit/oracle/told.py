"""What was told on a ticket, judged by Halo's history and not by our own markers: nothing is said
twice, and nothing is closed or opened again without a word why.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import (
    CLOSED,
    Word,
    description_of,
    issue_of,
    lacks_evidence,
    own_comments,
    revision_after,
    revision_in,
    tells_evidence,
    word_of,
)


def told_badly(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """Every fault in what was told on any ticket."""
    for ticket in tickets:
        if issue_of(ticket) not in diary.bent:
            yield from marked_twice(ticket)
            yield from _more_words_than_deeds(ticket, diary=diary)
        if issue_of(ticket) not in diary.blurred:
            yield from _no_news(ticket)
        yield from _closed_without_a_word(ticket)


def marked_twice(ticket: Snapshot) -> Iterator[str]:
    """The same comment twice by our own account of it, or one that nobody could find again."""
    ours = [comment for comment, _ in own_comments(ticket)]
    marked = [comment for comment in ours if "halo.sync" in comment.properties]
    markers = Counter(str(comment.properties["halo.sync"]["marker"]) for comment in marked)
    for marker, many in markers.items():
        if many > 1:
            yield f"{ticket.key} was told {marker} {many} times"
    for comment in ours:
        if comment not in marked:
            yield f"{ticket.key} has a comment of ours without a marker: {comment.id}"


def _no_news(ticket: Snapshot) -> Iterator[str]:
    """An update that tells of evidence which the ticket showed already. Once a ticket said that
    there is none to be had, its return is news.
    """
    read = [description_of(ticket)] if ticket.ours else []
    shown = revision_in(read[0]) if read and not lacks_evidence(read[0]) else None
    for comment, text in own_comments(ticket):
        word = word_of(text)
        if word is Word.CLOSE or not tells_evidence(text):
            continue
        read.append(text)
        revision = revision_after(read)
        is_old = revision is not None and shown is not None and revision <= shown
        if word is Word.UPDATE and is_old:
            yield f"{ticket.key} was told at {comment.created_at} what it showed: {revision}"
        shown = None if lacks_evidence(text) else revision


def _more_words_than_deeds(ticket: Snapshot, *, diary: Diary) -> Iterator[str]:
    """More closes told than Halo resolved the issue; or a reopening although, since the last one
    that was told, nobody had closed the ticket and its evidence is the same.
    """
    issue_id, closes, reopened_at = issue_of(ticket), 0, ticket.created_at
    shown: int | None = None
    closed_at = [change.at for change in ticket.history if change.after in CLOSED]
    for comment, text in own_comments(ticket):
        word, at = word_of(text), comment.created_at
        closes += word is Word.CLOSE
        if word is Word.CLOSE and closes > (resolves := diary.resolves_by(issue_id, at=at)):
            yield f"{ticket.key} was told of {closes} closes, Halo resolved it {resolves} times"
        if word is Word.REOPEN:
            revision = revision_in(text)
            closed_since = any(reopened_at <= happened <= at for happened in closed_at)
            if not closed_since and revision == shown:
                yield f"{ticket.key} was told at {at} again that it is reopened"
            reopened_at, shown = at, revision


def _closed_without_a_word(ticket: Snapshot) -> Iterator[str]:
    """Whoever finds a ticket closed by us finds Halo's word there."""
    words = [comment for comment, text in own_comments(ticket) if word_of(text) is Word.CLOSE]
    for change in ticket.history:
        if change.what != "status" or not change.ours or change.after not in CLOSED:
            continue
        explained = any(comment.created_at <= change.at for comment in words)
        if not explained and "Resolved in Halo" not in description_of(ticket):
            yield f"we closed {ticket.key} at {change.at} and the ticket does not say why"
