"""Every mistake in `mutants.py` has its place in the program as it is today.

Promises: whoever renames or rewrites what a mistake changes hears of it in the quick tests.
It does not run the program with a mistake in it: `test_mutations.py` does.
"""

import ast
from pathlib import Path

import pytest

from tests.mutations.mutants import MUTANTS, Mutant
from tests.mutations.places import Program, Unplaced

ROOT = Path(__file__).resolve().parents[2]

STALL = '''
"""A market stall."""
OPENS, CLOSES = 8, 18


class Stall:
    """Sells apples."""

    price: int = 3

    @staticmethod
    def cost(apples: int) -> int:
        """What they cost.

        A dozen is
          cheaper.
        """
        if apples >= 12:  # a dozen
            return (
                apples * 2
            )
        return apples * 3
'''
TWICE = "def cost() -> int:\n    return 1\n"


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(ROOT)


@pytest.fixture
def market(tmp_path: Path) -> Program:
    """A small program: `cost` is defined in two of its modules, and something else in a class."""
    texts = {"stall": STALL, "north/shop": TWICE, "south/mall": TWICE, "sim/stall": STALL}
    for module, text in texts.items():
        file = tmp_path / f"job/{module}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Program(tmp_path)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_has_its_place(mutant: Mutant, program: Program) -> None:
    broken = program.broken(mutant)
    compile(broken.text, broken.path, "exec", dont_inherit=True)


def test_no_two_mistakes_share_a_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mistake_changes_its_definition_and_nothing_else(market: Program) -> None:
    broken = market.broken(Mutant("", "Stall.cost", "return apples * 2", "return 0"))
    assert broken.path == Path("job/stall.py")
    assert ast.dump(ast.parse(broken.text)) == ast.dump(ast.parse(STALL.replace("apples * 2", "0")))


@pytest.mark.parametrize(
    ("where", "before", "after", "line"),
    [
        ("CLOSES", "18", "20", "OPENS, CLOSES = (8, 20)"),
        ("Stall.price", "3", "4", "    price: int = 4"),
        ("mall:cost", "1", "2", "    return 2"),
        ("north.shop:cost", "1", "2", "    return 2"),
    ],
)
def test_a_place_may_be(
    where: str,
    before: str,
    after: str,
    line: str,
    market: Program,
) -> None:
    assert line in market.broken(Mutant("", where, before, after)).text.splitlines()


@pytest.mark.parametrize(
    ("where", "before", "after", "words"),
    [
        ("Shop.price", "3", "4", "No `Shop.price` is defined .* but there is `Stall.price`"),
        ("Stall.tare", "3", "4", r"No `Stall.tare` is defined in job/ any more\."),
        ("cost", "1", "2", "`cost` is defined in job/north/shop.py and in job/south/mall.py"),
        ("hop:cost", "1", "2", "No `hop:cost` is defined"),
        ("Stall.cost", "apples * 4", "", "has to stand once .* but stands there 0 times"),
        ("Stall.cost", "return apples", "", "has to stand once .* but stands there 2 times"),
        ("Stall.cost", "return apples * 2", "", "With the mistake, `Stall.cost` is no Python"),
        ("Stall.cost", "apples * 2", "(apples * 2)", "makes no difference"),
    ],
)
def test_a_mistake_without_one_place_says_so(
    where: str,
    before: str,
    after: str,
    words: str,
    market: Program,
) -> None:
    with pytest.raises(Unplaced, match=words):
        market.broken(Mutant("", where, before, after))
