"""A reader of standard output who has seen enough, as in `plan | head`."""

import os
import subprocess
from pathlib import Path

from job.sim.server import Urls
from job.sim.story import settings
from job.sim.world import World
from tests.kit.town import PYTHON


def test_a_reader_who_leaves_early_ends_nothing_and_hears_no_complaint(
    world: World, urls: Urls, tmp_path: Path
) -> None:
    state = {"STATE_URL": f"sqlite:///{tmp_path / 'state.db'}", "HOME": str(tmp_path)}
    environ = {"PATH": os.environ["PATH"], **settings(world, urls=urls), **state}
    ends, begins = os.pipe()
    os.close(ends)
    with os.fdopen(begins, "w") as nobody_reads:
        left = subprocess.run(
            [*PYTHON, "-m", "job", "plan", "--since", "all"],
            env=environ,
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (left.returncode, left.stderr) == (0, "")
