"""Image tests are asked for by name, because they build a container image: `make image-test`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the image tests out of a run that did not ask for them with `-m image`."""
    if "image" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("image"):
            item.add_marker(
                pytest.mark.skip(reason="builds the container image; run by `make image-test`")
            )
