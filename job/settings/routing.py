"""Reads routes: from the YAML that people write to a rulebook.

Promises: a sentence for each rule and test that is wrong, with its line: unknown keys and fields of
Halo, rules that can never have their turn, tests that do not hold.
Does not do: reading YAML (`marked.py`), what routes say of issues (`conditioning.py`), or asking
Jira whether a project is there (`check`).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from job.core import conditions, ladders, templates
from job.core.ladders import Delay, Ladder, Step
from job.core.routes import DEFAULT, SKIP, CommentWhen
from job.core.values import RAW, escaped
from job.settings import conditioning, parse
from job.settings.conditioning import one_of, table, text, texts, valued
from job.settings.marked import Marked, Rows, Table, Unreadable
from job.settings.rulebook import CommentWords, Rulebook, RuleTest, RuleText, WorkflowWords

ROUTES_MAX = 32 * 1024
"""What a variable of Cloud Run may hold, in bytes."""
FILE_MAX = 1024 * 1024
NAME_MAX = 60
ALLOWED = "routes as job/docs/routes.md describes them"
T = TypeVar("T")


def variable(words: str) -> Rulebook | None:
    """The rulebook in a variable; `None` for an empty one. Raises `parse.Unfit`."""
    if len(words.encode()) > ROUTES_MAX:
        wrong = f"It has more than {ROUTES_MAX} bytes, which no variable of Cloud Run can hold."
        raise parse.Unfit(wrong, "a file that ROUTES_FILE names")
    return rulebook(words) if words else None


def file(path: str) -> Rulebook | None:
    """The rulebook in a file; `None` where none is named. Raises `parse.Unfit`."""
    if not path:
        return None
    try:
        words = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        raise parse.Unfit(f"{path!r} cannot be read ({why}).", "the path of a text file") from None
    if len(words) > FILE_MAX:
        raise parse.Unfit(f"{path!r} has more than {FILE_MAX} characters.", "a smaller file")
    return rulebook(words)


def rulebook(words: str) -> Rulebook:
    """The rulebook of a text. Raises `parse.Unfit` with a sentence for each thing that is wrong."""
    # The parser of YAML is loaded only by those who have routes.
    from job.settings import yaml_text  # noqa: PLC0415

    wrong: list[str] = []
    try:
        top = _top(yaml_text.read(words))
        others = one_of(top[DEFAULT], what=DEFAULT, words=(SKIP,)) if DEFAULT in top else ""
    except Unreadable as unreadable:
        raise parse.Unfit(str(unreadable), ALLOWED) from None
    rules = _each(top["routes"], what="routes", read_one=_rule, wrong=wrong)
    tests = _each(top["tests"], what="tests", read_one=_test, wrong=wrong) if "tests" in top else ()
    book = Rulebook(rules=rules, tests=tests, skips_others=bool(others))
    wrong += [*_bad_names(book), *_without_a_turn(book), *_unlike_workflows(book)]
    if not wrong:
        wrong += _failures(book)
    if wrong:
        raise parse.Unfit(" ".join(wrong), ALLOWED)
    return book


def _top(node: Marked) -> dict[str, Marked]:
    top = table(node, what="The file", keys=("routes", "tests", DEFAULT))
    if "routes" not in top:
        raise Unreadable(node.line, "There is no list of routes.")
    return top


def _each(
    node: Marked, *, what: str, read_one: Callable[[Marked], T], wrong: list[str]
) -> tuple[T, ...]:
    """Every entry of a list that can be read; what is wrong with the others is added to `wrong`."""
    if not isinstance(node, Rows):
        wrong.append(f"line {node.line}: {what} must be a list.")
        return ()
    found: list[T] = []
    for item in node.items:
        try:
            found.append(read_one(item))
        except Unreadable as unreadable:
            wrong.append(str(unreadable))
    return tuple(found)


# --- One rule, one test ---------------------------------------------------------------------------

RULE_KEYS: Final = ("name", "when", "to", "priority", "due", "comments", "workflow", SKIP)
TO_KEYS: Final = ("project", "type", "fields", "labels", "assignee")
WORKFLOW_KEYS: Final = tuple(WorkflowWords.__struct_fields__)
_SEVERAL: Final = frozenset({"closed", "hard_closed", "accepted"})


def _rule(node: Marked) -> RuleText:
    given = table(node, what="A route", keys=RULE_KEYS)
    for needed in ("name", "when"):
        if needed not in given:
            raise Unreadable(node.line, f'A route needs "{needed}".')
    skips, leads = SKIP in given, set(given) - {"name", "when", SKIP}
    if skips and leads:
        raise Unreadable(node.line, f"A route that skips takes no {', '.join(sorted(leads))}.")
    if not skips and "to" not in given:
        raise Unreadable(node.line, 'A route needs "to", or "skip" with the reason why.')
    to = table(given["to"], what='"to"', keys=TO_KEYS) if "to" in given else {}
    return RuleText(
        line=node.line,
        name=text(given["name"], what="A name"),
        when=conditioning.when(given["when"]),
        skip=text(given[SKIP], what="The reason of skip") if skips else "",
        project=valued(to["project"], parse.project_key, what="project") if "project" in to else "",
        ticket_type=text(to["type"], what="type") if "type" in to else "",
        fields=_fields(to["fields"]) if "fields" in to else (),
        labels=_labels(to["labels"]) if "labels" in to else (),
        assignee=text(to["assignee"], what="assignee") if "assignee" in to else "",
        priority=_ladder(given["priority"]) if "priority" in given else (),
        due=_due(given["due"]) if "due" in given else (),
        comments=_comments(given["comments"]) if "comments" in given else None,
        workflow=_workflow(given["workflow"]) if "workflow" in given else WorkflowWords(),
    )


def _fields(node: Marked) -> tuple[tuple[str, str], ...]:
    """Jira's fields with their values as settings write them; a list stands for several values."""
    fields = []
    for name, value in table(node, what="fields").items():
        words = texts(value, what=f'"{name}"')
        asking = [word for word in words if templates.is_template(word)]
        for word in asking:
            _checked(word, line=value.line)
        as_it_is = (*asking, *(word for word in words if word.startswith(RAW)))
        plain = [word if word in as_it_is else escaped(word) for word in words]
        fields.append((name, ",".join(plain)))
    return tuple(fields)


def _checked(words: str, *, line: int) -> None:
    """Whether the fields of Halo in these words exist."""
    try:
        templates.parse(words)
    except ValueError as error:
        raise Unreadable(line, str(error)) from None


def _labels(node: Marked) -> tuple[str, ...]:
    labels = texts(node, what="A label")
    for label in labels:
        _checked(label, line=node.line)
    return labels


def _ladder(node: Marked) -> Ladder:
    steps: list[Step] = []
    for key, value in _pairs(node):
        if steps and not steps[-1].when.each:
            raise Unreadable(key.line, f'After "{ladders.DEFAULT}" no other step has its turn.')
        steps.append(Step(valued(key, ladders.parse_step, what="A step"), text(value, what="It")))
    return tuple(steps)


def _pairs(node: Marked) -> Sequence[tuple[Marked, Marked]]:
    table(node, what="A ladder of steps")
    return node.entries if isinstance(node, Table) else ()


def _due(node: Marked) -> Ladder:
    for _, value in _pairs(node):
        valued(value, Delay.parse, what="A number of days")
    return _ladder(node)


def _comments(node: Marked) -> CommentWords:
    given = table(node, what="comments", keys=("when", "every"))
    if "when" not in given:
        raise Unreadable(node.line, 'comments need "when".')
    words = tuple(when.value for when in CommentWhen)
    when = CommentWhen(one_of(given["when"], what="rule for comments", words=words))
    every = given.get("every")
    span = valued(every, parse.duration, what="An interval") if every is not None else None
    return CommentWords(when=when, every=span)


def _workflow(node: Marked) -> WorkflowWords:
    given = table(node, what="workflow", keys=WORKFLOW_KEYS)
    statuses = {name: _statuses(given[name]) for name in _SEVERAL if name in given}
    word = {name: text(value, what=name) for name, value in given.items() if name not in _SEVERAL}
    words = WorkflowWords(
        close=word.get("close"),
        reopen=word.get("reopen"),
        closed=statuses.get("closed"),
        hard_closed=statuses.get("hard_closed"),
        accepted=statuses.get("accepted"),
        new=word.get("new"),
        resolution=word.get("resolution"),
    )
    closed = {status.casefold() for status in words.closed or ()}
    both = [status for status in words.hard_closed or () if status.casefold() in closed]
    if both:
        raise Unreadable(node.line, f"{', '.join(both)} cannot be closed and hard-closed.")
    if words.new and words.new.casefold() in closed:
        raise Unreadable(node.line, f'"{words.new}" is a closed status: new tickets stay open.')
    return words


def _statuses(node: Marked) -> tuple[str, ...]:
    """One, several or none."""
    return () if isinstance(node, Rows) and not node.items else texts(node, what="A status")


def _test(node: Marked) -> RuleTest:
    given = table(node, what="A test", keys=("issue", "goes_to"))
    for needed in ("issue", "goes_to"):
        if needed not in given:
            raise Unreadable(node.line, f'A test needs "{needed}".')
    return RuleTest(
        line=node.line,
        issue=conditioning.issue(given["issue"]),
        says=conditioning.said(given["issue"]),
        goes_to=text(given["goes_to"], what="goes_to"),
    )


# --- All of them together -------------------------------------------------------------------------


def _bad_names(book: Rulebook) -> Iterator[str]:
    seen: dict[str, int] = {}
    for rule in book.rules:
        if rule.name in {DEFAULT, SKIP} or len(rule.name) > NAME_MAX:
            yield f"line {rule.line}: no route may be called {rule.name[:NAME_MAX]!r}."
        elif rule.name in seen:
            where = f"in line {seen[rule.name]} already"
            yield f'line {rule.line}: a route is called "{rule.name}" {where}.'
        seen.setdefault(rule.name, rule.line)
    known = {*seen, DEFAULT, SKIP}
    for test in book.tests:
        if test.goes_to not in known:
            yield f'line {test.line}: there is no route "{test.goes_to}".'


def _without_a_turn(book: Rulebook) -> Iterator[str]:
    for place, rule in enumerate(book.rules):
        if rule.when.is_impossible:
            yield f'line {rule.line}: route "{rule.name}" matches nothing: its "not" covers all.'
            continue
        earlier = [other.when for other in book.rules[:place]]
        shadows = conditions.shadowing(rule.when, earlier=earlier)
        by = [
            f'"{other.name}" (line {other.line})' for other in book.rules if other.when in shadows
        ]
        if shadows:
            never = "can never match: whatever it is for is taken before by"
            yield f'line {rule.line}: route "{rule.name}" {never} {", ".join(by)}.'


def _unlike_workflows(book: Rulebook) -> Iterator[str]:
    """Workflow words belong to the project in which a ticket stands, whoever brought it there."""
    first: dict[str, RuleText] = {}
    for rule in book.rules:
        if rule.workflow == WorkflowWords():
            continue
        other = first.setdefault(rule.project, rule)
        if other.workflow != rule.workflow:
            same = f'the same project as route "{other.name}" (line {other.line})'
            yield f'line {rule.line}: route "{rule.name}" has another workflow for {same}.'


def _failures(book: Rulebook) -> Iterator[str]:
    for test, way in book.failures():
        yield f'line {test.line}: {test.says} goes to "{way}", and not to "{test.goes_to}".'
