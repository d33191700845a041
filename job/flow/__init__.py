"""One run, from the lease to the watermark: the road that data takes, a file for each stretch of
it.
"""
