"""`python -m job` is `halo-jira-sync`."""

from job.cli import main

if __name__ == "__main__":
    main()
