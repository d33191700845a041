"""Jira's side: the requests we make, what the answers mean, and the client that joins the two.

Promises: the rest of the job meets Jira through `client.py`, `limits.py` and the `Site` of
`wire/exchange.py` only.
Does not do: anything about Halo, or deciding what becomes of a ticket.
"""
