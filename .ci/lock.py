"""Writes requirements.lock: every dependency of every part, pinned and hashed, naming no registry.

One file serves three readers: the image installs the part `runtime`, the HTTP entry points add
`http`, and a developer installs the whole file. Each part lists only what the parts before it do
not, so the parts never disagree.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = {"runtime": [], "http": ["http"], "dev": ["http", "dev"]}
ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"


def compiled(extras: list[str], *, pinned_by: str) -> dict[str, str]:
    """Name -> its lines in the lock, resolved with what earlier parts pinned as constraints."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, output = Path(folder, "constraints.txt"), Path(folder, "output.txt")
        constraints.write_text(re.sub(r" \\\n\s+--hash=\S+", "", pinned_by))
        command = [
            sys.executable,
            "-m",
            "piptools",
            "compile",
            "--quiet",
            "--generate-hashes",
            "--strip-extras",
            "--allow-unsafe",
        ]
        command += [
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-trusted-host",
            "--no-emit-find-links",
            "--no-emit-options",
        ]
        command += [f"--extra={extra}" for extra in extras]
        command += [
            f"--constraint={constraints}",
            f"--output-file={output}",
            str(ROOT / "pyproject.toml"),
        ]
        subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603
        entries = re.split(r"\n(?=\S)", output.read_text().strip())
    return {re.split(r"[=\s\[]", entry)[0]: entry for entry in entries if "==" in entry}


def main() -> None:
    """Resolve the parts in order and write them below one another."""
    known: dict[str, str] = {}
    text = "# Made by `make lock` from pyproject.toml; never edited by hand.\n"
    for part, extras in PARTS.items():
        found = compiled(extras, pinned_by="\n".join(known.values()))
        fresh = {name: entry for name, entry in found.items() if name not in known}
        known |= fresh
        text += f"\n# == {part} ==\n" + "".join(f"{entry}\n" for _, entry in sorted(fresh.items()))
    LOCK.write_text(text)


if __name__ == "__main__":
    main()
