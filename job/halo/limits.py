"""What Halo allows: it publishes no number, but counts calls by the minute.

Promises: each number says where it comes from. That calls are counted by the minute is said by
CloudPassage's Python SDK (`CloudPassageRateLimit`).
Does not do: keeping to them (`job/http/governor.py`).
"""

from job.http.limits import RemoteLimits

HALO_LIMITS = RemoteLimits(
    # What bounds us is HALO_CONCURRENCY_MAX, or else the number that Halo does not publish.
    per_second_max=100.0,
    counts_by_s=60.0,
    # Halo names no pause. These are the ones that Atlassian advises, for want of better.
    first_pause_s=2.0,
    longest_pause_s=30.0,
)
