"""Keeps Halo issues and Jira tickets in step.

A schedule starts a run. It takes the lease, reads what changed in Halo since the watermark, and
joins each issue with what memory and Jira know of it: a case. Rules decide what each case means;
the plan of all decisions is counted and compared with its limits, and up to here nothing is written
to Jira. Then it is carried out: an intent before each write that must not happen twice, a link
after it. At the end the books are balanced, and the watermark moves as far as all is settled. A run
may be killed at any instant: the next ones look for what it left behind before they do anything
again.

    cli.py         the commands and exit codes            screen.py    a run as a person at a terminal sees it
    settings.py    the environment as one value           secrets.py   what sm:// points at
    wiring.py      from settings to a ready run           check.py, demo.py   what two of the commands do

    run.py         one run, from lease to watermark       lease.py     the right to write
    gather.py      the cases                              apply.py     the plan, carried out
    ports.py       what a run needs from outside          each.py      a few things at once
    errors.py      what can go wrong, by what follows     log.py, clock.py

    core/          pure: nouns, rules, plan, words        http/        one polite caller for each remote
    halo/, jira/   the vendors, with FACTS.md each        state/       memory: SQLite, Firestore
    sim/           both vendors, simulated                README.md    the life of one issue, glossary, decisions
"""

__version__ = "0.1.0"
