"""What a person or a container may ask of the program: one file a command."""
