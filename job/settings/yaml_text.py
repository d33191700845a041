"""Reads YAML into texts, lists and tables that know their lines.

Promises: every scalar is the text that people wrote (`on`, `0123`, `1.10`); nothing is made of what
is read but these three; anchors, tags, further documents and deep nesting are refused.
Does not do: knowing what the texts mean (`routing.py`). Imported only where there are routes.
"""

from collections.abc import Iterator

import yaml

from job.settings.marked import Marked, Rows, Table, Text, Unreadable

DEPTH_MAX = 20


def read(text: str) -> Marked:
    """The one document of a text. Raises `Unreadable`."""
    try:
        events = iter(list(_of_one_document(text)))
        return _node(next(events), events=events, depth=0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, f"{error.problem}.") from None
    except yaml.YAMLError:
        wrong = "It holds characters that YAML does not allow, such as control characters."
        raise Unreadable(1, wrong) from None


def _of_one_document(text: str) -> Iterator[yaml.Event]:
    documents = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        line = _line(event)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if documents > 1:
            raise Unreadable(line, "A second document begins; one is read.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable(line, "Anchors and aliases (& and *) are not read: put * in quotes.")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None):
            raise Unreadable(line, "Tags (!) are not read; every value is a text.")
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event
    if not documents:
        raise Unreadable(1, "It is empty.")


def _node(event: yaml.Event, *, events: Iterator[yaml.Event], depth: int) -> Marked:
    """What begins with this event."""
    line = _line(event)
    if depth > DEPTH_MAX:
        raise Unreadable(line, f"More than {DEPTH_MAX} levels are nested.")
    if isinstance(event, yaml.ScalarEvent):
        return Text(line, event.value)
    inside = depth + 1
    if isinstance(event, yaml.SequenceStartEvent):
        return Rows(line, tuple(_items(events, depth=inside)))
    return Table(line, _entries(events, depth=inside))


def _line(event: yaml.Event) -> int:
    """In which it begins, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark else 1


def _items(events: Iterator[yaml.Event], *, depth: int) -> Iterator[Marked]:
    for start in events:
        if isinstance(start, yaml.SequenceEndEvent):
            return
        yield _node(start, events=events, depth=depth)


def _entries(events: Iterator[yaml.Event], *, depth: int) -> tuple[tuple[Text, Marked], ...]:
    entries: dict[str, tuple[Text, Marked]] = {}
    for start in events:
        if isinstance(start, yaml.MappingEndEvent):
            break
        key = _node(start, events=events, depth=depth)
        value = _node(next(events), events=events, depth=depth)
        if not isinstance(key, Text):
            raise Unreadable(key.line, "A key is a text.")
        if key.text in entries:
            raise Unreadable(key.line, f'"{key.text}" stands twice in one table.')
        entries[key.text] = (key, value)
    return tuple(entries.values())
