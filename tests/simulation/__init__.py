"""The whole job against both simulated vendors in one process, in time that only passes when
everybody waits.
"""
