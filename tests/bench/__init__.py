"""How fast the job is as a process, against how fast the vendors' limits alone would let anybody
be.
"""
