"""What `check` proves, one subject a file.

Promises: nothing is written to Halo, to Jira or to our memory; whatever is wrong is named with its
variable, with what there is instead, and with what to click.
Does not do: showing it (`commands/check.py`).
"""
