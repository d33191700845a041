"""What the program knows and decides, as values and functions only: no I/O, no clock, no
randomness, no logging.
"""
