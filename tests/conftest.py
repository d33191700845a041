"""What holds for every test.

Long ones are begun first, so that no worker is left with one when the others are through.
Random examples have no deadline, neither to be made nor to be tried: a slow machine is no failure.
"""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.kit.emulator",)

settings.register_profile(
    "untimed",
    settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; all others stay in their order."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
