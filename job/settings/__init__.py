"""The environment's variables as one frozen value: parsed, checked together, secrets followed.

Promises: whoever has settings has good ones, but for what only Halo or Jira could tell.
Does not do: opening what they name (`wiring.py`).
"""
