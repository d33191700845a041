"""Proves on a ticket that is known to hold an id, the canary, that a search finds what it should.

Promises: Jira says once a run that it understands our searches; the form in which ids are searched
for is one that was seen to find a ticket, where there is any to be found; an index that finds no
ticket by the id it holds stops the run, for its silence proves nothing.
Does not do: searching for anything that is wanted (`finder.py`), or deciding what is made of ids
that nobody knows (`flow/trust.py`).
"""

from collections.abc import Collection, Sequence
from typing import Any

from job.core.ids import IssueId, as_halo_writes
from job.core.model import SearchProof
from job.core.shape import FieldSpec
from job.errors import MalformedAnswer, RemoteRefused
from job.jira.catalogue import Catalogue
from job.jira.connection import Connection
from job.jira.remembered import Remembered
from job.jira.searcher import Searcher
from job.jira.wire import search, tickets
from job.jira.wire.exchange import REMOTE
from job.jira.wire.search import Holding, IdClause

SAMPLE_MAX = search.PAGE_MAX
"""So many tickets show what the id field holds: one page."""
CANARIES_MAX = 5
ROUNDS_MAX = 3
"""Two copies of an index may disagree for a while, so a failure is looked at again."""
PROVING = "proving that a search finds what tickets hold"
_ANY_ID = "00000000-0000-0000-0000-000000000000"


class Prover:
    """How the id field is searched on one site."""

    def __init__(self, connection: Connection, *, catalogue: Catalogue, searcher: Searcher) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._search = searcher
        self._usable = Remembered[str, Sequence[IdClause]]()
        self._proven: IdClause | None = None

    async def clause(self) -> IdClause:
        """The form that was seen to find a ticket; before that, the best that the site takes."""
        return self._proven or (await self._clauses())[0]

    async def prove(self, *, canary: IssueId, first_in: Collection[str] = ()) -> SearchProof:
        """Finds the canary, or another one if that is gone. Raises `MalformedAnswer` where tickets
        hold ids and are not found by them, `RemoteRefused` where Jira does not understand us.
        """
        if canary and await self._finds([await self._as_we_ask(canary)], ids=[canary]):
            return SearchProof(in_use=True, canary=canary)
        missed: list[Holding] = []
        for _ in range(ROUNDS_MAX):
            held = await self._holdings()
            if not held:
                return SearchProof(in_use=False)
            with_ids = [holding for holding in held if as_halo_writes(holding.issue_id)]
            missed = with_ids[-CANARIES_MAX:]  # the oldest: the index has long heard of them
            found = await self._canary(missed, in_our_writing=bool(first_in))
            if found or not missed:
                there = await self._held_in(first_in, held=held)
                return SearchProof(in_use=True, canary=found, held=there)
        raise MalformedAnswer(REMOTE, PROVING, _blind(missed[-1]), _ADVICE)

    async def _canary(self, known: Sequence[Holding], *, in_our_writing: bool) -> IssueId:
        """One of these that is found by what it holds, or by how we would write it; "" if none."""
        if in_our_writing:
            ids = [as_halo_writes(holding.issue_id) or holding.issue_id for holding in known]
            values = [await self._as_we_ask(issue_id) for issue_id in ids]
        else:
            ids = [holding.issue_id for holding in known]
            values = [(holding.text,) for holding in known]
        return await self._finds(values, ids=ids)

    async def _finds(self, values: Sequence[Sequence[str]], *, ids: Sequence[IssueId]) -> IssueId:
        """One of the ids that a search for these values finds, by the first form that finds any;
        "" when no form does.
        """
        field_id = (await self._catalogue.id_field()).id
        for clause in await self._clauses() if values else ():
            (query,) = search.queries(values, clause=clause)
            raws = await self._search(query, fields=[field_id])
            for issue_id in ids:
                if tickets.candidates(raws, id_field=field_id, wanted=[issue_id]):
                    self._proven = clause
                    return issue_id
        return IssueId("")

    async def _as_we_ask(self, issue_id: IssueId) -> Sequence[str]:
        spec, settings = await self._catalogue.id_field(), self._catalogue.home.tickets
        return search.writings(issue_id, spec=spec, settings=settings)

    async def _holdings(self, projects: Collection[str] = ()) -> list[Holding]:
        """What the newest tickets hold in the id field, of these projects or of all.

        One question instead of hundreds before a first run. The index runs behind, so an emptiness
        may be a few seconds old, and so might each of those answers have been.
        """
        field_id = (await self._catalogue.id_field()).id
        clause = (await self._clauses())[0]
        raws = await self._search(
            search.filled(clause, projects=projects),
            fields=["project", field_id],
            enough=SAMPLE_MAX,
        )
        return search.holdings(raws, id_field=field_id)

    async def _held_in(
        self, projects: Collection[str], *, held: Sequence[Holding]
    ) -> tuple[str, ...]:
        """What tickets of these projects hold; asked for anew where the newest of the whole site
        leave it open.
        """
        if not projects:
            return ()
        there = [holding for holding in held if holding.project in projects]
        if not there and len(held) >= SAMPLE_MAX:
            there = await self._holdings(projects)
        return tuple(dict.fromkeys(holding.issue_id for holding in there))

    async def _clauses(self) -> Sequence[IdClause]:
        return await self._usable.get("", read=self._read_clauses)

    async def _read_clauses(self) -> Sequence[IdClause]:
        """The forms that the site takes and understands."""
        reads = (self._read_operators, self._catalogue.id_field)
        body, spec = await self._connection.each(lambda read: read(), reads)
        clauses = search.id_clauses(body, spec=spec)
        return await self._understood(clauses, spec=spec)

    async def _read_operators(self) -> Any:
        request = search.operators(self._connection.site)
        return await self._connection.ask(request, doing="asking how fields are searched")

    async def _understood(
        self, clauses: Sequence[IdClause], *, spec: FieldSpec
    ) -> Sequence[IdClause]:
        settings = self._catalogue.home.tickets
        sample = [search.writings(IssueId(_ANY_ID), spec=spec, settings=settings)]
        ways = [next(search.queries(sample, clause=clause)) for clause in clauses]
        others = [search.filled(clauses[0]), search.newest(settings.project_key)]
        request = search.parse(self._connection.site, [*ways, *others])
        said = search.complaints(await self._connection.ask(request, doing=search.PARSING))
        if len(said) != len(clauses) + len(others):
            what = f"{len(clauses) + len(others)} queries were sent and {len(said)} answered."
            raise MalformedAnswer(REMOTE, search.PARSING, what)
        understood = [
            clause for clause, complaint in zip(clauses, said, strict=False) if not complaint
        ]
        refused = next(filter(None, said[len(clauses) :]), "") or ("" if understood else said[0])
        if refused:
            raise RemoteRefused(REMOTE, search.PARSING, refused, _MAY_WE)
        return understood


_MAY_WE = (
    "Look whether the account of JIRA_API_USER may browse the project and see the field of "
    "JIRA_ISSUE_ID_FIELD, and whether that field can be searched."
)
_ADVICE = (
    "While a search does not find what is there, tickets would be made twice. Search for that id "
    "in Jira: when it is found there, the next run goes on. Otherwise Jira's index of the field, "
    "or how the field holds its ids, has to be put right."
)


def _blind(holding: Holding) -> str:
    ours = as_halo_writes(holding.issue_id)
    return (
        f'{holding.key} holds "{holding.text}" in the id field, and a search for {ours} does not '
        "find it. Nothing was created."
    )
