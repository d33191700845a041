"""One polite way to call a remote: what a message is, when to repeat it, how many at once.

Promises: it knows no vendor. What a remote allows is a value that the vendor's side fills in.
Does not do: reading bodies, or saying what a refusal means.
"""
