"""Finds the place of a mistake by the name of what it changes, and words that file with it.

Promises: a place is found in whatever file it lies and however that is laid out, for a definition
is compared as `ast.unparse` writes it; a mistake that has not exactly one place is `Unplaced`,
whose words say what to look for; the rest of the file means what it meant before.
It changes no file and runs no test.
"""

import ast
import copy
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.mutations.mutants import Mutant

SIMULATED = "job/sim"
"""Where no mistake is made: it is what the program is tested against."""


class Unplaced(Exception):
    """A mistake does not fit the program any more; the words say why."""


class Place(NamedTuple):
    """A definition at the top of a module or of a class, and the file that it stands in."""

    path: Path
    module: ast.Module
    definition: ast.stmt


class Broken(NamedTuple):
    """What a file says with a mistake in it; its path begins at the root."""

    path: Path
    text: str


class Program:
    """All that is defined in `job/` under one root, as it was when this was made."""

    def __init__(self, root: Path) -> None:
        self._places: defaultdict[str, list[Place]] = defaultdict(list)
        for path in sorted(file.relative_to(root) for file in (root / "job").rglob("*.py")):
            if not path.is_relative_to(SIMULATED):
                module = ast.parse((root / path).read_text(), filename=str(path))
                for name, definition in _definitions(module):
                    self._places[name].append(Place(path, module, definition))

    def place(self, where: str) -> Place:
        """The one definition of this name. Raises `Unplaced`."""
        module, _, name = where.rpartition(":")
        found = [one for one in self._places.get(name, ()) if _lies_in(module, path=one.path)]
        if not found:
            raise Unplaced(f"No `{where}` is defined in job/ any more{self._alike(name)}.")
        if len(found) > 1:
            files = " and in ".join(str(one.path) for one in found)
            raise Unplaced(f"`{where}` is defined in {files}: say which, as in `module:{name}`.")
        return found[0]

    def broken(self, mutant: Mutant) -> Broken:
        """The file with this mistake in it. Raises `Unplaced`."""
        place = self.place(mutant.where)
        text = ast.unparse(place.definition)
        if (times := text.count(mutant.before)) != 1:
            wanted = f"`{mutant.before}` has to stand once in `{mutant.where}`"
            raise Unplaced(f"{wanted}, but stands there {times} times:\n\n{text}")
        mistaken = _parsed(text.replace(mutant.before, mutant.after), where=mutant.where)
        if ast.unparse(mistaken) == text:
            raise Unplaced(f"`{mutant.after}` makes no difference to `{mutant.where}`.")
        body = _exchanged(place.module.body, definition=place.definition, by=mistaken.body)
        return Broken(place.path, ast.unparse(ast.Module(body, type_ignores=[])) + "\n")

    def _alike(self, name: str) -> str:
        """What has the same last name, for whoever looks for what was renamed or moved."""
        last = name.rpartition(".")[2]
        alike = [other for other in sorted(self._places) if other.rpartition(".")[2] == last]
        return f", but there is {', '.join(f'`{other}`' for other in alike)}" if alike else ""


Scope = ast.Module | ast.ClassDef


def _definitions(scope: Scope, *, within: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """Functions, classes and constants by their qualified names; nothing inside a function."""
    for statement in scope.body:
        for name in _names(statement):
            yield within + name, statement
        if isinstance(statement, ast.ClassDef):
            yield from _definitions(statement, within=f"{within}{statement.name}.")


def _names(defined: ast.stmt | ast.expr) -> Iterator[str]:
    """What is defined here: one name, or each to which an assignment gives a value."""
    match defined:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Name(id=name):
            yield name
        case ast.AnnAssign(target=target):
            yield from _names(target)
        case ast.Assign(targets=several) | ast.Tuple(elts=several):
            for one in several:
                yield from _names(one)


def _lies_in(module: str, *, path: Path) -> bool:
    """Whether this is the file of the module, for whose name its last part is enough."""
    full = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return not module or f".{full}".endswith(f".{module}")


def _parsed(text: str, *, where: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise Unplaced(f"With the mistake, `{where}` is no Python: {error}.\n\n{text}") from error


def _exchanged(
    body: list[ast.stmt],
    *,
    definition: ast.stmt,
    by: list[ast.stmt],
) -> list[ast.stmt]:
    """The same statements but for one, here or in a class. The given ones stay as they are."""
    exchanged: list[ast.stmt] = []
    for statement in body:
        if statement is definition:
            exchanged += by
        elif isinstance(statement, ast.ClassDef):
            around = copy.copy(statement)
            around.body = _exchanged(statement.body, definition=definition, by=by)
            exchanged.append(around)
        else:
            exchanged.append(statement)
    return exchanged
