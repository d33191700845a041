"""How the program speaks: to people at a terminal, to machines by the line, never of a secret."""
