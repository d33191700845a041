"""Jira Cloud's side: the requests we make, what the answers mean, and the client that joins the
two.
"""
