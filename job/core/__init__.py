"""What the program knows and decides, as values and functions: no I/O, no clock, no randomness.

Promises: the same values always give the same answer; nothing outside is read or changed.
Does not do: logging or waiting either. Whoever calls brings the time, and does what was decided.
"""
