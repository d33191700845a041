"""What Jira Cloud allows, and how it says that it is too much.

Promises: the numbers and names are those of developer.atlassian.com, "Rate limiting", or say where
else they come from.
Does not do: keeping to them (`job/http/governor.py`).
"""

from job.http.limits import Reach, RemoteLimits

JIRA_LIMITS = RemoteLimits(
    # Of one endpoint, for all programs of a site together: 90 in the long run, and never more than
    # 100 in any second. Whoever else is at work there shows in the headers, and then we halve.
    per_second_max=100.0,
    # One ticket takes 20 writes in 2 seconds.
    apart_s=0.1,
    # For a 429 without Retry-After: start at 2 s, double, stop at 30 s, scatter by 0.7 to 1.3.
    first_pause_s=2.0,
    longest_pause_s=30.0,
    near_limit_header="x-ratelimit-nearlimit",
    reason_header="ratelimit-reason",
    # "Slow only the endpoint that complained" (the guide of October 2026). Quotas, and reasons that
    # we do not know, concern everybody.
    reaches={"jira-burst-based": Reach.KIND, "jira-per-issue-on-write": Reach.SUBJECT},
    # The gateway left out Retry-After in April 2026 (Atlassian's status page).
    reset_header="x-ratelimit-reset",
)
