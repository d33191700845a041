"""A Jira Cloud site that is not there: projects, workflows, people and tickets, answered as a live
site answers.

Promises: sources stand in the files that keep to them; nothing here knows how the job reads Jira.
Does not do: anything that Halo has a part in.
"""
