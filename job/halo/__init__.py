"""Halo's side: the requests we make, what the answers mean, and the client that joins the two.

Promises: the rest of the job meets Halo through `client.py` and `limits.py` only.
Does not do: anything about Jira, or about what becomes of an issue.
"""
