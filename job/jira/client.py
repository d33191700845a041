"""Jira Cloud as a run needs it: joins those who each do a part of it.

    SignedCaller our credentials, and the address where they count
    Connection   the site, the account, the polite caller
    Catalogue    what there is: create screens, the id field
    Tongue       what statuses are called, where we see them translated
    Reader       tickets from the database
    Searcher     one query to its end
    Prover       how the id field is searched, and that it finds
    Finder       tickets that memory does not know
    Remnants     tickets that older programs left behind
    Writer       new tickets and comments
    Ways         which transitions there are
    Mover        takes them
    Rehearsal    which ways there would be, for `check`
    Survey       what `check` asks besides

Promises: what `ports.JiraTickets` says, each method by the one that does it.
Does not do: repeating on 429 and 5xx (the caller does), deciding, remembering beyond the run.
"""

from collections.abc import Callable

from job.core.routes import Destination
from job.http.caller import Caller
from job.jira.catalogue import Catalogue
from job.jira.connection import Connection
from job.jira.editor import Editor
from job.jira.finder import Finder
from job.jira.mover import Mover
from job.jira.prover import Prover
from job.jira.reader import Reader
from job.jira.rehearsal import Rehearsal
from job.jira.remnants import Remnants
from job.jira.searcher import Searcher
from job.jira.signing import Access, sign
from job.jira.survey import Survey
from job.jira.tongue import Tongue
from job.jira.ways import Ways
from job.jira.writer import Writer
from job.ports import Clock


class JiraClient:
    """`ports.JiraTickets` over HTTP. `home` is the destination that settles the id field, and
    `confide` is told each token before anybody can repeat it.
    """

    def __init__(
        self,
        *,
        caller: Caller,
        access: Access,
        clock: Clock,
        home: Destination,
        confide: Callable[[str], None] = lambda token: None,
    ) -> None:
        signed = sign(caller, access=access, clock=clock, confide=confide)
        connection = Connection(caller=caller, signed=signed)
        catalogue = Catalogue(connection, home=home)
        tongue = Tongue(connection)
        reader = Reader(connection, catalogue=catalogue, tongue=tongue, clock=clock)
        searcher = Searcher(connection)
        prover = Prover(connection, catalogue=catalogue, searcher=searcher)
        finder = Finder(
            connection, catalogue=catalogue, reader=reader, searcher=searcher, prover=prover
        )
        remnants = Remnants(
            catalogue=catalogue,
            reader=reader,
            searcher=searcher,
            prover=prover,
            tongue=tongue,
        )
        editor = Editor(connection)
        writer = Writer(connection, catalogue=catalogue, reader=reader)
        ways = Ways(connection, tongue=tongue)
        mover = Mover(connection, ways=ways, reader=reader, clock=clock)

        rehearsal = Rehearsal(connection, reader=reader, searcher=searcher, ways=ways, mover=mover)

        self.myself = connection.myself
        self.cloud_id = connection.cloud_id
        self.address_of = connection.address_of
        self.survey = Survey(connection)
        self.create_screen = catalogue.create_screen
        self.person = catalogue.person
        self.read = reader.read
        self.prove_search = prover.prove
        self.find = finder.find
        self.holders = finder.holders
        self.remnants = remnants.sweep
        self.probe = finder.probe
        self.highest_key = finder.highest_key
        self.visible = finder.visible
        self.create = writer.create
        self.comment = writer.comment
        self.edit = editor.edit
        self.mark = editor.mark
        self.has_comment = writer.has_comment
        self.workflow = rehearsal.workflow
        self.choose_transition = ways.choose
        self.move = mover.move
