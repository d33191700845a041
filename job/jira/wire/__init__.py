"""What Jira Cloud's REST API v3 means: from values to requests, from answers to values or errors.

Promises: pure functions; `exchange` knows how any request and any answer look; `tickets`,
`comments`, `search`, `metadata` and `transitions` know the single endpoints.
Does not do: sending (`connection.py`), waiting, remembering or logging.
"""
