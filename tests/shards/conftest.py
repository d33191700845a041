"""Silence, as for all simulated worlds."""

from tests.kit.silence import quiet

__all__ = ["quiet"]
