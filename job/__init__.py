"""Keeps Halo issues and Jira tickets in step.

A schedule starts a run. It takes the lease, reads what changed in Halo since the watermark, and
joins each issue with what memory and Jira know of it: a case. Rules decide what each case means;
the plan of all decisions is counted and compared with its limits, and up to here nothing is written
to Jira. Then it is carried out: an intent before each write that must not happen twice, a link
after it. At the end the ledger is balanced, and the watermark moves as far as all is settled.

Promises: a run may be killed at any instant; the next ones look for what it left behind before they
do anything again.
Does not do: changing anything in Halo.

    cli.py         the command line            commands/   what each command does
    console/       people, machines, secrets   settings/   the environment as one value
    wiring.py      from settings to a run      flow/       one run, stretch by stretch
    ports.py       what a run needs from       core/       pure: what is decided, what is said,
                   outside                                 which fields are filled
    halo/, jira/   the vendors, with FACTS     http/       one polite caller for each remote
    state/         memory: SQLite, Firestore   sim/        both vendors, simulated
    errors.py      what can go wrong           events.py   what is logged
    each.py        a few things at once        clock.py    the machine's own clock
    docs/          for those who run it        README.md, DECISIONS.md   for those who change it
"""

__version__ = "0.1.0"
