"""How the program speaks: to people at a terminal, to machines by the line, and never of a secret."""
