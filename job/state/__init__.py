"""Memory between runs: links, intents, parked issues, watermarks, leases and the record of runs."""
