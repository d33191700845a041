"""One run, from the lease to the watermark: the road that data takes, stretch by stretch.

Promises: it meets the world through `ports.py` alone, so that a simulated one is as good.
Does not do: what can be decided from values, which `core/` does.
"""
