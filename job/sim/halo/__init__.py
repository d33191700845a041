"""A Halo that is not there: servers, issues and scans, answered as the live API answers.

Promises: sources stand in the files that keep to them; nothing here knows how the job reads Halo.
Does not do: anything that Jira has a part in.
"""
