"""How the program speaks: to people at a terminal, to machines by the line, never of a secret.

Promises: whatever is said has the secrets taken out of it.
Does not do: deciding what is worth saying; whoever does the work decides that.
"""
