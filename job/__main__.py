"""`python -m job` is `halo-jira-sync`."""

import gc


def main() -> None:
    """The console script."""
    gc.disable()  # nothing that is imported is garbage, and looking for some is a tenth of the start; `cli` goes on
    from job import cli  # noqa: PLC0415 -- after it

    cli.main()


if __name__ == "__main__":
    main()
