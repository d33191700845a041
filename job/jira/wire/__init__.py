"""What Jira Cloud's REST API v3 means, as pure functions: from values to requests, from answers to
values or errors.

`exchange` knows how any request and any answer look; `tickets`, `comments`, `search`, `metadata`
and `transitions` know the single endpoints. Nothing here sends, waits, remembers or logs:
`client.py` does.
"""
