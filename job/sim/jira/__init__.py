"""A Jira Cloud site that is not there: projects, workflows, people and tickets, answered as a live site answers."""
