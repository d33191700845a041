"""Memory between runs: links, intents, parked issues, watermarks, leases and the record of runs.

Promises: every store keeps the same promises (`Store` in `job/stores.py`) by the same rules
(`rules.py`).
Does not do: deciding what is worth remembering.
"""
