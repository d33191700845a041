"""How each kind of finding is told: what was found, why it matters, how to fix it, its proof."""
