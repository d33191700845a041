"""Asks whether anything that an image ships is known to be vulnerable, but for what is excused.

Promises: what is looked at is what the parts of the image hold, pinned by hash; an exception names
a vulnerability, a last day and a reason, and counts no longer after that day.
Does not do: the base image, which Artifact Registry scans where `images.scan` is on.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"(?P<id>[A-Z]+-[\w-]+) (?P<until>\d{4}-\d\d-\d\d) (?P<why>\S.{19,})")


def shipped(lock: str, *, parts: Sequence[str]) -> str:
    """What these parts of the lock hold. Raises `ValueError` for a part that it has not."""
    found = dict(re.findall(r"^# == (\w+) ==\n(.*?)(?=^# == |\Z)", lock, re.DOTALL | re.MULTILINE))
    if missing := [part for part in parts if part not in found]:
        raise ValueError(f"requirements.lock has no part {', '.join(missing)}.")
    return "".join(found[part] for part in parts)


def ignored(exceptions: str, *, today: date) -> Iterator[str]:
    """The vulnerabilities that are excused today. Raises `ValueError` for a line that says too
    little, and for one whose day is over.
    """
    for line in exceptions.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        matched = LINE.fullmatch(line)
        if not matched:
            raise ValueError(f"{line!r} is not an id, a last day and a reason of 20 signs or more.")
        if date.fromisoformat(matched["until"]) < today:
            raise ValueError(f"The exception for {matched['id']} ended on {matched['until']}.")
        yield matched["id"]


def main(parts: Sequence[str]) -> int:
    """Audits, and returns the auditor's exit code; 2 where an exception is no good."""
    try:
        wanted = shipped((ROOT / "requirements.lock").read_text(), parts=parts)
        exceptions = (ROOT / ".ci" / "exceptions.txt").read_text()
        excused = list(ignored(exceptions, today=datetime.now(UTC).date()))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    listed = ROOT / "shipped.txt"
    listed.write_text(wanted)
    command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes"]
    command += [f"--ignore-vuln={name}" for name in excused]
    return subprocess.run([*command, f"--requirement={listed}"], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
