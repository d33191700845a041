"""What each command of the program does, and what all of them have at hand.

Promises: a command returns its exit code; whatever goes wrong in it is an error that has words.
Does not do: reading the command line (`cli.py`), or any part of a run (`flow/`).
"""
