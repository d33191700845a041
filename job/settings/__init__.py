"""The environment's variables as one frozen value: parsed, checked together, secrets followed."""
