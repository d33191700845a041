"""Settings with which the program starts, as an environment; a test replaces what it is about.

Does not do: settings for a simulated world, which that world gives (`job.sim.story.settings`).
"""

GOOD = {
    "HALO_API_KEY": "halo-key-1",
    "HALO_API_SECRET_KEY": "halo-secret-1",
    "JIRA_API_USER": "sync@example.com",
    "JIRA_API_TOKEN": "jira-token-1",
    "JIRA_API_URL": "https://example.atlassian.net",
    "JIRA_ISSUE_ID_FIELD": "Halo Issue ID",
    "JIRA_PROJECT_KEY": "SEC",
    "JIRA_ISSUE_TYPE": "Bug",
    "ISSUE_REOPEN_TRANSITION": "Reopen",
    "ISSUE_CLOSE_TRANSITION": "Resolve",
    "ISSUE_STATUS_CLOSED": "Done",
    "HOME": "/home/someone",
}
