"""Where the deployment's tests run: in copies, so that nothing is written into the project.

Does not do: what a team keeps beside main.tf (settings, lock, backend); a copy has none of it.
"""

import shutil
from pathlib import Path

import pytest

from tests.infra.tools import PROJECT


def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration in a folder of its own, without the settings, the lock and the backend that
    a team keeps beside it.
    """
    place = tmp_path_factory.mktemp("copied")
    for name in ("infra", "tests/infra"):
        shutil.copytree(PROJECT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "main.tf", place)
    return place
