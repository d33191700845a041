"""One polite way to call a remote: what a message is, when to repeat it, how many at once."""
