"""Files that differ from their baseline: what changed about each, in words.

Promises: a hash is shortened to twelve digits, and stands whole only where nothing else tells a
file from its baseline.
Does not do: knowing who changed a file, which Halo does not say.
"""

from collections.abc import Iterator
from typing import Final

from job.core import adf
from job.core.adf import Node, code, paragraph
from job.core.findings import FileChange, FileState, FimFinding
from job.core.issues import Evidence
from job.core.kinds.told import SCANNED_AGAIN, Told, counted, listed_rows
from job.core.phrases import listed, phrase, place_of

HASH_DIGITS: Final = 12
_WHOLE_MAX: Final = 10
"""Files whose hashes are shown whole."""


def told(evidence: Evidence, *, finding: FimFinding) -> Told:
    where = f" on {place}" if (place := phrase(place_of(evidence.issue))) else ""
    total = max(finding.total, len(finding.files))
    many = counted(total, one="file differs", many="files differ")
    target = phrase(finding.target) or "what is watched"
    return Told(
        headline=f"In {target}{where} {many} from the baseline.",
        why=[
            *adf.prose(finding.description),
            paragraph(
                "What is watched should change with a release and at no other time: a change that "
                "nobody meant may be the work of an intruder."
            ),
        ],
        fix=[
            paragraph(
                "If nobody meant the change, find out who made it, restore the files and look for "
                "what else was touched. If it was meant, make a new baseline in Halo."
            ),
            paragraph(SCANNED_AGAIN),
        ],
        proof=list(_proof(finding, total=total)),
    )


def _proof(finding: FimFinding, *, total: int) -> Iterator[Node]:
    if finding.baseline:
        yield paragraph("The baseline was taken from ", code(phrase(finding.baseline)), ".")
    rows = [(code(file.path), changed(file)) for file in finding.files]
    yield from listed_rows(rows, head=("File", "What changed"), total=total)
    whole = [file for file in finding.files if _only_content(file)][:_WHOLE_MAX]
    if whole:
        lines = (
            f"{file.path}\n  was {file.expected.sha256}\n  is  {file.found.sha256}"
            for file in whole
        )
        yield paragraph("Of these, nothing but the content tells them from the baseline (SHA-256):")
        yield adf.code_block("\n".join(lines))


def changed(file: FileChange) -> str:
    """What is different about a file, such as `content, size 1472 to 1490`."""
    if file.status == "missing":
        return "missing"
    if file.status == "added":
        return listed("added", _described(file.found))
    return listed(*_differences(file)) or phrase(file.status)


def _differences(file: FileChange) -> Iterator[str]:
    was, now = file.expected, file.found
    if now.sha256 and now.sha256 != was.sha256:
        before = f" {was.sha256[:HASH_DIGITS]} to" if was.sha256 else " now"
        yield f"content (SHA-256{before} {now.sha256[:HASH_DIGITS]})"
    if was.size is not None and now.size is not None and was.size != now.size:
        yield f"size {was.size} to {now.size} bytes"
    if was.owner and now.owner and was.owner != now.owner:
        yield f"owner {was.owner} to {now.owner}"
    if was.mode and now.mode and was.mode != now.mode:
        yield f"mode {was.mode} to {now.mode}"


def _described(state: FileState) -> str:
    return listed(
        state.owner and f"owner {state.owner}",
        state.mode and f"mode {state.mode}",
        state.sha256 and f"SHA-256 {state.sha256[:HASH_DIGITS]}",
    )


def _only_content(file: FileChange) -> bool:
    """Whether both hashes are known and all that is different."""
    both = file.found.sha256 and file.expected.sha256
    return (
        bool(both)
        and len(list(_differences(file))) == 1
        and file.found.sha256 != file.expected.sha256
    )
