"""A log that a test sets up anew is taken down again."""

from tests.kit.silence import quiet_again

__all__ = ["quiet_again"]
