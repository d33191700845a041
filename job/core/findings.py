"""What is behind an issue, as values: what one scan or event saw, and what is known of its CVEs.

Promises: every value is frozen and every instant is an aware UTC `datetime`. What Halo left out is
`None` or `""` here.
Does not do: knowing how a value was read (`halo/findings.py`), or how it is told (`core/kinds/`).
"""

from datetime import datetime

from msgspec import Struct


class Check(Struct, frozen=True, kw_only=True):
    """One configuration check of a rule: what was looked at, what was wanted, what was found."""

    type: str
    target: str
    expected: str
    actual: str
    status: str
    pattern: str = ""
    """What was looked for in the target, such as a regular expression."""


class CsmFinding(Struct, frozen=True, kw_only=True):
    """Configuration: the rule in prose and its checks."""

    description: str
    checks: tuple[Check, ...] = ()
    operator: str = ""
    """AND or OR: whether each check must pass, or one of them."""
    references: tuple[str, ...] = ()
    """Such as the numbers of a rule in CIS or PCI."""


class FileState(Struct, frozen=True, kw_only=True):
    """How a file was or is. The hash is hex SHA-256; "" and `None` where Halo does not say."""

    sha256: str = ""
    owner: str = ""
    mode: str = ""
    size: int | None = None


class FileChange(Struct, frozen=True, kw_only=True):
    """One file that differs from its baseline."""

    path: str
    status: str
    """added, changed or missing."""
    found: FileState = FileState()
    expected: FileState = FileState()


class FimFinding(Struct, frozen=True, kw_only=True):
    """File integrity: the watched target and the files that changed (`total` may exceed the files
    listed).
    """

    target: str
    description: str
    files: tuple[FileChange, ...] = ()
    total: int = 0
    baseline: str = ""
    """The server that the baseline was taken from."""


class Cve(Struct, frozen=True, kw_only=True):
    """One vulnerability of a package. `suppressed` when an exception in Halo covers it."""

    id: str
    score: float | None = None
    suppressed: bool = False


class CveDetails(Struct, frozen=True, kw_only=True):
    """What Halo tells of one vulnerability, in CVSS's own words: such as NETWORK, LOW, NONE. The
    score is that of CVSS 2, where there is one.
    """

    id: str
    summary: str = ""
    score: float | None = None
    severity: str = ""
    attack_vector: str = ""
    complexity: str = ""
    privileges: str = ""
    """What an attacker must be allowed already; `authentication` in CVSS 2."""
    interaction: str = ""


class SvaFinding(Struct, frozen=True, kw_only=True):
    """A vulnerable package and its vulnerabilities."""

    package_name: str
    package_version: str
    cves: tuple[Cve, ...] = ()


class LidsEvent(Struct, frozen=True, kw_only=True):
    """A line of a log that matched a rule."""

    message: str
    log_entry: str
    created_at: datetime | None = None


class OtherFinding(Struct, frozen=True, kw_only=True):
    """One of a shape that nobody has published: its own keys and values, in its own order."""

    rows: tuple[tuple[str, str], ...]
    more: int = 0
    """How many further values it has."""
    why: str = ""
    """What makes it no finding of its issue's type, as a sentence; "" where that type has no known
    shape.
    """


class Gone(Struct, frozen=True, kw_only=True):
    """Halo answered 404: the evidence was deleted, usually together with its server. The ticket
    says so and goes on.
    """

    url: str
    early: bool = False
    """Whether the issue is so young that its evidence may only not be readable yet."""


class Unreadable(Struct, frozen=True, kw_only=True):
    """Halo's answer is no object, or none at all. The ticket says so and goes on."""

    url: str
    why: str
    """As a sentence."""


Finding = CsmFinding | FimFinding | SvaFinding | LidsEvent | OtherFinding
